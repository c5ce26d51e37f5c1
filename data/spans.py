r"""Spans that annotation tools report, moved onto the text as submitted.

Our offsets count Unicode code points. Tools in browsers count UTF-16 code units (an emoji is two) and may count ``\r\n`` as one
character. ``place_span`` tries these readings in turn and takes the first under which the text says what the tool says it says. Where a format
gives no text and the readings differ, only one that holds a numeral is sure.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice


@dataclass(frozen=True)
class Placed:
    """A span in code points of the text as submitted, and how the tool had counted.

    ``counted`` is ``code points``, ``UTF-16``, ``CRLF as one`` or ``UTF-16, CRLF as one``.
    """

    start: int
    end: int
    counted: str = "code points"


def place_span(text: str, start: int, end: int, said: str | None) -> Placed | None:
    """Return where a span lies in ``text``, or None where that is not sure: ``find_places`` gives none or several."""
    places = find_places(text, start, end, said)
    return places[0] if len(places) == 1 else None


def find_places(text: str, start: int, end: int, said: str | None) -> list[Placed]:
    """Return where a span may lie in ``text``: one place if that is sure, none if the text does not hold it.

    With ``said`` the first reading under which the text says the same is taken. Without it (some formats give offsets only) nothing can be
    compared: where the ways of counting lead to different places, those whose surface holds a numeral are returned, as spans are figures.
    """
    if said is not None:
        same = (placed for placed in _readings(text, start, end) if _unify(text[placed.start : placed.end]) == _unify(said) and said)
        return list(islice(same, 1))
    places: dict[tuple[int, int], Placed] = {}
    for placed in _readings(text, start, end):
        places.setdefault((placed.start, placed.end), placed)
    if _counts_alike(text[:end]):
        return list(places.values())
    return [placed for placed in places.values() if _NUMERAL.search(text[placed.start : placed.end])]


def _counts_alike(text: str) -> bool:
    """Tell whether all ways of counting give the same offsets in a text."""
    return "\r\n" not in text and all(char <= "\uffff" for char in text)


def _readings(text: str, start: int, end: int) -> Iterator[Placed]:
    """Yield the span under each way of counting that both its ends allow, our own first."""
    for counted, starts in _WAYS.items():
        places = starts(text)
        if 0 <= start < end < len(places) and places[start] >= 0 and places[end] >= 0:
            yield Placed(places[start], places[end], counted)


def _by_code_points(text: str) -> list[int]:
    return list(range(len(text) + 1))


def _by_code_units(text: str) -> list[int]:
    """Return for each code unit, and the end, the code point that begins there; -1 inside a surrogate pair."""
    places: list[int] = []
    for i, char in enumerate(text):
        places += [i] if char <= "\uffff" else [i, -1]
    return [*places, len(text)]


def _by_unified(text: str) -> list[int]:
    r"""Return for each character of the text with ``\n`` for ``\r\n``, and the end, where it begins in the text."""
    return [i for i in range(len(text) + 1) if text[i - 1 : i + 1] != "\r\n" or i == 0]


def _by_unified_units(text: str) -> list[int]:
    begins, units = _by_unified(text), _by_code_units(_unify(text))
    return [place if place < 0 else begins[place] for place in units]


def _unify(text: str) -> str:
    return text.replace("\r\n", "\n")


_NUMERAL = re.compile(r"[\d〇零一二两兩三四五六七八九十百千万萬亿億几幾数數半壹贰叁肆伍陆柒捌玖拾佰仟]")  # \d has full-width digits too
# Each gives, for an offset of its kind, the code point of the text as submitted.
_WAYS: dict[str, Callable[[str], list[int]]] = {
    "code points": _by_code_points,
    "UTF-16": _by_code_units,
    "CRLF as one": _by_unified,
    "UTF-16, CRLF as one": _by_unified_units,
}
