"""What a gallery says of itself."""

from gateway.client.request import Request, told
from gateway.contract import AboutOut


def about() -> Request[AboutOut]:
    """Limits, accepted types, model, version, identity."""
    return Request("GET", "/.well-known/miraveja", told(AboutOut), bare=True)
