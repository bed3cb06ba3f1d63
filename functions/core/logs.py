"""Log lines as text for people or as JSON for machines: every fact of a record is told, no secret is."""

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from functions.core.redact import Redactor, protect
from functions.core.settings import Settings

USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has; the rest are facts that somebody gave it as `extra`."""
LONGEST_PART: Final = 12_000
"""Characters of a message or a trace, so that a JSON line is never cut in two."""


class TextLines(logging.Formatter):
    """Time, level, process, logger, message, then the facts as `name="value"`."""

    def __init__(self, process: str) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it what was raised."""
        line, *below = super().format(record).split("\n")
        facts = [f"{name}={_json(value)}" for name, value in _facts(record).items()]
        return "\n".join([" ".join([line, *facts]), *below])


class JsonLines(logging.Formatter):
    """One object a line; times are RFC 3339 UTC, facts are members."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The object, a trace included."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        said = {"time": at, "level": record.levelname, "process": self._process, "logger": record.name,
                "message": record.getMessage()[:LONGEST_PART]}  # fmt: skip
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)[-LONGEST_PART:]
        return _json(_facts(record) | said)


def start(settings: Settings, process: str, secrets: Iterable[str]) -> Redactor:
    """Log this process to standard error as the settings say, cleaned of these secrets and of all that look like one."""
    text = settings.log_format == "text" or (not settings.log_format and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextLines(process) if text else JsonLines(process))
    redactor = Redactor()
    for secret in secrets:
        redactor.register(secret)
    protect(handler, redactor)
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    return redactor


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in USUAL}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
