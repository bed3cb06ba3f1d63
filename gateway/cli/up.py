"""`miraveja up`: the whole gallery on this machine, until Ctrl-C."""

import argparse
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

from gateway.cli import options

if TYPE_CHECKING:
    from functions.core.settings import Settings
    from gateway.local.supervisor import Gallery


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.data(command)
    command.add_argument("--host", help="address to listen on (MIRAVEJA_HOST, 127.0.0.1)")
    command.add_argument("--port", type=int, help="port to listen on (MIRAVEJA_PORT, 8080)")
    command.add_argument(
        "--samples", action=argparse.BooleanOptionalAction, default=True, help="fill an empty gallery with pictures"
    )


def run(given: argparse.Namespace) -> int:
    """Start, announce, mend until told to stop; whatever happens, nothing is left running."""
    from gateway.cli.screen import say
    from gateway.local.supervisor import Gallery, alone, await_port

    settings = options.settings(given)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _stop)
    gallery = Gallery(settings)
    gallery.allowed()
    with alone(settings.data_dir):
        await_port(settings.host, settings.port)
        say(f"Starting MiraVeja on {settings.data_dir} …")
        try:
            gallery.start()
            _serve(gallery, settings, samples=given.samples)
        except KeyboardInterrupt:
            say("stopping …")
            raise
        finally:
            _deaf()
            gallery.stop()
    say("stopped")
    return 0


def _serve(gallery: "Gallery", settings: "Settings", *, samples: bool) -> None:
    from gateway.cli.beside import beside
    from gateway.cli.screen import say

    with beside(_open(settings, samples=samples)):
        gallery.watch(say)
        say("stopping …")


async def _open(settings: "Settings", *, samples: bool) -> None:
    """Fill an empty gallery, say where it is, and show that it finds what was sent."""
    from gateway.cli.first_run import send_samples, show_search

    local = settings.identity_url == "local:"
    sent = samples and local and await send_samples(settings)
    await _announce(settings, local=local)
    if sent:
        await show_search(settings)


async def _announce(settings: "Settings", *, local: bool) -> None:
    """The address, and the one-time link where this gallery signs people in itself."""
    from functions.core.errors import Unavailable
    from gateway.cli.screen import say
    from gateway.local import wires

    sys.stdout.write(f"The gallery:  {settings.address}\n")
    if local:
        try:
            made = await wires.call(wires.operator(settings), "/link")
            sys.stdout.write(f"Sign in here: {made['link']}\n")
            say("The link signs you in; it works once, for ten minutes: `miraveja link` prints another. Ctrl-C stops.")
        except Unavailable:
            say("`miraveja link` prints a sign-in link. Ctrl-C stops.")
    sys.stdout.flush()


def _stop(_number: int, _frame: FrameType | None) -> None:
    """The terminal is gone: as Ctrl-C."""
    os.kill(os.getpid(), signal.SIGTERM)


def _deaf() -> None:
    """Stopping takes seconds and is not stopped."""
    for told in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(told, signal.SIG_IGN)
