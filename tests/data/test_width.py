"""Widths: tables of both directions, same length, fixed points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.width import to_full_punctuation, to_half_width

NARROW = [
    ("１２亿元", "12亿元", "digits"),
    ("ＡＩ＋５Ｇ", "AI+5G", "letters and signs"),
    ("增长８．５％", "增长8.5%", "decimal point and percent"),
    ("１，２５６亿元", "1,256亿元", "thousands separator of a figure typed full-width"),
    ("１，２，３", "1，2，3", "a list"),
    ("１２：３０", "12:30", "a time"),
    ("签约，项目：一", "签约，项目：一", "Chinese punctuation stays"),
    ("云溪\u3000签约", "云溪 签约", "ideographic space"),
]
WIDE = [
    ("12月25日,云溪市", "12月25日，云溪市", "Chinese behind"),
    ("云溪市,25日", "云溪市，25日", "Chinese before"),
    ("1,256.8亿元,12:30", "1,256.8亿元，12:30", "inside numbers"),
    ("v(t), f(x)", "v(t), f(x)", "formulas"),
    ("云溪市(AI)", "云溪市（AI）", "both halves of a pair"),
    ("AI(NLP)产业", "AI（NLP）产业", "the opening half follows the closing one"),
    ("(a\n(b)产业", "(a\n（b）产业", "pairs do not reach over lines"),
    ("a）(b)中", "a）（b）中", "an unmatched full-width half is no pair"),
    ("云溪（AI)", "云溪（AI）", "a pair of mixed width"),
    ("说:(好)!是吗?", "说：（好）！是吗？", "marks that touch one another"),
    ("(AI),中", "（AI），中", "a bracket that touches a mark that changes"),
    ("1)项目;2)园区", "1）项目；2）园区", "list numbers"),
    ("“AI”,“5G”", "“AI”，“5G”", "between quotation marks"),
    ("a “b”, c", "a “b”, c", "English quotation marks"),
]


@pytest.mark.parametrize(("old", "new", "why"), NARROW, ids=[row[2] for row in NARROW])
def test_half_width(old, new, why):
    assert to_half_width(old) == new, why


@pytest.mark.parametrize(("old", "new", "why"), WIDE, ids=[row[2] for row in WIDE])
def test_full_punctuation(old, new, why):
    assert to_full_punctuation(old) == new, why


@given(st.text(alphabet="中文，。（）“”…a1 \n,;:?!()１，：０２５６．"))
def test_lengths_are_kept_and_results_are_fixed_points(text):
    for convert in (to_half_width, to_full_punctuation):
        once = convert(text)
        assert len(once) == len(text)
        assert convert(once) == once
