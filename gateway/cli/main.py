"""The command `miraveja`: finds the sub-command, and says in one line what went wrong."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import FrameType, ModuleType
from typing import Final

COMMANDS: Final = {
    "up": "start the whole gallery on this machine",
    "upload": "send pictures and folders of pictures",
    "search": "find pictures by words, by example, or by both",
    "doctor": "check every part and say what to do",
    "token": "print an access token of this machine's gallery, good for five minutes",
    "link": "print a new one-time sign-in link",
    "users": "list, ban and invite people",
    "keys": "list, create and revoke API keys",
    "audit": "count rows, objects and vectors, and name every mismatch",
    "reconcile": "repair what was left half done",
    "dlq": "list the events that were given up, begin them anew, or drop them",
    "replay": "put assets on their way again after the event log was lost",
    "log": "show the audit log, and verify that nobody changed it",
    "reindex": "build the search index anew from the database",
    "backup": "keep the whole gallery elsewhere, also while it runs",
    "restore": "bring a backup back into an empty data folder",
    "config": "print every setting with its source and meaning",
    "openapi": "print the HTTP contract",
}
OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130
NOT_KNOWN: Final = 401


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for done, 1 for failed, 2 for a wrong call, 130 for interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if os.environ.get("MIRAVEJA_LOG_LEVEL") == "DEBUG":
            raise
        return _say(_told(error), FAILED)


def parser(chosen: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser; only the chosen commands' modules are imported, so that `--help` is quick."""
    top = argparse.ArgumentParser(prog="miraveja", description="A self-hosted image gallery with AI search.")
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, says in COMMANDS.items():
        command = commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
        if name in chosen:
            _module(name).arguments(command)
    return top


def _run(arguments: list[str]) -> int:
    try:
        given = parser(arguments).parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    signal.signal(signal.SIGTERM, _interrupt)
    done: int = _module(given.command).run(given)
    return done


def _module(name: str) -> ModuleType:
    return import_module(f"gateway.cli.{name}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """As Ctrl-C, also where the shell has us ignore that, as it does for jobs in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def _told(error: Exception) -> str:
    """One line: our own errors are sentences already, of others the kind helps more than nothing."""
    from functions.core.errors import MiraVejaError
    from functions.core.text import line
    from gateway.client.errors import GalleryError, Problem

    if isinstance(error, Problem) and error.status == NOT_KNOWN and _given_token():
        return "MIRAVEJA_TOKEN does not hold here: it has ended, was revoked, or is another gallery's"
    if isinstance(error, MiraVejaError | GalleryError):
        return line(str(error), 1_000)
    where = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
    said = error.strerror if isinstance(error, OSError) else str(error)
    return line(f"{said or type(error).__name__}{where}; MIRAVEJA_LOG_LEVEL=DEBUG shows more", 1_000)


def _given_token() -> bool:
    return any(os.environ.get(name) for name in ("MIRAVEJA_TOKEN", "MIRAVEJA_TOKEN_FILE"))


def _say(text: str, status: int) -> int:
    sys.stderr.write(f"miraveja: {text}\n")
    return status


class _Version(argparse.Action):
    """Reads the version only when somebody asks."""

    def __call__(self, asked: argparse.ArgumentParser, *_: object) -> None:
        """Print it and end."""
        from importlib.metadata import version

        sys.stdout.write(f"miraveja {version('miraveja')}\n")
        asked.exit()


if __name__ == "__main__":
    sys.exit(main())
