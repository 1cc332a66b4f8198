"""Where a request ends, found as it arrives and without reading any byte twice.

This only decides when a thread is given a request. What the request says, and whether it is one, gunicorn's
own parser decides from the same bytes: of something odd it gets what there is, and refuses it.
"""

from __future__ import annotations

import re

LONGEST_HEAD = 64 << 10  # bytes of the request line and all header fields
LONGEST_LINE = 8190  # as gunicorn's `limit_request_line`: beyond it, it refuses
BLANK_LINE = re.compile(rb"\n\r?\n")
LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*([^\r\n]*)", re.I)
CODING = re.compile(rb"\ntransfer-encoding[ \t]*:", re.I)
EXPECTS = re.compile(rb"\nexpect[ \t]*:[ \t]*100-continue[ \t]*\r?\n", re.I)


class TooLargeError(Exception):
    """More than the site takes: `status` and a sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Framing:
    """One request, as far as it has arrived."""

    def __init__(self, largest_body: int) -> None:
        self.largest_body = largest_body
        self.whole = False
        self.expects_continue = False
        self._head = bytearray()
        self._body: _Length | _Chunks | None = None

    @property
    def has_head(self) -> bool:
        return self._body is not None

    def feed(self, data: bytes) -> int:
        """Take bytes up to the request's end, and return how many that were. Raises TooLargeError."""
        used = 0
        if self._body is None:
            used = self._feed_head(data)
        if self._body is not None and not self.whole:
            used += self._body.feed(data[used:])
            self.whole = self._body.whole
            self._check(self._body.size)
        return used

    def _feed_head(self, data: bytes) -> int:
        searched = max(0, len(self._head) - 2)
        before = len(self._head)
        self._head += data
        end = BLANK_LINE.search(self._head, searched)
        if end is not None:
            head = bytes(self._head[: end.end()])
            self._head.clear()
            self._begin_body(head)
            return len(head) - before
        if self._head.find(b"\n", 0, LONGEST_LINE + 2) < 0 and len(self._head) > LONGEST_LINE + 2:
            self.whole = True  # gunicorn says so
        elif len(self._head) > LONGEST_HEAD:
            sentence = f"The header fields of a request may have {LONGEST_HEAD >> 10} KB."
            raise TooLargeError("431 Request Header Fields Too Large", sentence)
        return len(data)

    def _begin_body(self, head: bytes) -> None:
        lengths = LENGTH.findall(head)
        coded = CODING.search(head) is not None
        speaks = head.partition(b"\n")[0].rstrip().endswith(b"HTTP/1.1")
        self.expects_continue = speaks and EXPECTS.search(head) is not None
        clear = len(lengths) + coded <= 1 and all(value.strip().isdigit() for value in lengths)
        if not clear:  # gunicorn refuses it, whatever follows
            self._body, self.whole = _Length(0), True
        elif coded:
            self._body = _Chunks()
        else:
            length = int(lengths[0]) if lengths and len(lengths[0]) < 19 else (1 << 62 if lengths else 0)
            self._check(length)
            self._body = _Length(length)
            self.whole = self._body.whole

    def _check(self, size: int) -> None:
        if size > self.largest_body:
            sentence = f"The body of a request may have {self.largest_body >> 20} MB."
            raise TooLargeError("413 Content Too Large", sentence)


class _Length:
    """A body of known length."""

    def __init__(self, length: int) -> None:
        self.size, self._left = 0, length

    @property
    def whole(self) -> bool:
        return self._left == 0

    def feed(self, data: bytes) -> int:
        taken = min(len(data), self._left)
        self._left -= taken
        self.size += taken
        return taken


class _Chunks:
    """A body in chunks (RFC 9112, 7.1): their sizes, then trailer fields and a blank line."""

    def __init__(self) -> None:
        self.size, self.whole = 0, False
        self._line = bytearray()
        self._left = 0  # bytes of a chunk, and of the line end behind it
        self._in_trailer, self._trailer_size = False, 0

    def feed(self, data: bytes) -> int:
        at = 0
        while at < len(data) and not self.whole:
            if self._left:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                at += taken
            else:
                at = self._feed_line(data, at)
        self.size += at
        return at

    def _feed_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at, at + LONGEST_LINE + 1)
        stop = end + 1 if end >= 0 else min(len(data), at + LONGEST_LINE + 1)
        self._line += data[at:stop]
        if end >= 0:
            self._read_line(bytes(self._line).strip())
            self._line.clear()
        elif len(self._line) > LONGEST_LINE:
            self.whole = True  # gunicorn refuses it
        return stop

    def _read_line(self, line: bytes) -> None:
        if self._in_trailer:
            self._trailer_size += len(line) + 2
            self.whole = not line or self._trailer_size > LONGEST_HEAD
            return
        digits = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", digits):
            self.whole = True  # gunicorn refuses it
        elif size := int(digits, 16):
            self._left = size + 2
        else:
            self._in_trailer = True
