"""Pinyin brackets: the syllable list and what counts as one."""

import pytest

from data.pinyin import SYLLABLES, find_pinyin, match_orphan


def test_syllables_are_those_of_mandarin():
    assert 400 <= len(SYLLABLES) <= 420
    assert {"chan", "zhuang", "er", "a", "lve", "nv", "xiong", "yuan", "weng", "jue"} <= SYLLABLES
    assert SYLLABLES.isdisjoint(("ag", "km", "ai2", "fong", "bua", "jong", "gross", "vi", "shan xi", "ict"))


@pytest.mark.parametrize("content", ["chǎn", "FĀ", "lüè", "ér", "bó zhōu", " xiàn "])
def test_toned_syllables_are_dropped(content):
    assert find_pinyin(f"字({content})后") == [(1, 3 + len(content))]


@pytest.mark.parametrize("content", ["AI", "ICT", "GDP", "Huawei", "km", "a", "gross", "de", "Pelé", "Shǎnxī", "R&D", "chǎn1", "", "ha"])
def test_everything_else_stays(content):
    assert find_pinyin(f"字({content})后") == []


def test_plain_syllables_follow_the_toned_ones_of_their_text():
    text = "发(fā)展的(de)人(AI)地(ha)A(de)"
    assert [text[a:b] for a, b in find_pinyin(text)] == ["(fā)", "(de)"]


def test_orphan_is_toned_pinyin_without_opening_bracket():
    assert match_orphan("?jié)摿", 1) == 5
    assert match_orphan("?AI)摿", 1) is None
    assert match_orphan("?de)摿", 1) is None
