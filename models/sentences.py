"""Sentences of Chinese text as spans of code points that tile it: joined, they are the text again.

``split_sentences(text)`` cuts behind 。！？； and newlines, keeps closing quotes and brackets with their sentence, does not
cut inside a short quotation, and cuts what has no end for too long at a comma or, at last, anywhere.
"""

import re

Span = tuple[int, int]

MAX_CHARS = 240  # of one span; the longest sentence of ordinary news text is shorter
_QUOTE_CHARS = 80  # a quotation up to here stays in one piece
_END = re.compile(r"[。！？；!?;]+[”’」』）)】》\"]*\s*|\n\s*")
_QUOTE = re.compile(rf"“[^“”\n]{{1,{_QUOTE_CHARS}}}”|「[^「」\n]{{1,{_QUOTE_CHARS}}}」|（[^（）\n]{{1,{_QUOTE_CHARS}}}）")
_PAUSE = re.compile(r"[，、：,:](?!\d)|[，、：]|\s")


def split_sentences(text: str, max_chars: int = MAX_CHARS) -> list[Span]:
    """Return (start, end) of each sentence, in order, without gaps; an empty text has none.

    Raises:
        ValueError: ``max_chars`` below 1.

    """
    if max_chars < 1:
        raise ValueError(f"max_chars must be at least 1, got {max_chars}")
    spans: list[Span] = []
    start = 0
    for end in (*_ends(text), len(text)):
        spans.extend(_cut(text, start, end, max_chars))
        start = end
    return spans


def _ends(text: str) -> list[int]:
    """Return where sentences end: the ends within a short quotation count only at its own end."""
    quotes = [match.span() for match in _QUOTE.finditer(text)]
    ends, q = [], 0
    for match in _END.finditer(text):
        while q < len(quotes) and quotes[q][1] <= match.start():
            q += 1
        if q == len(quotes) or match.start() <= quotes[q][0] or match.end() >= quotes[q][1]:
            ends.append(match.end())
    return ends


def _cut(text: str, start: int, end: int, max_chars: int) -> list[Span]:
    """Cut a long sentence behind the last pause within the limit, or at the limit."""
    spans = []
    while end - start > max_chars:
        pauses = [match.end() for match in _PAUSE.finditer(text, start + max_chars // 2, start + max_chars)]
        cut = pauses[-1] if pauses else start + max_chars
        spans.append((start, cut))
        start = cut
    if end > start:
        spans.append((start, end))
    return spans
