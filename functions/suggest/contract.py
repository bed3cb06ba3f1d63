"""What people begin to type, and what they may mean."""

from functions.core.contract import Query, Wire


class Suggest(Wire):
    """The beginning of a word, without regard to case and accents; empty for what comes first."""

    q: Query = ""


class TagFound(Wire):
    """A tag, and how many assets that the caller may see have it."""

    name: str
    count: int


class PersonFound(Wire):
    """Somebody with an account here."""

    handle: str
    name: str


class SuggestOut(Wire):
    """At most ten of each: tags by their number, people by handle, the caller's own searches, the last one first."""

    tags: list[TagFound]
    people: list[PersonFound]
    searches: list[str]
