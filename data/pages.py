"""HTML pages to article text, title and date. The only module that imports trafilatura.

In: the bytes of a page. Out: a ``Page`` whose ``text`` is what all later offsets are on, or a ``RecordError``.
"""

import re
from dataclasses import dataclass

import trafilatura

from data.encodings import Decoded, Detected, decode, decode_as, is_utf8, plausibility
from data.errors import RecordError

# What a page may declare: names of the ladder, and the East Asian encodings that fail on text of another one.
# Single-byte names are not honoured: they decode anything, and Chinese pages declare iso-8859-1 by accident.
_DECLARED = {
    "utf-8": "utf-8", "utf8": "utf-8", "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "gb18030": "gb18030",
    "x-gbk": "gb18030", "cp936": "gb18030", "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "x-x-big5": "big5hkscs",
    "shift_jis": "shift_jis", "euc-jp": "euc_jp", "euc-kr": "euc_kr",
}  # fmt: skip
_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})|<\?xml[^>]{0,100}?encoding=[\"']([A-Za-z0-9_-]{2,20})", re.IGNORECASE
)
_META_BYTES = 4096  # browsers look at the first 1,024; crawled pages put scripts first
# XML holds no control characters and no lone surrogates; lxml refuses or cuts the page at them.
_NOT_XML = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], " ")


@dataclass(frozen=True)
class Page:
    """What a page holds of an article; ``published`` as YYYY-MM-DD."""

    text: str
    title: str | None
    published: str | None


def decode_page(raw: bytes) -> Decoded:
    """Decode a page: by the charset it declares where that fits strictly, else by the ladder.

    Where the bytes are UTF-8 too, the reading that is more Chinese wins: pages that say gb2312 and are UTF-8 are common.

    Raises:
        RecordError: ``not_text`` or ``bad_encoding``.

    """
    declared = _declared_codec(raw)
    if declared is None or b"\0" in raw:
        return decode(raw)
    try:
        as_declared = decode_as(raw, Detected(declared, declared))
    except RecordError:
        return decode(raw)
    if is_utf8(raw):
        as_utf8 = decode(raw)
        return as_utf8 if plausibility(as_utf8.text) >= plausibility(as_declared.text) else as_declared
    return as_declared


def _declared_codec(raw: bytes) -> str | None:
    found = _CHARSET.search(raw[:_META_BYTES])
    return _DECLARED.get((found.group(1) or found.group(2)).decode().lower()) if found else None


def extract_page(html: str) -> Page:
    """Return article text, title and date of a page.

    Raises:
        RecordError: ``empty_text`` where no article text is found; ``not_text`` where the page breaks the parser.

    """
    try:
        document = trafilatura.bare_extraction(html.translate(_NOT_XML), include_comments=False, with_metadata=True)
    except Exception as error:  # the edge to a third-party parser: one page must not end the run
        raise RecordError("not_text", f"the page cannot be parsed: {type(error).__name__}") from error
    text = document.text if document is not None and not isinstance(document, dict) else None
    if document is None or isinstance(document, dict) or not text or not text.strip():
        raise RecordError("empty_text", "no article text found in the page")
    return Page(text, document.title or None, document.date or None)
