"""Takes secrets out of log lines, as the last thing before a line is written."""

import json
import logging
import re
from typing import Final
from urllib.parse import quote

REMOVED: Final = "[removed]"
SHORTEST_SECRET: Final = 4
LONGEST_LINE: Final = 32_768

_NAMES: Final = (
    "sig|x-amz-signature|x-amz-security-token|signature|access_token|refresh_token|id_token"
    "|client_secret|password|secret_key"
)
PATTERNS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"eyJ[A-Za-z0-9_.-]*", REMOVED),
        (r"(?i:\bbearer)(\s{1,8}|%20)[A-Za-z0-9._~+/=-]{8,}", f"Bearer {REMOVED}"),
        (r"\bmv_[A-Za-z0-9_-]{8,}", REMOVED),
        (r"(/(?:start|s)/)[A-Za-z0-9_-]{8,}", rf"\1{REMOVED}"),
        (
            rf"(?i:(?:\b|(?<=%3f)|(?<=%26))({_NAMES}))(\\?[\"']?\s{{0,4}}(?:=|:|%3D)\s{{0,4}}\\?[\"']?)[^\s\"'&\\]+",
            rf"\1\2{REMOVED}",
        ),
        (r"(?i:\b(cookie\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?))[^\r\n\"\\]+", rf"\1{REMOVED}"),
        (r"(://[^/\s:@]{0,128}:)[^@\s/]{1,256}@", rf"\1{REMOVED}@"),
    )
)


class Redactor:
    """Text without bearer tokens, API keys, signatures, sign-in links and the secrets it was told of."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def register(self, secret: str) -> None:
        """Never let this be written, whether plain or escaped for JSON or a URL; very short ones would blot out words."""
        if len(secret) >= SHORTEST_SECRET:
            spellings = {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}
            self._secrets = sorted(spellings.union(self._secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The same text with `[removed]` where a secret was; its length is bounded, so that the time is."""
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        text = text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]} [cut]"
        for pattern, replacement in PATTERNS:
            text = pattern.sub(replacement, text)
        return text


class RedactingFormatter(logging.Formatter):
    """Wraps a handler's formatter: whatever it makes of a record, traceback and extras included, is cleaned."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._inner, self._redact = inner, redactor

    def format(self, record: logging.LogRecord) -> str:
        """The inner formatter's text without secrets."""
        return self._redact(self._inner.format(record))


def protect(handler: logging.Handler, redactor: Redactor) -> None:
    """Let a handler write cleaned lines only, in the format it has."""
    handler.setFormatter(RedactingFormatter(handler.formatter or logging.Formatter(), redactor))
