"""How a client proves itself: a token it was given, or the credential file of a gallery on this machine."""

import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from functions.core.errors import Invalid, NotFound, Unauthenticated, Unavailable
from functions.core.identity.principal import ROLES, TOKEN_LIFE_S
from functions.core.settings import Settings
from gateway.client.errors import Unreachable
from gateway.local import wires
from gateway.local.guard import is_loopback

RENEW_S: Final = 60
ANSWER_S: Final = 2.0


def bearer(settings: Settings) -> Callable[[], str]:
    """A source of tokens that are good now; raises Unauthenticated or NotFound with what to do."""
    url = urlsplit(settings.url)
    here = is_loopback(url.hostname or "")
    if settings.token:
        if url.scheme != "https" and not here and not settings.insecure:
            raise Invalid(
                f"anybody on the way to {settings.url} could read the token: use https:, or set MIRAVEJA_INSECURE=true"
            )
        given = settings.token.get_secret_value()
        return lambda: given
    if not here:
        raise Unauthenticated("set MIRAVEJA_TOKEN: this gallery is not on this machine")
    return LocalToken(settings.data_dir, partial(_running, settings))


def _running(settings: Settings) -> None:
    """Raises Unreachable where the gallery is down: whoever has its port then is somebody else."""
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(ANSWER_S)
        try:
            tried.connect(str(wires.operator(settings)))
        except OSError:
            raise Unreachable(settings.url, f"none runs on {settings.data_dir}") from None


class LocalToken:
    """Mints tokens of the local owner, a new one a minute before the last ends; makes no key of its own.

    `check` raises where none should be minted now.
    """

    def __init__(self, data_dir: Path, check: Callable[[], None] = lambda: None) -> None:
        from gateway.local.identity import KEY_FILE, OWNER_FILE, LocalIdentity

        folder = data_dir / "secrets"
        try:
            if not ((folder / KEY_FILE).is_file() and (folder / OWNER_FILE).is_file()):
                raise NotFound(
                    f"no gallery was started on {data_dir} yet: `miraveja up` starts one, --data names another"
                )
            self._identity = LocalIdentity(folder)
        except PermissionError:
            raise Unavailable(f"the credential file in {folder} belongs to another user: be that user") from None
        self._check, self._token, self._until = check, "", 0.0

    def __call__(self) -> str:
        """A token that is good for a minute at least."""
        if time.monotonic() > self._until - RENEW_S:
            self._check()
            self._token = self._identity.mint(
                self._identity.owner_subject(), ROLES, "Owner", client="miraveja-cli", lifetime_s=TOKEN_LIFE_S
            )
            self._until = time.monotonic() + TOKEN_LIFE_S
        return self._token
