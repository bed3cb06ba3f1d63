"""What the gallery says of itself: its limits, its contract, and an honest page at `/`."""

from importlib.metadata import version
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from functions.core.errors import NotFound
from functions.core.model import ACCEPTED
from functions.search.contract import MOST_QUERY_BYTES
from gateway.contract import AboutOut, IdentityOut, LimitsOut
from gateway.door import Door, TheDoor

router = APIRouter()
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "html": "text/html"}


@router.get("/.well-known/miraveja", name="about", tags=["meta"])
async def about(here: TheDoor) -> AboutOut:
    """Limits, accepted types, model, version, identity, store and features."""
    said = here.settings
    local = said.identity_url == "local:"
    identity = IdentityOut(kind="local" if local else "oidc", authority=None if local else said.identity_url,
                           client_id=None if local else "miraveja-web")  # fmt: skip
    limits = LimitsOut(max_bytes=said.max_bytes, max_pixels=said.max_pixels, max_query_image_bytes=MOST_QUERY_BYTES)
    return AboutOut(
        name="MiraVeja", version=version("miraveja"), limits=limits, accepted_types=list(ACCEPTED),
        model=here.world.ports.embedding.model.model_id, identity=identity,
        store_origin="/".join(said.store_url.split("/", 3)[:3]), features={"anonymousRead": said.anonymous_read},
    )  # fmt: skip


@router.get("/openapi.json", name="openapi", include_in_schema=False)
async def openapi(here: TheDoor) -> Response:
    """The contract, as it was made from the code."""
    _open(here)
    return Response((files("gateway") / "openapi.json").read_bytes(), media_type="application/json")


@router.get("/docs", name="docs", include_in_schema=False)
async def docs(here: TheDoor) -> HTMLResponse:
    """The contract, to read."""
    _open(here)
    return _page("docs.html")


@router.get("/", name="home", include_in_schema=False)
async def home() -> HTMLResponse:
    """A plain page, until the real ones come."""
    return _page("home.html")


@router.get("/pages/{name}", name="pageFile", include_in_schema=False)
async def page_file(name: str) -> Response:
    """The few files that the plain pages need."""
    stem, _, kind = name.partition(".")
    if not stem.isalnum() or kind not in ("css", "js", "svg"):
        raise NotFound
    try:
        data = (files("gateway") / "web" / name).read_bytes()
    except OSError:
        raise NotFound from None
    return Response(data, media_type=KINDS[kind], headers={"Cache-Control": "no-cache"})


def _page(name: str) -> HTMLResponse:
    text = (files("gateway") / "web" / name).read_text(encoding="utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"})


def _open(here: Door) -> None:
    if not here.settings.docs:
        raise NotFound
