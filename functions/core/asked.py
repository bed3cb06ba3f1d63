"""Who is asking from where, for log lines, the audit log and limits; never a ground for letting anybody in."""

from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

SITE_BITS: Final = 64
"""An IPv6 customer has a /64 at least: all its addresses are one caller."""
PREFIX_BITS: Final = {4: 24, 6: 48}
"""How much of an address a record keeps."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the number that its answer carries, and the address it came from, empty where there is none."""

    request_id: str = ""
    address: str = ""

    @property
    def network(self) -> str:
        """The address cut to /24 or /48, which tells a network and no person."""
        try:
            host = ip_network(self.address)
        except ValueError:  # a socket of our own has no address
            return ""
        return str(host.supernet(new_prefix=PREFIX_BITS[host.version]))

    @property
    def origin(self) -> str:
        """What limits count by: an IPv4 address, the /64 of an IPv6 one."""
        if ":" not in self.address:
            return self.address
        return str(ip_network((self.address, SITE_BITS), strict=False))


asked: ContextVar[Asked] = ContextVar("asked", default=Asked())  # noqa: B039 -- frozen
