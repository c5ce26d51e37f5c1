"""Widths of characters: ASCII digits and letters, full-width Chinese punctuation.

One character in, one character out, so offsets never move. Two directions, because Chinese
typesetting is mixed: digits and Latin letters are half-width (``１２亿元`` -> ``12亿元``), the
punctuation around Chinese text is full-width (``5月17日,云溪`` -> ``5月17日，云溪``).
"""

import re
from collections.abc import Iterable

# U+FF10-FF19, FF21-FF3A, FF41-FF5A, and the signs that belong to figures and codes.
_FULL_TO_ASCII = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_FULL_TO_ASCII |= {ord(full): ord(half) for full, half in zip("％＋－．／＆＠＃＝＿", "%+-./&@#=_", strict=True)}
_FULL_TO_ASCII |= {0x3000: 0x20}  # ideographic space
_MIXED = re.compile(f"[{''.join(map(chr, _FULL_TO_ASCII))}]")
# Separators of a figure typed full-width from end to end: ``１，２５６`` and ``１２：３０``, but not a list ``１，２``.
_FULL_SEPARATOR = re.compile("(?<=[０-９])(?:，(?=[０-９]{3}(?![０-９]))|：(?=[０-９]{2}(?![０-９])))")

_HALF_TO_FULL = dict(zip(",;:?!()", "，；：？！（）", strict=True))
CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(f"[{CJK}\u3001-\u3011\uff01-\uff1f]")
# English uses these too, so they say "Chinese" only where no space follows (English: ``he said “yes”, and``).
_SHARED = frozenset("—‘’“”…·")
_HALF_RUN = re.compile(r"[,;:?!()]+")
_BRACKET = re.compile(r"[()（）\n]")


def to_half_width(text: str) -> str:
    """Return ``text`` with full-width digits, letters and figure signs as ASCII; same length."""
    if not _MIXED.search(text):
        return text
    return _FULL_SEPARATOR.sub(lambda match: "," if match.group() == "，" else ":", text).translate(_FULL_TO_ASCII)


def to_full_punctuation(text: str) -> str:
    """Return ``text`` with ASCII punctuation next to Chinese as full-width; same length, and a fixed point.

    Marks that touch one another change together, and so do the two brackets of a pair on one line. Separators inside
    numbers (``1,256.8``, ``12:30``) and punctuation between Latin letters (``v(t)``) stay.
    """
    runs = [match.span() for match in _HALF_RUN.finditer(text)]
    if not runs:
        return text
    beside = [i for i, (start, end) in enumerate(runs) if _beside_chinese(text, start, end)]
    chosen = _spread(beside, runs, _pairs(text)) if beside or "（" in text or "）" in text else set()
    return _replace_runs(text, [runs[i] for i in sorted(chosen)])


def _beside_chinese(text: str, start: int, end: int) -> bool:
    """Say whether the marks [start, end) touch Chinese on either side."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if _CHINESE.match(before) or _CHINESE.match(after) or after in _SHARED - {""}:
        return True
    return before in _SHARED and bool(after) and not after.isspace()


def _pairs(text: str) -> list[tuple[int, int]]:
    """Return the places of brackets that belong together on one line, of whatever widths."""
    pairs, open_at = [], []
    for match in _BRACKET.finditer(text):
        if match.group() in "(（":
            open_at.append(match.start())
        elif match.group() == "\n":
            open_at.clear()
        elif open_at:
            pairs.append((open_at.pop(), match.start()))
    return pairs


def _spread(beside: Iterable[int], runs: list[tuple[int, int]], pairs: list[tuple[int, int]]) -> set[int]:
    """Return the runs to change: those beside Chinese, and whatever a bracket pair ties to them or to a full-width half."""
    run_of = {place: i for i, (start, end) in enumerate(runs) for place in range(start, end)}
    linked: dict[int, list[int]] = {}
    todo = list(beside)
    for left, right in pairs:
        a, b = run_of.get(left), run_of.get(right)
        if a is not None and b is not None:
            linked.setdefault(a, []).append(b)
            linked.setdefault(b, []).append(a)
        elif a is not None or b is not None:  # the other half is full-width already
            todo.append(a if a is not None else b)  # type: ignore[arg-type]
    chosen: set[int] = set()
    while todo:
        run = todo.pop()
        if run not in chosen:
            chosen.add(run)
            todo += linked.get(run, ())
    return chosen


def _replace_runs(text: str, runs: list[tuple[int, int]]) -> str:
    """Return ``text`` with the marks of the given runs full-width."""
    pieces: list[str] = []
    at = 0
    for start, end in runs:
        pieces += (text[at:start], "".join(_HALF_TO_FULL[c] for c in text[start:end]))
        at = end
    return "".join((*pieces, text[at:]))
