"""`python -m rivya_nb.sandbox`: the sandbox for any client, or, with `--lease`, for the processes that join
it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rivya_nb.sandbox import flags


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    config = flags.config(options)
    from rivya_nb.sandbox.server import serve, serve_leases

    if options.lease is not None:
        serve_leases(config, options.folder, options.lease)
    else:
        serve(config, port=options.port, folder=options.folder, on_ready=lambda url: print(url, flush=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rivya_nb.sandbox", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where its state is kept; default: a temporary folder")
    parser.add_argument("--port", type=int, default=0, help="default: 0, which takes a free port")
    flags.add_flags(parser)
    parser.add_argument("--lease", metavar="ID", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
