from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clauses import N_FEATURES, TITLE, describe, ngrams_of, split_clauses
from models.outcomes import build_outcomes

TITLE_TEXT = "临川县集中签约12个项目"
TEXT = "本报讯（记者 张三）3月2日，临川县举行签约仪式，集中签约项目12个；总投资86.5亿元。县长说：“今年来，我们引进了一批项目，势头很好。”据悉，去年签约5个项目。"


def clauses_of(text, title=None):
    return split_clauses(text, title, build_outcomes(text, title))


def test_clauses_stand_in_the_article_where_they_say():
    for clause in clauses_of(TEXT, TITLE_TEXT):
        source = TITLE_TEXT if clause.sentence == TITLE else TEXT
        assert source[clause.start : clause.start + len(clause.text)] == clause.text
        assert clause.text.startswith(clause.core)


def test_datelines_and_openers_are_left_out_and_quotations_stay_whole():
    assert [c.core for c in clauses_of(TEXT, TITLE_TEXT)] == [
        "临川县集中签约12个项目", "3月2日", "临川县举行签约仪式", "集中签约项目12个", "总投资86.5亿元", "县长说：“今年来，我们引进了一批项目，势头很好。”", "去年签约5个项目",
    ]  # fmt: skip


def test_a_segment_begins_behind_a_semicolon_or_a_full_stop():
    found = clauses_of(TEXT, TITLE_TEXT)
    firsts = {c.core: found[c.first].core for c in found}
    assert firsts["集中签约项目12个"] == "3月2日"
    assert firsts["总投资86.5亿元"] == "总投资86.5亿元"
    assert firsts["去年签约5个项目"] == "去年签约5个项目"


def test_a_long_article_gives_clauses_of_its_end_too():
    text = "会议在市里召开，大家讨论。" * 300 + "签约项目12个，总投资86.5亿元。"
    found = clauses_of(text)
    assert len(found) < 300
    assert "总投资86.5亿元" in [c.core for c in found]


@given(st.text(alphabet="签约，。；！？：、“”（）《》【】 \n\u30001亿元县的", max_size=300), st.none() | st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_clauses_that_tile_in_order_and_features_in_range(text, title):
    outcomes = build_outcomes(text, title)
    found = split_clauses(text, title, outcomes)
    inside = [c for c in found if c.sentence != TITLE]
    assert all(text[c.start : c.start + len(c.text)] == c.text for c in inside)
    assert all(a.start + len(a.text) <= b.start for a, b in pairwise(inside))
    assert all(0 <= c.first <= i and found[c.first].sentence == c.sentence for i, c in enumerate(found))
    for features in describe(found, text, title, outcomes, ["signing"]):
        assert len(features) == len(np.unique(features))
        assert features.min() >= 0
        assert features.max() < N_FEATURES


def test_labels_figures_and_headline_are_among_the_features():
    outcomes = build_outcomes(TEXT, TITLE_TEXT)
    found = split_clauses(TEXT, TITLE_TEXT, outcomes)

    def features(title, outcomes, activity):
        return [set(own.tolist()) for own in describe(found, TEXT, title, outcomes, activity)]

    plain = features(TITLE_TEXT, outcomes, ["signing"])
    assert plain == features(TITLE_TEXT, outcomes, ["signing", "expo_forum"])  # the main activity alone counts
    assert all(a != b for a, b in zip(plain, features(TITLE_TEXT, outcomes, ["other"]), strict=True))
    counted = next(i for i, c in enumerate(found) if c.core == "集中签约项目12个")
    assert plain[counted] != features("别的标题", outcomes, ["signing"])[counted]
    assert plain[counted] != features(TITLE_TEXT, build_outcomes("", None), ["signing"])[counted]


def test_ngrams_of_a_short_text_are_none():
    assert ngrams_of("签") == frozenset()
    assert ngrams_of("签约项", 3) == {"签约项"}
