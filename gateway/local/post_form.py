"""multipart/form-data as it streams in: a few small fields, then one file, never whole in memory."""

from typing import TYPE_CHECKING, Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELDS: Final = 20
MAX_FIELD_BYTES: Final = 20 << 10
MAX_FIELDS_BYTES: Final = 64 << 10
MAX_HEADERS: Final = 8
MAX_HEADER_BYTES: Final = 4 << 10
FILE: Final = "file"


class StoreRefused(Exception):
    """What the store answers instead of taking an object: an HTTP status, S3's code, a message that echoes nothing."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class PostForm:
    """Feed it the body piece by piece: `fields` are complete once `at_file`, and the file's bytes come out of `feed`."""

    def __init__(self, content_type: str) -> None:
        """The request's Content-Type names the boundary; StoreRefused when it does not."""
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        self.fields: list[tuple[str, str]] = []
        self.at_file = False
        self._complete = False
        self._disposition: bytes | None = None
        self._header, self._value = bytearray(), bytearray()
        self._name = ""
        self._part, self._taken = bytearray(), 0
        try:
            self._parser = MultipartParser(
                boundary, self._callbacks(), max_header_count=MAX_HEADERS, max_header_size=MAX_HEADER_BYTES
            )
        except FormParserError:
            boundary = b""
        if not boundary:
            raise _malformed("The form names no boundary that can be used")

    def feed(self, chunk: bytes) -> bytes:
        """The bytes of the file in this piece of the body; StoreRefused for what no upload form looks like."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _malformed("The body is not multipart/form-data") from None
        if not self.at_file:
            return b""
        found, self._part = bytes(self._part), bytearray()
        return found

    def finish(self) -> None:
        """Call at the end of the body; StoreRefused unless there was a whole file."""
        if self._complete and not self.at_file:
            raise StoreRefused(400, "InvalidArgument", "POST requires exactly one file upload per request")
        if not self._complete:
            raise _malformed("The body ends before the form does")

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        if self.at_file:
            raise StoreRefused(403, "AccessDenied", "Nothing may follow the file")
        self._disposition = None
        self._part = bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            if self._disposition is not None:
                raise _malformed("A part says twice what it is")
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers(self) -> None:
        kind, options = parse_options_header((self._disposition or b"").decode("latin-1"))
        if kind != b"form-data" or not options.get(b"name"):
            raise _malformed("A part does not say which field it is")
        self._name = options[b"name"].decode("latin-1")
        self.at_file = self._name == FILE
        if not self.at_file and len(self.fields) == MAX_FIELDS:
            raise _too_much()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._part += data[start:end]
        if not self.at_file:
            self._taken += end - start
            if len(self._part) > MAX_FIELD_BYTES or self._taken > MAX_FIELDS_BYTES:
                raise _too_much()

    def _on_part_end(self) -> None:
        if not self.at_file:
            try:
                self.fields.append((self._name, self._part.decode()))
            except UnicodeDecodeError:
                raise _malformed("A field is not UTF-8") from None

    def _on_end(self) -> None:
        self._complete = True


def _malformed(message: str) -> StoreRefused:
    return StoreRefused(400, "MalformedPOSTRequest", message)


def _too_much() -> StoreRefused:
    return StoreRefused(400, "MaxPostPreDataLengthExceeded", "The fields before the file are too many or too large")
