"""Keeps the embedded gallery to the machine it runs on: refusals at the start and, per request, of other Hosts."""

import ipaddress
import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from functions.core.errors import Invalid

LOCAL_ONLY: Final = frozenset({"local", "folder"})
PORTS: Final = {"http": 80, "https": 443}


def refuse_unsafe(host: str, env: str, parts: Iterable[str]) -> None:
    """Invalid when one-time links (`local:`) or the folder store (`folder:`) would serve more than this machine.

    `parts` are the URLs that chose the parts, e.g. `local:`, `folder:`, `s3://…`.
    """
    local = sorted(url for url in parts if urlsplit(url).scheme in LOCAL_ONLY)
    if local and env.lower() == "production":
        raise Invalid(f"{', '.join(local)} is for one machine: MIRAVEJA_ENV=production needs the served parts")
    if local and not is_loopback(host):
        raise Invalid(f"{', '.join(local)} is for one machine: MIRAVEJA_HOST must be loopback, such as 127.0.0.1")


def is_loopback(host: str) -> bool:
    """Whether this names the machine itself and nothing else; other names could resolve to anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def known_hosts(port: int, public_url: str | None = None) -> frozenset[str]:
    """The Host headers of browsers that mean this gallery."""
    urls = [f"http://{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]")]
    return frozenset(host for url in [*urls, *([public_url] if public_url else [])] for host in _spellings(url))


def _spellings(url: str) -> set[str]:
    """`name:port`, and the bare name where the scheme implies the port."""
    parts = urlsplit(url.lower())
    name, implied = parts.netloc.removesuffix(f":{parts.port}"), PORTS.get(parts.scheme)
    port = parts.port or implied
    return {f"{name}:{port}", name} if port == implied else {f"{name}:{port}"}


class HostHeader:
    """Answers requests that were sent to another name: a page elsewhere whose name resolves here (DNS rebinding)."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """400 without exactly one Host, 421 for a strange one; everything else passes."""
        status = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if status is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send, status, scope.get("state", {}).get("request_id", ""))

    def _refusal(self, scope: Scope) -> int | None:
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if len(hosts) != 1:
            return 400
        return None if hosts[0].decode("latin-1").lower() in self._hosts else 421


async def _refuse(send: Send, status: int, request_id: str) -> None:
    code, title = ("misdirected_request", "This is not the address of the gallery")
    if status == 400:
        code, title = ("malformed", "The request must name one Host")
    told = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": title}
    body = json.dumps(told | {"requestId": request_id}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
