"""`miraveja openapi`: the HTTP contract, made from the code; needs no gallery."""

import argparse
import json
import sys
from typing import Any


def arguments(command: argparse.ArgumentParser) -> None:
    """Nothing may be said."""
    del command


def run(given: argparse.Namespace) -> int:
    """Print it as JSON."""
    del given
    sys.stdout.write(text())
    return 0


def document() -> dict[str, Any]:
    """The contract of the routes that every way of running has."""
    from fastapi import FastAPI

    from gateway.app import ROUTERS, contract

    app = FastAPI(title="MiraVeja", version="1", generate_unique_id_function=lambda route: route.name)
    for router in ROUTERS:
        app.include_router(router)
    return contract(app)


def text() -> str:
    """As it is committed: two spaces, one newline at the end."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"
