import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from data.errors import CheckpointRefused
from data.schema import Facts, Outcomes
from data.taxonomy import load_taxonomy
from models.clauses import N_FEATURES, split_clauses
from models.faithfulness import check_against, read_source
from models.outcomes import build_outcomes
from models.paths import DEFAULT_CHECKPOINT
from models.selector import SELECTION_FILE, ClauseSelector, context_of, polish, tells_facts, write

TAXONOMY = load_taxonomy()
TEXT = "3月2日，临川县在深圳举行投资环境推介会，集中签约项目12个，总投资86.5亿元。与会者参观了展厅，气氛热烈。签约项目涉及电子信息、新材料等产业。县里的路修好了，群众高兴。"


def scored(text, wanted, title=None):
    """Return clauses with a score of 0.9 for those that hold a wanted string, else 0.02."""
    clauses = split_clauses(text, title, build_outcomes(text, title))
    return clauses, np.array([0.9 if any(word in c.text for word in wanted) else 0.02 for c in clauses], dtype=np.float32)


def test_a_summary_is_made_of_beginnings_of_sentences():
    assert (
        write(*scored(TEXT, ["总投资", "涉及"]), 60)
        == "3月2日，临川县在深圳举行投资环境推介会，集中签约项目12个，总投资86.5亿元。签约项目涉及电子信息、新材料等产业。"
    )
    assert write(*scored(TEXT, ["推介会", "涉及"]), 60) == "3月2日，临川县在深圳举行投资环境推介会。签约项目涉及电子信息、新材料等产业。"


def test_what_is_said_already_is_not_said_again():
    text = "临川县集中签约项目12个，总投资86.5亿元。会上，临川县集中签约项目12个，总投资86.5亿元。县长出席活动并见证签约，副县长主持。"
    assert write(*scored(text, ["签约项目12个", "总投资", "县长出席"]), 60).count("86.5亿元") == 1


def test_no_sentence_ends_with_an_adverbial_or_an_open_bracket():
    text = "今年以来，临川县签约项目12个，为加快项目落地，该县成立了专班。总投资86.5亿元（人民币，不含税），全部开工建设并列入计划。"
    for wanted in (["今年以来"], ["为加快"], ["86.5"]):
        summary = write(*scored(text, wanted), 40)
        assert not re.search("(?:今年以来|为加快项目落地)[。；]", summary)
        assert summary.count("（") == summary.count("）")


@given(st.text(alphabet="签约，。；！？：、“”（）《》 1亿元县的项目总投资在", max_size=400), st.integers(0, 2**32 - 1), st.floats(10, 200))
@settings(max_examples=200, deadline=None)
def test_a_summary_has_the_contracts_length_or_is_empty_and_stands_in_the_article(text, seed, length):
    clauses = split_clauses(text, None, build_outcomes(text, None))
    scores = np.random.default_rng(seed).random(len(clauses)).astype(np.float32)
    summary = write(clauses, scores, length)
    assert summary == "" or 30 <= len(summary) <= 160
    assert summary == write(clauses, scores, length)
    if summary:
        assert summary.endswith("。")
        assert all(part in text for part in re.split("[，。；]", summary))


def test_figures_and_names_of_a_summary_are_the_articles():
    for wanted in (["总投资"], ["涉及"], ["12个"], ["展厅"]):
        summary = write(*scored(TEXT, wanted), 60)
        assert summary
        assert not check_against(summary, read_source(TEXT, None))


def test_context_knows_neighbours_rank_and_what_was_said():
    clauses, scores = scored(TEXT, ["总投资"])
    rows = context_of(clauses, scores, TEXT, ["signing"], TAXONOMY)
    best = int(scores.argmax())
    assert rows[best, 7] == 0
    assert np.allclose(rows[:, 0], scores)
    assert rows[best - 1, 4] == scores[best]  # its next neighbour
    assert context_of([], np.zeros(0, dtype=np.float32), "", [], TAXONOMY).shape == (0, rows.shape[1])


def selector(**changes):
    rng = np.random.default_rng(1)
    return ClauseSelector(
        **({"weights": rng.normal(size=N_FEATURES).astype(np.float16).astype(np.float32), "bias": -0.5, "trees": None, "length": 60.0} | changes)
    )


def test_clauses_that_tell_a_fact_are_known_and_weigh_more():
    text = "会议在宁波举行，与会代表交流发言，来宾参观园区和展厅，晚间举行了座谈，气氛热烈。现场签约项目7个，总投资30亿元。"
    outcomes = build_outcomes(text, "签约7个项目", ["signing"])
    assert outcomes.facts == Facts(7, 30.0)
    clauses = split_clauses(text, "签约7个项目", outcomes)
    told = tells_facts(clauses, outcomes)
    assert [c.core for c, own in zip(clauses, told, strict=True) if own] == ["签约7个项目", "现场签约项目7个", "总投资30亿元"]
    assert not tells_facts(clauses, Outcomes(Facts())).any()
    assert not tells_facts(clauses, replace(outcomes, facts=Facts(1))).any()  # 1 is counted everywhere
    scores = np.where(told > 0, 0.15, 0.8).astype(np.float32)
    assert "总投资30亿元" not in write(clauses, scores, 30.0, text)
    assert "总投资30亿元" in write(clauses, scores + 0.8 * told, 30.0, text)
    unsure = selector(weights=np.zeros(N_FEATURES, dtype=np.float32))
    own = replace(unsure, figure_bonus=0.5)
    assert own.summarize(text, "签约7个项目", outcomes, ["signing"], TAXONOMY) == write(
        clauses, own.score(clauses, text, "签约7个项目", outcomes, ["signing"], TAXONOMY) + 0.5 * told, own.length, text
    )


def test_a_selector_comes_back_as_it_was_saved(tmp_path):
    made = selector(figure_bonus=0.25)
    made.save(tmp_path)
    outcomes = build_outcomes(TEXT, None)
    assert ClauseSelector.load(tmp_path).summarize(TEXT, None, outcomes, ["signing"], TAXONOMY) == made.summarize(
        TEXT, None, outcomes, ["signing"], TAXONOMY
    )


def test_files_that_are_no_selector_are_refused(tmp_path):
    for tensors in ({"weights": np.zeros(3, dtype=np.float16)}, {"weights": np.zeros(3), "bias": np.zeros(1), "length": np.ones(1)}):
        save_file(tensors, tmp_path / SELECTION_FILE)
        with pytest.raises(CheckpointRefused):
            ClauseSelector.load(tmp_path)
    selector(weights=np.full(N_FEATURES, np.nan, dtype=np.float32)).save(tmp_path)
    with pytest.raises(CheckpointRefused):
        ClauseSelector.load(tmp_path)


def test_an_article_too_short_for_a_summary_gives_none():
    for text in ("", "签约。", "县里，市里，省里。"):
        assert selector().summarize(text, None, build_outcomes(text, None), [], TAXONOMY) == ""


@pytest.mark.parametrize(
    ("summary", "text", "polished"),
    [
        ("15日，12个项目开工。", "某社上海8月15日电 15日，12个项目开工。", "8月15日，12个项目开工。"),
        ("8月15日，12个项目开工。", "8月15日，12个项目开工。", "8月15日，12个项目开工。"),
        ("16日，12个项目开工。", "某社上海8月15日电 16日，12个项目开工。", "16日，12个项目开工。"),
        ("15日至17日举行推介会。", "某社上海8月15日电 15日至17日举行推介会。", "15日至17日举行推介会。"),
        ("今天（11月12日），洽谈会开幕。", "", "11月12日，洽谈会开幕。"),
        ("我市签约，我区揭牌，自我市场化。", "", "该市签约，该区揭牌，自我市场化。"),
        ("总投资8亿元（人民币，下同），临川县（以下简称“该县”）签约。", "", "总投资8亿元，临川县签约。"),
    ],
)
def test_summaries_are_in_the_third_person_with_whole_dates_and_no_asides(summary, text, polished):
    assert polish(summary, text) == polished


def test_expected_overlap_is_higher_for_what_annotators_use():
    selector = ClauseSelector.load(DEFAULT_CHECKPOINT / "selection")
    text = (
        "3月5日，青河市举行招商推介会。会上签约项目12个，总投资86亿元。参会者喝了茶，聊了天气，又看了老照片。"
        + "门外的槐树长得很高，风一吹叶子就响。" * 3
    )
    outcomes = build_outcomes(text, None, ("signing",))
    expected = selector.read_expected(text, None, outcomes, ("signing",), load_taxonomy())
    assert (
        expected("3月5日，青河市举行招商推介会，签约项目12个，总投资86亿元。")
        > expected("参会者喝了茶，聊了天气，又看了老照片，门外的槐树长得很高。")
        >= 0
    )
    assert expected("") == 0
    assert expected("甲乙丙丁") == 0
