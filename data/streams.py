"""Files as streams of constant memory: decompression with limits, decoded text, lines, elements of a JSON array.

In: a path. Out: blocks of bytes -> pieces of text -> records as strings. What ends a file early is raised as a
``RecordError`` (``unreadable_file``, ``archive_limit``, ``not_text``, ``bad_encoding``) after everything
before it was given out. ``write_lines`` is the way back.
"""

import codecs
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from data.encodings import MARKING, detect_encoding, encode_line
from data.errors import RecordError

BLOCK_BYTES = 2**16
HEAD_BYTES = 2**18  # what the encoding is told by: 100,000 characters of Chinese
MAX_RECORD = 2**24  # characters of one line or JSON element: 80 times the longest article, for crawls that keep the page beside it
MAX_RATIO = 200  # text compresses 3 to 20 times
RATIO_FROM_BYTES = 2**26  # a small file may be all one character
# zstandard cannot bound its output. One input byte gives at most 32 KiB (a 4-byte block repeats one byte
# 128 KiB long), so blocks of 1 KiB hold every step under 32 MiB.
ZSTD_BLOCK_BYTES = 2**10
ZSTD_WINDOW = 2**27
LIST_KEYS = ("documents", "articles", "data")


@dataclass
class _Gauge:
    """Watches how much a compressed file grows."""

    read: int = 0
    written: int = 0

    def passed(self, block: bytes) -> bytes:
        self.written += len(block)
        if self.written > RATIO_FROM_BYTES and self.written > MAX_RATIO * self.read:
            raise RecordError("archive_limit", f"grows more than {MAX_RATIO} times: {self.read} bytes gave {self.written}")
        return block


def iter_bytes(path: Path, compression: str = "") -> Iterator[bytes]:
    """Yield the content of a file (``compression`` '', 'gz' or 'zst') in small blocks.

    Raises:
        RecordError: ``unreadable_file`` (also where a compressed file is cut or damaged), ``archive_limit``.

    """
    try:
        with path.open("rb") as raw:
            if compression == "gz":
                yield from _gunzip(raw, _Gauge())
            elif compression == "zst":
                yield from _unzstd(raw, _Gauge())
            else:
                while block := raw.read(BLOCK_BYTES):
                    yield block
    except OSError as error:
        raise RecordError("unreadable_file", f"cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise RecordError("unreadable_file", f"damaged .{compression} file: {error}") from error


def _gunzip(raw: BinaryIO, gauge: _Gauge) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    while block := raw.read(BLOCK_BYTES):
        gauge.read += len(block)
        while block := block.lstrip(b"\0") if member.eof else block:  # zeros may pad the last member
            if member.eof:
                member = zlib.decompressobj(wbits=31)
            yield gauge.passed(member.decompress(block, BLOCK_BYTES))
            block = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError("the file is cut off")


def _unzstd(raw: BinaryIO, gauge: _Gauge) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    frame, inside = decompressor.decompressobj(), True
    while block := raw.read(ZSTD_BLOCK_BYTES):
        gauge.read += len(block)
        while block:
            if not inside:
                frame = decompressor.decompressobj()
            out = frame.decompress(block)
            for start in range(0, len(out), BLOCK_BYTES):
                yield gauge.passed(out[start : start + BLOCK_BYTES])
            inside, block = not frame.eof, frame.unused_data
    if inside:
        raise EOFError("the file is cut off")


def read_bytes(path: Path, compression: str, limit: int) -> bytes:
    """Return the whole content of a file of at most ``limit`` bytes.

    Raises:
        RecordError: ``too_long``, and those of ``iter_bytes``.

    """
    content = bytearray()
    for block in iter_bytes(path, compression):
        content += block
        if len(content) > limit:
            raise RecordError("too_long", f"a file of one article holds at most {limit} bytes")
    return bytes(content)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write JSON objects as lines and return their number; the file appears whole or not at all."""
    n = 0
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            for row in rows:
                file.write(encode_line(row))
                n += 1
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).chmod(0o644)  # temporary files are private
    Path(file.name).replace(path)
    return n


def open_text(blocks: Iterator[bytes]) -> tuple[str, Iterator[str]]:
    """Return the encoding of a stream, told by its first block, and its decoded pieces.

    Bytes that do not decode become ``encodings.MARK``, so that one broken record does not end the file.
    """
    head, failure = _take_head(blocks)
    if failure is not None and not head:
        raise failure
    found = detect_encoding(head)
    decoder = codecs.getincrementaldecoder(found.codec)(MARKING)

    def pieces() -> Iterator[str]:
        yield decoder.decode(head[found.bom_bytes :])
        if failure is not None:
            raise failure
        for block in blocks:
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)

    return found.name, pieces()


def _take_head(blocks: Iterator[bytes]) -> tuple[bytes, RecordError | None]:
    """Return the first blocks, and the error that ended them: what was read before it still counts."""
    head = bytearray()
    try:
        for block in blocks:
            head += block
            if len(head) >= HEAD_BYTES:
                break
    except RecordError as error:
        return bytes(head), error
    return bytes(head), None


def iter_lines(pieces: Iterator[str], limit: int = MAX_RECORD) -> Iterator[str | None]:
    r"""Yield lines with their ``\n``; None for one of more than ``limit`` characters.

    Lines end at ``\n`` only: texts hold U+2028 and U+0085, where ``str.splitlines`` would break.
    """
    parts: list[str] = []
    size = 0
    for piece in pieces:
        *ended, rest = piece.split("\n")
        for end in ended:
            yield None if size + len(end) > limit else "".join((*parts, end, "\n"))
            parts, size = [], 0
        size += len(rest)
        parts = [*parts, rest] if size <= limit else []
    if size:
        yield None if size > limit else "".join(parts)


def iter_elements(pieces: Iterator[str], limit: int = MAX_RECORD) -> Iterator[str | None]:
    """Yield the source of each element of a JSON array; None for one of more than ``limit`` characters.

    The array is the whole file, or a list under ``documents``, ``articles`` or ``data`` of its object. An
    object without such a list is one element, and objects may simply follow each other. Elements are cut by
    brackets and strings alone and parsed by the caller, so a broken one does not hide the next. What the
    file's end cuts off is an element too, if only an empty one, which will not parse.
    """
    element = _Element(limit)
    depth = level = 0  # elements lie at depth 0 (values of the file), 1 (in its array) or 2 (in a list of its object)
    listed = False  # this object's list was given out: the rest of the object is no element
    for text, mark, word in _iter_marks(pieces):
        element.add(text)
        if mark in _OPEN:
            depth += 1
            if level == 0 and mark == "[" and (depth == 1 or (depth == 2 and word in LIST_KEYS)):
                level = depth
                element.take()
        elif mark in _CLOSE:
            depth = max(0, depth - 1)
            if depth < level:  # the list ends
                if not element.blank_before_mark():
                    yield element.take(cut=True)
                element.take()
                level, listed = 0, depth > 0
            elif depth == 0:  # an object of the file ends
                if not listed:
                    yield element.take()
                element.take()
                listed = False
        elif mark == "," and depth == level:
            if level > 0 or not element.blank_before_mark():
                yield element.take(cut=True)
            element.take()
    if depth > level or not element.blank_before_mark():
        yield element.take()
    if depth == level > 0:
        yield ""  # the list never ends: elements may be missing


_OPEN, _CLOSE = ("[", "{"), ("]", "}")
_SPECIAL = re.compile(r'["\[\]{},]')
_STRING = re.compile(r"[^\"\\]*+(?:\\.[^\"\\]*+)*+", re.DOTALL)


def _iter_marks(pieces: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (source up to a bracket or comma outside strings, that mark, the last string before it)."""
    word, quoted, escaped = "", False, False
    for piece in pieces:
        start = at = 0
        while at < len(piece):
            if quoted:
                found = _STRING.match(piece, at + escaped)  # behind a piece that ended in a backslash, one character is taken
                end = found.end() if found else len(piece)
                word = (word + piece[at:end])[:64]  # long enough for a key
                escaped = piece[end : end + 1] == "\\"
                quoted = escaped or end == len(piece)
                at = end + 1
                continue
            special = _SPECIAL.search(piece, at)
            if special is None:
                break
            at = special.end()
            if special.group() == '"':
                word, quoted = "", True
            else:
                yield piece[start:at], special.group(), word
                start = at
        yield piece[start:], "", word


@dataclass
class _Element:
    """Collects the source of one element, up to a limit of characters."""

    limit: int
    size: int = 0
    parts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        self.size += len(text)
        if self.size > self.limit:
            self.parts = []
        elif text:
            self.parts.append(text)

    def blank_before_mark(self) -> bool:
        """Tell whether nothing but blanks and one closing mark was collected."""
        return self.size <= self.limit and not "".join(self.parts).strip().rstrip("],}").strip()

    def take(self, cut: bool = False) -> str | None:
        """Return what was collected, without its last character if ``cut``, and begin anew."""
        text = "".join(self.parts) if self.size <= self.limit else None
        self.size, self.parts = 0, []
        return text[:-1] if text and cut else text
