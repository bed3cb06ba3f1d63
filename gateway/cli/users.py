"""`miraveja users`: who is here, bans, invitations and sign-in links, on the machine of the gallery."""

import argparse
import json
import sys
from typing import Final

from gateway.cli import options

BANNED: Final = "banned"


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    verbs = command.add_subparsers(dest="verb", required=True, metavar="VERB")
    listed = verbs.add_parser("list", help="newest first, a thousand at most")
    listed.add_argument("part", nargs="?", default="", metavar="PART", help="only whose handle or name has this in it")
    options.json(listed, "{users: [{id, handle, name, createdAt, bannedAt}]} on standard output")
    for verb, says in {
        "ban": "nobody sees their pictures, and nothing answers them",
        "unban": "let them in again",
        "link": "print a one-time sign-in link for them",
    }.items():
        verbs.add_parser(verb, help=says).add_argument("who", metavar="WHO", help="a handle or an id")
    verbs.add_parser("invite", help="make a person, and print their one-time link, good for three days").add_argument(
        "name", type=options.label, metavar="NAME", help="what they are called"
    )
    for each in verbs.choices.values():
        options.data(each)


def run(given: argparse.Namespace) -> int:
    """Print what was asked for on standard output, and what was done on standard error."""
    from gateway.cli.operators import ask

    settings = options.settings(given)
    match given.verb:
        case "list":
            _print(ask(settings, "/users", part=given.part), as_json=given.json)
        case "invite":
            _invite(ask(settings, "/users/invite", name=given.name))
        case "link":
            sys.stdout.write(ask(settings, "/link", who=given.who)["link"] + "\n")
        case verb:
            _done(given, news=ask(settings, f"/users/{verb}", who=given.who)["news"])
    return 0


def _print(found: dict[str, list[dict[str, str]]], *, as_json: bool) -> None:
    from gateway.cli.screen import plain, say

    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    if not found["users"]:
        say("nobody")
    for user in found["users"]:
        standing = BANNED if user["bannedAt"] else ""
        sys.stdout.write(f"{user['handle']:<32}  {user['createdAt']}  {standing:<6}  {plain(user['name'])}\n")


def _invite(made: dict[str, str]) -> None:
    from gateway.cli.screen import say

    say(f"{made['handle']} can sign in by this link, once, within three days:")
    sys.stdout.write(made["link"] + "\n")


def _done(given: argparse.Namespace, *, news: bool) -> None:
    from gateway.cli.screen import plain, say

    done = {"ban": "is banned", "unban": "is not banned"}[given.verb]
    say(f"{plain(given.who)} {done}{'' if news else ', as before'}")
