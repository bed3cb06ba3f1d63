"""What the gateway itself tells clients."""

from uuid import UUID

from functions.core.contract import Label, Time, Wire


class LimitsOut(Wire):
    """Sizes in bytes and pixels."""

    max_bytes: int
    max_pixels: int
    max_query_image_bytes: int


class IdentityOut(Wire):
    """How people sign in: `local`, or an OIDC issuer with the client that browsers use."""

    kind: str
    authority: str | None
    client_id: str | None


class AboutOut(Wire):
    """What a client needs to know before it begins."""

    name: str
    version: str
    limits: LimitsOut
    accepted_types: list[str]
    model: str
    identity: IdentityOut
    store_origin: str
    features: dict[str, bool]


class AssetStatus(Wire):
    """How an asset of the reader's stands now: the data of `asset.status`; `deleted` is the state of one that is no more."""

    asset_id: UUID
    state: str
    moderation: str
    trashed: bool
    reason: str | None


class Invite(Wire):
    """Who is asked in."""

    name: Label


class InvitationOut(Wire):
    """Somebody new, and the link by which they sign in: it works once, until `expiresAt`."""

    id: UUID
    handle: str
    name: str
    link: str
    expires_at: Time
