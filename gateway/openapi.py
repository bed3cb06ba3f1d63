"""The HTTP contract as a file: `python -m gateway.openapi` writes it anew, `--check` says whether it is still true."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from gateway.app import Gateway

PATH: Final = Path(__file__).with_name("openapi.json")


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of the routes that every way of running has; needs no gallery."""
    return Gateway().openapi()


def text() -> str:
    """As it is committed: two spaces, one newline at the end."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with `--check` only compare: 1 when it is out of date."""
    parser = argparse.ArgumentParser(prog="python -m gateway.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    if parser.parse_args(arguments).check:
        return 0 if PATH.exists() and PATH.read_text(encoding="utf-8") == text() else 1
    PATH.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
