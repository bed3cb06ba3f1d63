"""`miraveja config`: every setting with its value, where that comes from, and what it means."""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from gateway.cli import options

if TYPE_CHECKING:
    from functions.core.settings import Settings


def arguments(command: argparse.ArgumentParser) -> None:
    """What may be said."""
    options.json(command, "a list of {name, value, source, meaning}")
    options.url(command)


def run(given: argparse.Namespace) -> int:
    """Print the table; secrets are only said to be set."""
    from gateway.cli.screen import plain, say

    rows = table(options.settings(given), given)
    if given.json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return 0
    say("The settings of this shell: a gallery that runs has those that it was started with")
    for row in rows:
        sys.stdout.write(f"{row['name']} = {plain(row['value'])}\n    {row['source']}; {row['meaning']}\n")
    return 0


def table(settings: "Settings", given: argparse.Namespace) -> list[dict[str, str]]:
    """A row for each setting."""
    from functions.core.settings import PREFIX

    fields = type(settings).model_fields
    return [
        {
            "name": f"{PREFIX}{name.upper()}",
            "value": _shown(getattr(settings, name)),
            "source": _source(f"{PREFIX}{name.upper()}", name, given),
            "meaning": field.description or "",
        }
        for name, field in fields.items()
    ]


def _shown(value: object) -> str:
    from pydantic import SecretStr

    from functions.core.redact import Redactor

    if isinstance(value, SecretStr):
        return "(set, hidden)"
    return "" if value is None else Redactor()(str(value))


def _source(variable: str, name: str, given: argparse.Namespace) -> str:
    option = {"data_dir": "data", "url": "url"}.get(name)
    if option and getattr(given, option, None):
        return f"from --{option}"
    if f"{variable}_FILE" in os.environ:
        return f"from the file named by {variable}_FILE"
    return "from the environment" if variable in os.environ else "default"
