"""`miraveja keys`: API keys of whoever asks, for programs."""

import argparse
import asyncio
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from gateway.cli import options

if TYPE_CHECKING:
    from functions.keys.contract import CreateKey, KeysOut
    from gateway.client.request import Request

T = TypeVar("T")
SCOPES: Final = ("read", "upload", "write")
PATIENCE_S: Final = 5.0
"""A person waits for the answer."""


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    verbs = command.add_subparsers(dest="verb", required=True, metavar="VERB")
    options.json(verbs.add_parser("list", help="every key, without its secret"), "the answer as the gallery gives it")
    made = verbs.add_parser("create", help="print a new key, which is shown this once")
    made.add_argument("name", type=options.label, metavar="NAME", help="what it is for")
    made.add_argument(
        "--scope", action="append", choices=SCOPES, help="what it may do; repeatable; all of it unless said"
    )
    made.add_argument("--days", type=options.number(1, 365), default=90, metavar="N", help="1 to 365 days (90)")
    verbs.add_parser("revoke", help="make it work no more").add_argument("id", metavar="ID", help="the key's id")
    for verb in verbs.choices.values():
        options.url(verb)


def run(given: argparse.Namespace) -> int:
    """Print what was asked for on standard output, and nothing else."""
    from gateway.cli.screen import say
    from gateway.client.requests import keys

    match given.verb:
        case "list":
            _print(_asked(given, keys.every()), as_json=given.json)
        case "create":
            sys.stdout.write(_asked(given, keys.create(_wanted(given))).key + "\n")
        case _:
            _asked(given, keys.revoke(_id(given.id)))
            say("the key works no more")
    return 0


def _asked(given: argparse.Namespace, request: "Request[T]") -> T:
    return asyncio.run(_ask(given, request))


async def _ask(given: argparse.Namespace, request: "Request[T]") -> T:
    from gateway.client.api import Gallery
    from gateway.client.credentials import bearer

    settings = options.settings(given)
    async with Gallery(settings.url, bearer(settings), patience_s=PATIENCE_S) as gallery:
        return await gallery.ask(request)


def _wanted(given: argparse.Namespace) -> "CreateKey":
    from functions.core.times import utcnow
    from functions.keys.contract import CreateKey

    until = utcnow() + timedelta(days=given.days)
    return CreateKey.model_validate({"name": given.name, "scopes": given.scope or SCOPES, "expiresAt": until})


def _id(text: str) -> str:
    """A path is made of it, so that it is an id and nothing else."""
    from uuid import UUID

    from functions.core.errors import Invalid

    try:
        return str(UUID(text))
    except ValueError:
        raise Invalid("a key's id is what `miraveja keys list` prints first") from None


def _print(found: "KeysOut", *, as_json: bool) -> None:
    from gateway.cli.screen import plain

    if as_json:
        sys.stdout.write(found.model_dump_json(by_alias=True) + "\n")
        return
    for key in found.items:
        used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        scopes = ",".join(key.scopes)
        sys.stdout.write(f"{key.id}  {scopes:<17}  until {key.expires_at:%Y-%m-%d}  {used:<21}  {plain(key.name)}\n")
