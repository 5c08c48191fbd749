"""The messages for what a PostgreSQL server refuses, with what to do.

A server that refuses a connection tells no code to the program, only words; afterwards every error has its code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import Error as DriverError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from rivya_nb.contract.text import HALF, printable, short_repr
from rivya_nb.errors import DatabaseUnreachableError, StoreError, UsageError, WaitInterruptedError
from rivya_nb.store.persisting import Interrupted, interrupted
from rivya_nb.store.places import ServerAddress

_LONGEST = 200
"""Characters of the server's own words in a message."""

POOLED = (
    "between this machine and the server stands a pooler (PgBouncer or the like) that gives one connection to "
    "several clients in turn, but the ownership of jobs needs one of its own; name the server's own address, or "
    "let the pooler's administrator set pool_mode = session for this database, with DISCARD ALL as "
    "server_reset_query"
)

_KEEP_IT = (
    "keep it in the file that PGPASSFILE names (default: ~/.pgpass) as a line host:port:database:user:password, "
    "or in PGPASSWORD"
)

_OPTION = "an option behind the address is wrong ({said}); correct it"

_CONNECTING = (
    (
        "bad value for connect_timeout|invalid command-line argument|method requirement|channel binding required"
        "|only supports protocol|weak sslmode",
        _OPTION,
    ),
    ("password authentication failed", f"the server does not take the password ({{said}}); {_KEEP_IT}"),
    ("no password supplied", f"the server asks for a password, and there is none; {_KEEP_IT}"),
    (
        "peer|ident",
        "the server takes this user only from a login of the same name ({said}); name your own user, as in "
        "postgresql://user@host/database, or let the server's administrator add a rule to pg_hba.conf",
    ),
    ("authentication failed", f"the server does not take this login ({{said}}); {_KEEP_IT}"),
    (
        r"no pg_hba\.conf entry.*(no encryption|ssl off)",
        "the server's rules do not let this user in from this machine without encryption ({said}); if its rules "
        "ask for encryption, write ?sslmode=require behind the address, and else let the server's administrator "
        "add a rule to pg_hba.conf",
    ),
    (
        r"pg_hba\.conf",
        "the server's rules do not let this user in from this machine ({said}); let the server's administrator "
        "add a rule to pg_hba.conf",
    ),
    (
        "server does not support ssl",
        "encryption is asked for (sslmode, in the address or in PGSSLMODE), and the server offers none; let the "
        "server's administrator switch it on (ssl = on), or ask for none",
    ),
    (
        "certificate|ssl error|tls",
        "no encrypted connection was made ({said}); the address may name the file of the authority that signed "
        "the server's certificate, as ?sslmode=verify-full&sslrootcert=/folder/root.crt",
    ),
    (
        "database .* does not exist|no such database",
        "the server has no such database ({said}); correct the address, or let the server's administrator make "
        "it: {create}",
    ),
    (
        "role .* does not exist|no such user",
        "the server knows no such user ({said}); name another, as in postgresql://user@host/database, or let the "
        "server's administrator make it with CREATE ROLE … LOGIN",
    ),
    (
        "not permitted to log in",
        "the server lets this user not log in ({said}); let its administrator allow it with ALTER ROLE … LOGIN",
    ),
    (
        "permission denied for database",
        "this user may not connect to the database ({said}); let the server's administrator allow it with GRANT "
        "CONNECT ON DATABASE … TO …",
    ),
    (
        "too many|connection slots|no more connections allowed|query_wait_timeout",
        "the server has no connection to spare ({said}); shut down kernels that are not used (each has up to "
        "three connections), or let the server's administrator allow more (max_connections, CONNECTION LIMIT)",
    ),
    (
        "starting up|shutting down|recovery mode|not accepting|administrator command",
        "the server is starting or stopping ({said}); try again in a moment",
    ),
    (
        "service file|definition of service",
        "the service that the address or PGSERVICE names is not known here ({said}); correct it, or the file of "
        "services (PGSERVICEFILE; default: ~/.pg_service.conf)",
    ),
    ("transaction blocks not allowed", POOLED),
    (
        "unsupported startup parameter",
        "a pooler between this machine and the server refuses a setting of the connection ({said}); let its "
        "administrator add it to ignore_startup_parameters, or name the server's own address",
    ),
    (
        "failed to resolve|could not translate host name",
        "no machine of that name is known here ({said}); correct the address, or see whether the network (a "
        "VPN?) is there",
    ),
    (
        "timeout",
        "no answer came in time; correct the address, or see whether the network (a VPN, a firewall) lets this "
        "machine reach the server",
    ),
    (
        "connection refused|no such file or directory",
        "no server listens there ({said}); correct the address (host and port), or let the server's administrator "
        "start it and let it listen to other machines (listen_addresses)",
    ),
    (
        "unreachable|no route",
        "this machine does not reach the server ({said}); see whether the network (a VPN?) is there",
    ),
    (
        "received invalid response|expected authentication request",
        "what answers there is no PostgreSQL server; correct the address (host and port)",
    ),
    (
        "unrecognized configuration parameter|invalid connection option|invalid .*value",
        _OPTION,
    ),
    (
        "closed the connection|consuming input failed|connection is closed|connection is lost|reset by peer",
        "the connection to the server was lost; nothing that was stored before is lost, and the next step "
        "connects again",
    ),
)
"""Words of the server or of libpq, as patterns, each with what it means."""

_NO_CODE = "08"
"""How codes begin that say no more than that something is wrong with the connection."""

_REFUSED = "the database refused ({said})"
_CHANGED = "a newer rivya_nb has changed it meanwhile; restart this kernel"
_NO_CONNECTION = "the connection was ended by the server ({said}); try again in a moment"

_CODES = {
    "25006": "it may only be read ({said}); connect again, to read it",
    "40001": "other kernels changed the same at the same time; try again",
    "40P01": "other kernels changed the same at the same time; try again",
    "42501": "this user lacks a right ({said}); let the server's administrator grant it",
    "42703": _CHANGED,
    "42P01": _CHANGED,
    "53100": "the server's disk is full ({said}); let its administrator free some space and try again. What was "
    "stored before is safe",
    "53200": "the server is out of memory ({said}); try again in a moment",
    "53300": next(meaning for words, meaning in _CONNECTING if words.startswith("too many")),
    "53400": "the server's administrator has set a limit that was reached ({said})",
    "55P03": "another program has locked what is needed for longer than the server allows ({said}); try again "
    "when it is done",
    "57014": "the server ended what took longer than it allows ({said}); let its administrator raise "
    "statement_timeout for this user, or try again when the server is less busy",
    "57P01": _NO_CONNECTION,
    "57P02": _NO_CONNECTION,
    "57P03": _NO_CONNECTION,
    "57P05": _NO_CONNECTION,
    "58030": "the server cannot read or write its disk ({said}); tell its administrator",
    "XX001": "the server's files are damaged ({said}); tell its administrator",
    "XX002": "the server's files are damaged ({said}); tell its administrator",
}
"""Codes of errors (SQLSTATE), each with what it means."""

_PASSING = ("40001", "40P01", "53300", "55P03", "57014", "57P")
"""How the codes begin of errors that another attempt may not meet."""

_PASSING_WORDS = re.compile(
    "too many|connection slots|no more connections allowed|query_wait_timeout|starting up|shutting down"
    "|recovery mode|not accepting|administrator command|failed to resolve|could not translate host name|time.?out"
    "|timed out|could not (send|receive)"
    "|connection refused|no such file or directory|unreachable|no route|closed the connection"
    "|consuming input failed|connection is closed|connection is lost|reset by peer|broken pipe|eof detected"
    "|sending query failed|server closed"
)
"""The same for a lost connection, or one that could not be made."""

_NAMES = re.compile(r"\"[^\"]*\"|host '[^']*'")

_AROUND = re.compile(r"connection (?:failed|is bad): |connection to server .*? failed: |\b[A-Z]+:  ")


@contextmanager
def server_trouble(address: ServerAddress) -> Iterator[None]:
    """Turn an error of the database into a StoreError, and the end of a wait into a WaitInterruptedError.

    What it raises has no cause and no context: their frames and attributes may have what a statement wrote, and
    the parameters of the connection.
    """
    problem: StoreError | UsageError | WaitInterruptedError
    try:
        yield
    except Interrupted:
        problem = interrupted(str(address))
    except UnicodeEncodeError as error:
        # Every text of a user is stored here in the end, among them panel names and search words.
        problem = UsageError(f"{short_repr(error.object)}: {HALF}")
    except (SQLAlchemyError, DriverError) as error:
        kind = DatabaseUnreachableError if _may_pass(error) else StoreError
        problem = kind(f"{address}: {_meaning(address, error)}.")
    else:
        return
    try:
        raise problem
    finally:
        # Within `with`, Python takes the error that ended the block as the context.
        problem.__context__ = None


def grants(schema: str, user: str) -> str:
    """The statements by which an administrator lets a user work with a store."""
    schema, user = sql_name(schema), sql_name(user)
    return (
        f"GRANT USAGE ON SCHEMA {schema} TO {user}; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {user}; "
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {user}"
    )


def sql_name(name: str) -> str:
    """A name as SQL has it, in quotes where it needs them."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def _may_pass(error: BaseException) -> bool:
    """Whether another attempt may succeed without anybody's doing."""
    if isinstance(error, PoolTimeoutError):
        return True
    origin = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(origin, DriverError) or _known(origin) == _OPTION:
        return False
    if origin.sqlstate and not origin.sqlstate.startswith(_NO_CODE):
        return origin.sqlstate.startswith(_PASSING)
    # What is not known may be said in the server's own language, as that it is just starting.
    return bool(_PASSING_WORDS.search(_nameless(origin))) or _known(origin) is None


def _known(origin: DriverError) -> str | None:
    """What a lost connection means, or one that could not be made; None where it is not known."""
    words = _nameless(origin)
    return next((meaning for pattern, meaning in _CONNECTING if re.search(pattern, words, re.DOTALL)), None)


def _nameless(origin: DriverError) -> str:
    """The words of an error without the names in them: a database may be called `identity`."""
    return _NAMES.sub("", str(origin).lower())


def _meaning(address: ServerAddress, error: BaseException) -> str:
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if not isinstance(origin, DriverError):
        return f"the database refused ({_shown(str(origin))})"
    code = origin.sqlstate or _NO_CODE
    if not code.startswith(_NO_CODE):
        return _CODES.get(code, _REFUSED).format(said=_shown(origin.diag.message_primary or str(origin)))
    # The words may be of another language, but this is known in any.
    if getattr(origin.pgconn, "needs_password", False):
        return f"the server asks for a password, and there is none; {_loose_file(address) or _KEEP_IT}"
    create = (
        f"CREATE DATABASE {sql_name(address.database)} ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0"
    )
    return (_known(origin) or _REFUSED).format(said=_shown(str(origin)), create=create)


def _shown(words: str) -> str:
    """The server's words on one line, without what the driver and libpq say around them."""
    line = " ".join(line for line in words.splitlines() if not line.startswith("\t"))
    return printable(_AROUND.sub("", line), _LONGEST)


def _loose_file(address: ServerAddress) -> str | None:
    """What is wrong with a file of passwords that libpq leaves alone since others may read it."""
    given = address.parameters.get("passfile") or os.environ.get("PGPASSFILE")
    path = Path(given) if given else Path.home() / ".pgpass"
    try:
        is_loose = os.name == "posix" and path.stat().st_mode & 0o077
    except OSError:
        return None
    return f"{path} is ignored since others may read it: chmod 600 {path}" if is_loose else None
