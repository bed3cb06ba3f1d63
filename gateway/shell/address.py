"""Where a request comes from: the peer, or what a proxy that the settings trust says of it."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

from functions.core.asked import Asked

Network = IPv4Network | IPv6Network


def client_address(scope: Scope, trusted: Iterable[Network]) -> str:
    """The right-most address that no trusted proxy has; empty for a socket of our own."""
    found = _read((scope.get("client") or ("",))[0])
    if found is None:
        return ""
    proxies = tuple(trusted)
    for told in reversed(_forwarded(scope) if proxies else []):
        if not any(found in proxy for proxy in proxies):
            break
        before = _read(told)
        if before is None:  # what stands left of it is not more credible
            break
        found = before
    return str(found)


def network(address: str) -> str:
    """What limits count by: an IPv4 address, the /64 of an IPv6 one."""
    return Asked(address=address).origin


def _forwarded(scope: Scope) -> list[str]:
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(lines).split(",")


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; IPv4 that was written as IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.version == 6 and found.ipv4_mapped) or found
