"""The offset map: edits against a plain model of them, and the spans of insertions and of empty spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.offsets import OffsetMap, TrackedText


def test_untouched_text_maps_to_itself():
    offsets = TrackedText("云溪市签约").offsets
    assert (offsets.starts, offsets.ends) == (None, None)
    assert offsets.to_source(1, 3) == (1, 3)
    assert offsets.to_source(5, 5) == (5, 5)


def test_same_length_substitution_keeps_the_map():
    text = TrackedText("雲溪市")
    text.substitute("云溪市")
    assert text.text == "云溪市"
    assert text.offsets.starts is None


def test_deletion_falls_out_of_the_spans_beside_it():
    text = TrackedText("產(chǎn)業(yè)園")
    text.edit([(1, 7, ""), (8, 12, "")])
    assert text.text == "產業園"
    assert text.offsets.to_source(0, 1) == (0, 1)
    assert text.offsets.to_source(0, 2) == (0, 8)
    assert text.offsets.to_source(0, 3) == (0, 13)


def test_replacement_of_another_length_maps_whole_to_whole():
    text = TrackedText("a\n\n\n\nb")
    text.edit([(1, 5, "\n\n")])
    assert [text.offsets.to_source(i, i + 1) for i in range(4)] == [(0, 1), (1, 5), (1, 5), (5, 6)]


def test_replacement_of_equal_length_maps_character_for_character():
    text = TrackedText("xab")
    text.edit([(0, 1, ""), (1, 3, "AB")])
    assert [text.offsets.to_source(i, i + 1) for i in range(2)] == [(1, 2), (2, 3)]


def test_insertion_belongs_to_its_neighbour():
    text = TrackedText("ab")
    text.edit([(0, 0, "^"), (1, 1, "-"), (2, 2, "$")])
    assert text.text == "^a-b$"
    assert [text.offsets.to_source(i, i + 1) for i in range(5)] == [(0, 1), (0, 1), (0, 1), (1, 2), (1, 2)]


def test_empty_span_maps_to_the_place_of_the_next_character():
    text = TrackedText("ab(c)d")
    text.edit([(2, 5, "")])
    assert text.offsets.to_source(2, 2) == (5, 5)
    assert text.offsets.to_source(3, 3) == (6, 6)


def test_edits_compose():
    text = TrackedText("0123456789")
    text.edit([(0, 2, ""), (5, 6, "")])
    text.edit([(1, 3, "x")])
    assert text.text == "2x6789"
    assert text.offsets.to_source(1, 2) == (3, 5)


def test_rebuild_takes_any_alignment():
    text = TrackedText("x\u00e4\u00b8\u00ady")
    text.edit([(0, 1, "")])
    text.rebuild("中y", [0, 3], [3, 4])
    assert text.offsets.to_source(0, 1) == (1, 4)
    assert text.offsets.to_source(0, 2) == (1, 5)


def test_wrong_edits_are_refused():
    with pytest.raises(ValueError, match=r"edit \[1, 2\) must lie in \[3, 4\]"):
        TrackedText("abcd").edit([(0, 3, ""), (1, 2, "")])
    with pytest.raises(ValueError, match="must lie in"):
        TrackedText("abcd").edit([(3, 5, "")])
    with pytest.raises(ValueError, match="not empty"):
        TrackedText("").edit([(0, 0, "x")])
    with pytest.raises(ValueError, match="keep the length 2, got 1"):
        TrackedText("ab").substitute("a")
    with pytest.raises(ValueError, match=r"got \[1, 4\)"):
        OffsetMap(3, 3).to_source(1, 4)


@st.composite
def _texts_and_edits(draw):
    text = draw(st.text(alphabet="abc中文", min_size=1, max_size=20))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [(a, b, draw(st.text(alphabet="XY", max_size=3))) for a, b in spans]


@given(_texts_and_edits(), st.data())
def test_map_agrees_with_a_plain_model(case, data):
    source, edits = case
    text = TrackedText(source)
    text.edit(edits)
    model = source
    for a, b, new in reversed(edits):
        model = model[:a] + new + model[b:]
    assert text.text == model
    offsets = text.offsets
    for i, c in enumerate(model):
        start, end = offsets.to_source(i, i + 1)
        assert 0 <= start < end <= len(source)
        assert c in "XY" or source[start:end] == c, "an untouched character maps to itself alone"
    start = data.draw(st.integers(0, len(model)))
    end = data.draw(st.integers(start, len(model)))
    wide, narrow = offsets.to_source(0, len(model)), offsets.to_source(start, end)
    assert start == end or (wide[0] <= narrow[0] < narrow[1] <= wide[1])


@given(st.text("ab产业(ǎn)\n", max_size=30), st.data())
def test_from_source_is_the_way_back_of_to_source(source, data):
    text = TrackedText(source)
    text.edit((i, i + 1, data.draw(st.sampled_from(["", "xy"]))) for i, char in enumerate(source) if char in "()ǎ")
    for i in range(len(text.text)):
        start, end = text.offsets.to_source(i, i + 1)
        first, last = text.offsets.from_source(start, end)
        assert first <= i < last
        assert text.offsets.to_source(first, last) == (start, end)


def test_from_source_of_what_was_dropped_is_nothing():
    text = TrackedText("產(chǎn)業(yè)園")
    text.edit([(1, 7, ""), (8, 12, "")])
    assert text.offsets.from_source(1, 7) is None
    assert text.offsets.from_source(0, 13) == (0, 3)
    assert TrackedText("abc").offsets.from_source(1, 2) == (1, 2)
    assert TrackedText("abc").offsets.from_source(2, 2) is None
    with pytest.raises(ValueError, match="span"):
        TrackedText("abc").offsets.from_source(0, 4)
