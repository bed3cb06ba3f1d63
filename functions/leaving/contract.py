"""What clients say to leave."""

from pydantic import Field

from functions.core.contract import LONGEST_NAME, Wire


class EraseMe(Wire):
    """The caller's own handle, typed by hand: nobody leaves by accident."""

    confirm: str = Field(max_length=LONGEST_NAME)
