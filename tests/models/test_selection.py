import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.schema import Facts, Outcomes
from models.faithfulness import check_summary
from models.outcomes import build_outcomes
from models.selection import MAX_SUMMARY, MIN_SUMMARY, condense, extract_summary, score_sentences, select_text

FILLER = "与会人员围绕营商环境、要素保障等话题展开了讨论，气氛热烈。"
LEAD = "临江日报讯（记者 李一）6月3日，临江市在东海市举行招商推介会，200余名客商参加。"
OUTCOME = "会上集中签约项目12个，总投资56.8亿元，涵盖新能源、食品等产业。"
NONE = Outcomes(Facts())


def summary_of(text):
    return extract_summary(text, build_outcomes(text, None, ["promotion_conference", "signing"]))


def test_what_happened_comes_first_and_the_outcome_follows():
    summary = summary_of(LEAD + FILLER * 3 + OUTCOME + FILLER)
    assert summary.startswith("6月3日，临江市在东海市举行招商推介会")
    assert "签约项目12个，总投资56.8亿元" in summary
    assert "记者" not in summary


def test_a_headline_in_the_text_is_not_the_lead():
    summary = summary_of("临江推介会签下大单\n" + LEAD + FILLER + OUTCOME)
    assert summary.startswith("6月3日，临江市在东海市举行招商推介会")
    assert "签下大单" not in summary


def test_an_outcome_at_the_end_of_a_long_article_is_found():
    summary = summary_of(LEAD + FILLER * 150 + OUTCOME)
    assert "56.8亿元" in summary


@settings(max_examples=60)
@given(parts=st.lists(st.sampled_from([LEAD, FILLER, OUTCOME, "市长表示：“要快、要实。”", "短。", "无标点的一段话" * 20]), min_size=1, max_size=12))
def test_extractive_summaries_are_supported_and_have_their_length(parts):
    text = "".join(parts)
    summary = summary_of(text)
    assert len(summary) <= MAX_SUMMARY
    assert len(summary) >= MIN_SUMMARY or len("".join(set(parts))) < 3 * MIN_SUMMARY
    assert check_summary(summary, text, None) == ()
    assert all(clause in text.replace("。”", "”") for clause in summary.rstrip("。").split("。"))


@given(text=st.text(min_size=1, max_size=400))
@settings(max_examples=100)
def test_any_text_gives_a_summary_of_bounded_length(text):
    assert len(extract_summary(text, NONE)) <= MAX_SUMMARY


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("本报讯（记者 王二）临江市签约12个项目。", "临江市签约12个项目"),
        ("某社临江5月3日电 （记者 王二）临江市签约12个项目。", "临江市签约12个项目"),
        ("据悉，该项目总投资5亿元。", "该项目总投资5亿元"),
        ("6月3日，记者从市商务局获悉，上半年签约12个项目。", "上半年签约12个项目"),
        ("临江市签约12个项目，其中新能源项目3个。", "临江市签约12个项目，其中新能源项目3个"),
    ],
)
def test_condensing_drops_who_wrote_it_and_nothing_of_what_happened(dirty, clean):
    assert condense(dirty, 100) == clean


def test_a_cut_never_ends_inside_a_quotation():
    assert condense("市长说：“要快，要实，要好，要准，要稳，要深，要细。”会后签约。", 12) == "市长说：要快，要实"


def test_selection_keeps_order_and_the_best_sentences():
    text = LEAD + FILLER * 40 + OUTCOME + FILLER * 40
    chosen = select_text(text, build_outcomes(text, None), 200)
    assert len(chosen) <= 200
    assert chosen.index("推介会") < chosen.index("56.8亿元")
    assert select_text(LEAD, NONE, 500) == LEAD


def test_long_clauses_never_push_a_summary_over_its_length():
    parts = [f"{c}市举行签约仪式，总投资{n}亿元的项目落户当地并开工建设" + "情况良好" * 12 + "。" for n, c in enumerate("甲乙丙丁戊", 3)]
    for title in (None, "甲市签约"):
        text = "".join(parts)
        assert MIN_SUMMARY <= len(extract_summary(text, build_outcomes(text, title), title)) <= MAX_SUMMARY
    assert condense("甲" * 50 + "，" + "乙" * 50, -2) == ""


def test_a_part_is_not_told_as_the_whole():
    assert condense("其中，亿元项目5个，总投资30亿元。", 60).startswith("其中")


def test_headings_are_joined_until_the_summary_has_its_length():
    text = "\n".join(
        f"{n}、{what}。" for n, what in zip("一二三四五六七八", ("招商", "引资", "签约", "开工", "投产", "服务", "调研", "座谈"), strict=True)
    )
    assert len(extract_summary(text, NONE)) >= MIN_SUMMARY


def test_scoring_is_linear_in_figures():
    text = "签约1个。" * 8000
    assert len(score_sentences(text, build_outcomes(text[:500], None))) == 8000


def test_every_sentence_is_scored():
    text = LEAD + FILLER + OUTCOME
    assert "".join(s.text for s in score_sentences(text, NONE)) == text
