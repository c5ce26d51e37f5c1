"""Text that remembers where each of its characters came from.

In goes the submitted text; each cleaning step edits a ``TrackedText``; out come the cleaned text and an ``OffsetMap``
from spans of it to spans of the submitted text. Offsets are Unicode code points.

As long as no step changes a length the map is the identity and costs nothing. From then on it is two arrays of
unsigned integers, the first and one-past-last source offset of each character (8 bytes a character).
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

Edit = tuple[int, int, str]  # text[start:end] becomes the string


@dataclass(frozen=True)
class OffsetMap:
    """Source spans of ``length`` characters; ``starts`` and ``ends`` are None where every character is its own source."""

    length: int
    source_length: int
    starts: "array[int] | None" = None
    ends: "array[int] | None" = None

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the source that characters [start, end) came from.

        Monotone in both ends; a span that holds a character never maps to an empty one. An empty span maps to the
        place where its next character came from.

        Raises:
            ValueError: the span does not lie inside the text.

        """
        if not 0 <= start <= end <= self.length:
            raise ValueError(f"span must lie in [0, {self.length}], got [{start}, {end})")
        if self.starts is None or self.ends is None:
            return start, end
        if start < end:
            return self.starts[start], self.ends[end - 1]
        place = self.starts[start] if start < self.length else self.source_length
        return place, place

    def from_source(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the span of the text made from the source characters [start, end); None where nothing of it is left.

        The way back of ``to_source``: a character made from several source characters counts where they overlap the span.

        Raises:
            ValueError: the span does not lie inside the source.

        """
        if not 0 <= start <= end <= self.source_length:
            raise ValueError(f"span must lie in [0, {self.source_length}], got [{start}, {end})")
        if self.starts is None or self.ends is None:
            return (start, end) if start < end else None
        first = bisect_right(self.ends, start)  # both arrays rise
        last = bisect_left(self.starts, end)
        return (first, last) if first < last else None


class TrackedText:
    """A text under edit. ``text`` is the current state, ``offsets`` maps it to what it started as."""

    def __init__(self, text: str) -> None:
        """Start from the submitted text."""
        self.text = text
        self._source_length = len(text)
        self._starts: array[int] | None = None
        self._ends: array[int] | None = None

    @cached_property
    def characters(self) -> frozenset[str]:
        """The characters the text holds: one pass that answers "is there anything to do" for every step."""
        return frozenset(self.text)

    @property
    def offsets(self) -> OffsetMap:
        """The map from the current text to the submitted one."""
        return OffsetMap(len(self.text), self._source_length, self._starts, self._ends)

    def substitute(self, text: str) -> None:
        """Put a text of the same length in place of the current one, character for character.

        Raises:
            ValueError: the lengths differ.

        """
        if len(text) != len(self.text):
            raise ValueError(f"a substitute must keep the length {len(self.text)}, got {len(text)}")
        self._set(text)

    def edit(self, edits: Iterable[Edit]) -> None:
        """Apply edits that stand in order and do not overlap.

        A replacement as long as its span maps character for character; any other maps whole to the whole span; an
        insertion belongs to the character before it (at the very start: to the one after it).

        Raises:
            ValueError: edits out of order, overlapping or outside the text, or an insertion into an empty text.

        """
        rows = [row for row in edits if row[0] < row[1] or row[2]]
        if rows:
            _check_edits(rows, len(self.text))
            pieces, starts, ends = self._splice(rows)
            self._starts, self._ends = starts, ends
            self._set("".join(pieces))

    def rebuild(self, text: str, starts: Sequence[int], ends: Sequence[int]) -> None:
        """Put any text in place, its character i made from current characters [starts[i], ends[i]).

        Raises:
            ValueError: one of the sequences is not as long as the text.

        """
        old_starts, old_ends = self._arrays()
        self._starts = array("I", [old_starts[start] for start, _ in zip(starts, text, strict=True)])
        self._ends = array("I", [old_ends[end - 1] for end, _ in zip(ends, text, strict=True)])
        self._set(text)

    def _splice(self, edits: list[Edit]) -> "tuple[list[str], array[int], array[int]]":
        """Return the pieces of the edited text and their arrays; unchanged stretches are copied as slices."""
        old_starts, old_ends = self._arrays()
        pieces: list[str] = []
        starts, ends, at = array("I"), array("I"), 0
        for start, end, new in edits:
            pieces += (self.text[at:start], new)
            first, last = _cover(start, end, len(self.text))
            same = len(new) == end - start
            starts += old_starts[at:start] + (old_starts[start:end] if same else array("I", [old_starts[first]]) * len(new))
            ends += old_ends[at:start] + (old_ends[start:end] if same else array("I", [old_ends[last]]) * len(new))
            at = end
        pieces.append(self.text[at:])
        return pieces, starts + old_starts[at:], ends + old_ends[at:]

    def _arrays(self) -> "tuple[array[int], array[int]]":
        """Return the arrays of the current text, made when first needed."""
        if self._starts is None or self._ends is None:
            return array("I", range(len(self.text))), array("I", range(1, len(self.text) + 1))
        return self._starts, self._ends

    def _set(self, text: str) -> None:
        """Take the new text and forget what was known about the old one."""
        if text != self.text:
            self.text = text
            self.__dict__.pop("characters", None)


def _cover(start: int, end: int, length: int) -> tuple[int, int]:
    """Return first and last (inclusive) character that a replacement of [start, end) is made from."""
    if start < end:
        return start, end - 1
    neighbour = min(max(start - 1, 0), length - 1)
    return neighbour, neighbour


def _check_edits(edits: list[Edit], length: int) -> None:
    """Raise ValueError where edits are out of order, overlap or leave the text."""
    at = 0
    for start, end, _ in edits:
        if not at <= start <= end <= length or length == 0:
            raise ValueError(f"edit [{start}, {end}) must lie in [{at}, {length}] and in a text that is not empty")
        at = end
