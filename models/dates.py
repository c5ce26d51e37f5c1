"""Dates of Chinese text, as numbers: ``5月11日至14日``, ``2024年5月``, ``二〇二四年``, ``1-4月``, ``2024-05-17``.

``match_date(text, position)`` gives the date that starts there. Its value writes the parts the text gives one after
the other, and its unit says which: 2024年5月17日 is 20240517 in ``YYYYMMDD``, 5月12日 is 512 in ``MMDD``,
2024年 is 2024 in ``YYYY``. The end of a span of days or months is ``high``.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from models.numerals import parse_han

_PARTS = "年月日"
_FORMATS = {"年": "YYYY", "月": "MM", "日": "DD"}
_WIDTHS = {"年": 4, "月": 2, "日": 2}
_LIMITS = {"年": (1800, 2199), "月": (1, 12), "日": (1, 31)}
# 90年代, 3日游, 2年期 and 5月龄 are no dates.
_PART = re.compile(
    r"(\d{1,4}(?!\d)|[一二][〇零○一二三四五六七八九]{3}|[一二三四五六七八九十]{1,3})(?:(年)(?!代|期|[多余])|(月)份?(?!龄|均)|([日号])(?!游|龄|均))?"
)
_TO = re.compile(r"至|到|-{1,2}|—{1,2}|–|~|～")
_ISO = re.compile(r"((?:19|20)\d\d)([-/])(\d{1,2})\2(\d{1,2})(?!\d)")


@dataclass(frozen=True)
class Side:
    """One side of a span: its parts in falling order, and a last number whose unit stands on the other side (5月11-14日)."""

    parts: dict[str, int]
    end: int
    open_value: int | None
    open_end: int


@dataclass(frozen=True)
class Date:
    """A date or span of dates that ends before ``end``."""

    end: int
    low: Decimal
    high: Decimal | None
    unit: str


def match_date(text: str, position: int) -> Date | None:
    """Return the date at ``position``, or None."""
    iso = _ISO.match(text, position)
    if iso is not None:
        parts = {"年": int(iso[1]), "月": int(iso[3]), "日": int(iso[4])}
        return _date(iso.end(), parts) if _valid(parts) else None
    first = _read_side(text, position)
    span = _read_span(text, first)
    if span is not None:
        return span
    if not _valid(first.parts) or _is_doubtful(text[position : first.end]):
        return None
    return _date(first.end, first.parts)


def _read_span(text: str, first: Side) -> Date | None:
    to = _TO.match(text, first.open_end)
    second = _read_side(text, to.end()) if to else None
    if second is None or not second.parts or second.open_value is not None:
        return None
    low, head, last = dict(first.parts), next(iter(second.parts)), list(second.parts)[-1]
    if first.open_value is not None:  # 5月11-14日
        low = low | {last: first.open_value} if last not in low else {}
    high = {part: low[part] for part in low if _PARTS.index(part) < _PARTS.index(head)} | second.parts
    if list(low) != list(high) or not (_valid(low) and _valid(high)):
        return None
    return _date(second.end, low, high)


def _read_side(text: str, position: int) -> Side:
    parts: dict[str, int] = {}
    while (match := _PART.match(text, position)) is not None:
        value = int(match[1]) if match[1].isdecimal() else _han_value(match[1])
        unit = "年" if match[2] else "月" if match[3] else "日" if match[4] else None
        if value is None or (match[4] == "号" and not parts):
            break
        if unit is None:
            return Side(parts, position, value, match.end())
        if parts and _PARTS.index(unit) != _PARTS.index(list(parts)[-1]) + 1:
            break
        parts[unit] = value
        position = match.end()
    return Side(parts, position, None, position)


def _han_value(word: str) -> int | None:
    reading = parse_han(word.replace("○", "〇"))
    return int(reading[0]) if reading is not None and reading[1] is None else None


def _valid(parts: dict[str, int]) -> bool:
    """Parts follow one another (年月, 月日, never 年日) and lie in the calendar."""
    return bool(parts) and "".join(parts) in _PARTS and all(_LIMITS[part][0] <= value <= _LIMITS[part][1] for part, value in parts.items())


def _is_doubtful(word: str) -> bool:
    """三日 and 一月 in Chinese digits alone are as often durations."""
    return not word[0].isdecimal() and (word in ("一月", "一月份") or (word[-1] == "日" and "月" not in word))


def _date(end: int, first: dict[str, int], second: dict[str, int] | None = None) -> Date:
    return Date(end, _value(first), None if second is None else _value(second), "".join(_FORMATS[part] for part in first))


def _value(parts: dict[str, int]) -> Decimal:
    return Decimal("".join(str(value).zfill(_WIDTHS[part]) for part, value in parts.items()))
