"""Where a store is: a folder on this machine, or a database on a PostgreSQL server."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, unquote

from rivya_nb.contract.text import did_you_mean
from rivya_nb.errors import UsageError, shortened
from rivya_nb.files import user_path
from rivya_nb.store.picture_places import BUCKETS
from rivya_nb.store.picture_places import VARIABLE as PICTURES

EXAMPLE = "postgresql://db.lab/rivya"

_SERVERS = ("postgresql", "postgres")
_KNOWN = f"a store is a folder (also as file:///folder) or {EXAMPLE}"

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
"""A single letter is a drive of Windows. With one slash it is mistyped, or went through a path."""

_MISTYPED = re.compile(r"(jdbc:)?postgres(ql)?(:|//)", re.IGNORECASE)

_KEYWORDS = re.compile(
    r"(host|hostaddr|port|dbname|user|password|passfile|service|sslmode)\s*=", re.IGNORECASE
)
"""How an address begins that is written with the keywords of libpq."""

_QUOTES = "\"'`“”"

_AROUND = f" \t\r\n{_QUOTES}"
"""What is copied together with an address."""

_LOGIN = re.compile(r"(?![A-Za-z]:[/\\]|~[^:@]*/)(?=[^/@.])[^@]*:[^@]*@")
"""The start of `user:secret@host` without a scheme before it; it is no drive of Windows, and no home folder."""

_WITHIN = re.compile(r"(?![A-Za-z]:[/\\]).*?[A-Za-z0-9]{2}://", re.DOTALL)
"""An address with something before it, as a command or a line of a settings file has it."""

_SECRET = re.compile(r"(password|passwd|pwd)\s*=|://[^/@]*:[^/@]*@", re.IGNORECASE)
"""A password in a place where no option is read, such as behind a `;` or in the name of the database."""

_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")

_SECRETS = {"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"}

_OPTIONS = {
    *(
        "hostaddr",
        "passfile",
        "service",
        "servicefile",
        "options",
        "application_name",
        "fallback_application_name",
    ),
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "target_session_attrs", "load_balance_hosts", "require_auth", "channel_binding"),
    *(
        "sslmode",
        "sslnegotiation",
        "sslcompression",
        "sslcert",
        "sslkey",
        "sslcertmode",
        "sslrootcert",
        "sslcrl",
    ),
    *("sslcrldir", "sslsni", "requirepeer", "ssl_min_protocol_version", "ssl_max_protocol_version"),
    *("gssencmode", "krbsrvname", "gsslib", "gssdelegation"),
    *("min_protocol_version", "max_protocol_version", "oauth_issuer", "oauth_client_id", "oauth_scope"),
}
"""The parameters of libpq that may stand behind the `?`."""

_PLACES = {"host", "port", "dbname", "user"}
"""Those that have a place before the `?`, and may stand behind it as well."""

_WHERE_IT_BELONGS = "It belongs in the file that PGPASSFILE names (default: ~/.pgpass) or into PGPASSWORD."

_KEEP_IT_OUT = (
    "The store's address has a password in it, which messages and records would show. "
    f"{_WHERE_IT_BELONGS} Write the address without it, as in postgresql://user@host/database. Nothing was opened."
)


@dataclass(frozen=True)
class ServerAddress:
    """A database on a PostgreSQL server, never with a password. Equal ones are the same store.

    All are written as libpq has them, and its defaults (PGHOST, PGPORT, PGUSER, …) stand for what is empty. `host`
    is a name, a number or the folder of a socket, or several with commas, which are tried one after the other;
    `port` has as many, or one. `options` are other parameters of libpq, by name.
    """

    database: str
    host: str = ""
    port: str = ""
    user: str = ""
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        user = f"{_quoted(self.user)}@" if self.user else ""
        hosts = ",".join(
            _shown(host) + (port and f":{port}")
            for host, port in zip(*_pairs(self.host, self.port), strict=True)
        )
        options = "&".join(f"{name}={_quoted(value)}" for name, value in self.options)
        return f"postgresql://{user}{hosts}/{_quoted(self.database)}{options and f'?{options}'}"

    def __repr__(self) -> str:
        return f"ServerAddress({str(self)!r})"

    @property
    def parameters(self) -> dict[str, str]:
        """The keywords of a connection, as libpq has them."""
        given = {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            **dict(self.options),
        }
        return {name: value for name, value in given.items() if value}


StorePlace: TypeAlias = Path | ServerAddress


def read_place(given: str | os.PathLike[str] | ServerAddress) -> StorePlace:
    """The place of a store that a user named: an absolute path, or an address of a server.

    Raises:
        UsageError: it can be neither; it is the address of something else; or there is a password in it, which the
            message does not repeat.
    """
    if isinstance(given, ServerAddress):
        return given
    text = os.fspath(given) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str):
        return user_path(given)
    bare = text.strip(_AROUND)
    if text and not bare:
        raise UsageError(f"The store's address is empty; {_KNOWN}.")
    is_quoted = text[:1] in _QUOTES and text[-1:] in _QUOTES
    is_address = any(each.match(bare) for each in (_SCHEME, _MISTYPED, _KEYWORDS, _LOGIN))
    if bare != text and (is_address or is_quoted):
        raise UsageError("The store's address stands in quotation marks or between spaces; leave them out.")
    scheme = _SCHEME.match(text)
    if scheme is None:
        if _KEYWORDS.match(text):
            raise UsageError(
                "The store's address is written with keywords, as libpq's name=value: write it as postgresql://"
                f"user@host/database, without a password. {_WHERE_IT_BELONGS} A folder of such a name begins with "
                "./."
            )
        if _MISTYPED.match(text):
            raise UsageError(
                f"The store's address is mistyped: {_KNOWN}. A folder of that name is ./postgres…."
            )
        if _LOGIN.match(text):
            raise UsageError(f"{_KEEP_IT_OUT} A folder of such a name begins with ./.")
        if _WITHIN.match(text) and not text.startswith((".", "/", "~")):
            raise UsageError(
                f"The store's address has more than an address in it; write that alone: {_KNOWN}. A folder of "
                "such a name begins with ./."
            )
        return user_path(given)
    name = scheme[1].lower()
    if not text.startswith("//", scheme.end() - 1):
        raise UsageError(
            f"The store's address is mistyped: two slashes stand behind {shortened(scheme[1])}:, and pathlib.Path "
            f"would make one of them; {_KNOWN}. A folder of that name begins with ./."
        )
    if name in _SERVERS:
        return _server(text[scheme.end() + 1 :])
    if name == "file":
        return _folder(text)
    raise UsageError(_unknown(name))


def _unknown(scheme: str) -> str:
    named = f"A store cannot be at an address with {shortened(scheme)}://"
    if scheme.startswith("sqlite"):
        return f"{named}: name the folder of the store, which has its SQLite database and its pictures."
    if scheme.startswith(_SERVERS):
        return f"{named}: write {EXAMPLE}, without a driver's name."
    if scheme in BUCKETS:
        return f"{named}: a bucket keeps the pictures of a store, as {PICTURES} names it; {_KNOWN}."
    return f"{named}: {_KNOWN}."


def _folder(address: str) -> Path:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise UsageError("A folder's address has three slashes and the whole path: file:///home/ada/store.")
    if parts.query or parts.fragment:
        raise UsageError("A folder's address has no options; write # and ? in it as %23 and %3F.")
    return user_path(url2pathname(parts.path))


def _server(rest: str) -> ServerAddress:
    """The address from what stands behind `postgresql://`. No message repeats a part that may be secret."""
    if not rest.isprintable() or " " in rest:
        raise UsageError(
            "The store's address has a space or an invisible character in it; write it as %20 or so."
        )
    before, _, query = rest.partition("?")
    login_and_hosts, _, database = before.partition("/")
    login, _, hosts = login_and_hosts.rpartition("@")
    # Where a password has a slash or a question mark, its @ is behind that.
    if (
        ":" in _decoded(login)
        or "@" in database
        or "@" in query.partition("=")[0]
        or _SECRET.search(_decoded(rest))
    ):
        raise UsageError(_KEEP_IT_OUT)
    pairs = [_split(each) for each in hosts.split(",")]
    given = {
        "host": ",".join(host for host, _ in pairs),
        "port": ",".join(port for _, port in pairs),
        "dbname": _decoded(database.rstrip("/")),
        "user": _decoded(login),
        **_options(query),
    }
    options = sorted((name, value) for name, value in given.items() if name not in _PLACES)
    if not given["dbname"]:
        raise UsageError(f"The store's address names no database, as {EXAMPLE} does.")
    if ":" in given["user"]:
        raise UsageError(_KEEP_IT_OUT)
    return ServerAddress(
        given["dbname"], *_checked(given["host"], given["port"]), given["user"], tuple(options)
    )


def _split(host: str) -> tuple[str, str]:
    """A host and its port; an IPv6 address stands in brackets."""
    if host.startswith("[") or _IPV6.fullmatch(host):
        number, closing, rest = host[1:].partition("]")
        if not closing or (rest and not rest.startswith(":")):
            raise UsageError(
                "The store's address is mistyped: a number of IPv6 stands in brackets, as [::1]:5432."
            )
        return number, rest[1:]
    name, _, port = host.partition(":")
    return _decoded(name), port


def _checked(hosts: str, ports: str) -> tuple[str, str]:
    """Hosts and ports as an address keeps them: ports that are not given are empty."""
    names, numbers = _pairs(hosts, ports)
    if any(number and not (number.isdecimal() and 0 < int(number) < 65536) for number in numbers):
        raise UsageError(
            f"The store's address has a port that is not a number from 1 to 65535. If it is a password: "
            f"{_WHERE_IT_BELONGS} Nothing was opened."
        )
    if len(names) != len(numbers):
        raise UsageError("The store's address has more or fewer ports than hosts.")
    if any("@" in name[1:] for name in names if not name.startswith("/")):
        raise UsageError(_KEEP_IT_OUT)
    # The folder of a socket keeps its letters.
    names = [name if name.startswith(("/", "@")) else name.lower() for name in names]
    return ",".join(names), ",".join(numbers) if any(numbers) else ""


def _pairs(hosts: str, ports: str) -> tuple[list[str], list[str]]:
    """Each host with its port."""
    names, numbers = hosts.split(","), ports.split(",")
    return names, numbers * len(names) if len(numbers) == 1 else numbers


def _options(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = _decoded(name)
        if name.lower() in _SECRETS:
            raise UsageError(_KEEP_IT_OUT)
        if name not in _OPTIONS | _PLACES:
            # What is mistyped may be a password: only a name that is nearly right is shown.
            hint = did_you_mean(name, _OPTIONS | _PLACES) or "."
            raise UsageError(
                f"The store's address has an option that PostgreSQL's library does not know{hint} A password goes "
                "into PGPASSFILE or PGPASSWORD."
            )
        found[name] = _decoded(value)
    return found


def _decoded(text: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        decoded = "\0"
    if not decoded.isprintable():
        raise UsageError("The store's address has %… in it for something that is no character of a name.")
    return decoded


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else _quoted(host)


def local_folder(address: ServerAddress) -> Path:
    """The folder on this machine for what is kept of a store on a server."""
    from platformdirs import user_cache_path

    return user_cache_path("rivya_nb", appauthor=False) / sha256(str(address).encode()).hexdigest()[:16]
