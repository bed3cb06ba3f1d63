"""The shape of a command: what is wanted as a JSON object, and a JSON object back."""

from collections.abc import Awaitable, Callable
from typing import Any

from gateway.door import Door

Wanted = dict[str, Any]
Said = dict[str, Any]
Act = Callable[[Door, Wanted], Awaitable[Said]]
"""Raises an error of ours, which arrives at the command as what it was."""
