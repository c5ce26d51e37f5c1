"""Spans as tools count them, on the text as submitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.spans import Placed, place_span


@pytest.mark.parametrize(
    ("text", "start", "end", "said", "placed", "why"),
    [
        ("投资5亿元", 2, 5, "5亿元", Placed(2, 5), "code points"),
        ("😀投资5亿元", 4, 7, "5亿元", Placed(3, 6, "UTF-16"), "an emoji is two code units"),
        ("一\r\n二\r\n5亿元", 4, 7, "5亿元", Placed(6, 9, "CRLF as one"), "the browser has one newline"),
        ("😀\r\n5亿元", 3, 6, "5亿元", Placed(3, 6), "two and two cancel out: our own count is right"),
        ("😀\r\n一\r\n5亿元", 5, 8, "5亿元", Placed(6, 9, "UTF-16, CRLF as one"), "both"),
        ("签约\r\n5亿元", 0, 4, "签约\n5", Placed(0, 5, "CRLF as one"), "a span over a newline"),
        ("投资5亿元", 0, 3, "5亿元", None, "the text says something else there"),
        ("投资5亿元", 2, 99, "5亿元", None, "behind the end"),
        ("投资5亿元", -3, 5, "5亿元", None, "before the beginning"),
        ("😀5亿元", 1, 5, "\ufffd5亿元", None, "begins inside a character"),
        ("投资5亿元", 2, 2, "", None, "empty"),
        ("投资5亿元", 2, 5, None, Placed(2, 5), "nothing to compare with"),
        ("投资5亿元", 2, 6, None, None, "nothing to compare with, and outside"),
        ("投资5亿元😀", 2, 5, None, Placed(2, 5), "all ways count alike up to the emoji"),
        ("会上签约，甲丙市开会", 0, 2, None, Placed(0, 2), "all ways count alike: nothing is asked of the surface"),
        ("😀😀签约12个丙市项目", 6, 9, None, Placed(4, 7, "UTF-16"), "the code points say 个丙市"),
        ("😀😀签约12个丙市项目", 4, 7, None, None, "12个 or 签约1: nobody can say"),
        ("😀😀😀😀签约会上甲12个", 9, 12, None, Placed(9, 12), "the code units say 约会上"),
        ("😀投资5亿元", 3, 6, None, None, "5亿元 or 资5亿: nobody can say"),
        ("😀锦渚市开会", 2, 4, None, None, "no reading holds a number"),
        ("一\r\n\r\n\r\n签约，5亿元", 7, 10, None, Placed(10, 13, "CRLF as one"), "the code points say 签约，"),
    ],
)
def test_a_span_is_taken_where_the_text_says_the_same(text, start, end, said, placed, why):
    assert place_span(text, start, end, said) == placed, why


@given(st.text("项目5亿😀𠮷\r\n，", min_size=1), st.data())
def test_any_way_of_counting_gives_a_span_that_says_the_same(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    said = text[start:end]

    def units(piece):
        return len(piece.encode("utf-16-le")) // 2

    def unify(piece):
        return piece.replace("\r\n", "\n")

    counts = [(start, end), (units(text[:start]), units(text[:end]))]
    if text[start - 1 : start + 1] != "\r\n" and text[end - 1 : end + 1] != "\r\n":  # no tool that unifies newlines cuts them
        counts += [(len(unify(text[:start])), len(unify(text[:end]))), (units(unify(text[:start])), units(unify(text[:end])))]
    for counted in counts:
        placed = place_span(text, *counted, said)
        assert placed is not None and unify(text[placed.start : placed.end]) == unify(said)
