import pytest

from data.schema import Facts, Outcomes
from models.outcomes import build_outcomes
from models.summarizer import Candidate, Generation, rank, source_of, summarize, tidy

TEXT = "6月3日，临江市在东海市举行招商推介会，现场签约项目12个，总投资56.8亿元，涵盖新能源、食品等产业。市长李一介绍了营商环境。"
GOOD = "6月3日，临江市在东海市举行招商推介会，签约项目12个，总投资56.8亿元，涵盖新能源、食品等产业。"
OUTCOMES = build_outcomes(TEXT, None, ["promotion_conference", "signing"])


class FixedEngine:
    """Stands in for a model: gives back the candidates it was told."""

    def __init__(self, *candidates, min_score=-1.0):
        self.generation = Generation(min_score=min_score)
        self.given = [Candidate(text, score) for text, score in candidates]

    def candidates(self, source):
        assert source
        return self.given


def test_a_supported_candidate_is_served():
    summary = summarize(FixedEngine((GOOD, -0.2)), None, TEXT, OUTCOMES)
    assert (summary.text, summary.method, summary.ungrounded) == (GOOD, "abstractive", ())


def test_expected_overlap_weighs_as_much_as_it_is_told_to():
    one, other = Candidate(GOOD, -0.1), Candidate(GOOD[:-1] + "！", -0.2)
    likes_other = {one.text: 0.1, other.text: 0.5}.__getitem__
    assert rank([one, other], OUTCOMES)[0] == one
    assert rank([one, other], OUTCOMES, likes_other, 0.1)[0] == one
    assert rank([one, other], OUTCOMES, likes_other, 1.0)[0] == other
    with pytest.raises(ValueError, match="overlap_weight"):
        Generation(overlap_weight=-1.0)


@pytest.mark.parametrize(
    "wrong", [GOOD.replace("56.8亿元", "56.8万元"), GOOD.replace("12个", "21个"), GOOD.replace("56.8", "58.6"), GOOD.replace("临江市", "临海市")]
)
def test_an_unsupported_figure_or_name_is_never_served(wrong):
    summary = summarize(FixedEngine((wrong, -0.1)), None, TEXT, OUTCOMES)
    assert summary.method == "extractive"
    assert summary.ungrounded == ()
    assert wrong not in summary.text


def test_the_next_candidate_is_taken_where_the_best_is_wrong():
    summary = summarize(FixedEngine((GOOD.replace("12", "13"), -0.1), (GOOD, -0.3)), None, TEXT, OUTCOMES)
    assert summary.text == GOOD
    assert summary.method == "abstractive"


def test_an_unlikely_candidate_gives_way_to_the_extractive_summary():
    assert summarize(FixedEngine((GOOD, -1.5)), None, TEXT, OUTCOMES).method == "extractive"
    assert summarize(FixedEngine((GOOD, -0.1), min_score=0.0), None, TEXT, OUTCOMES).method == "extractive"
    assert summarize(None, None, TEXT, OUTCOMES).method == "extractive"


def test_candidates_of_wrong_length_are_left_out_and_outcomes_count():
    short, long = Candidate("签约。", 0.0), Candidate("临江市" * 80, 0.0)
    silent = Candidate("6月3日，临江市在东海市举行招商推介会，市长李一介绍了营商环境并作主旨讲话。", -0.2)
    telling = Candidate(GOOD, -0.3)
    assert next(c.text for c in rank([short, long, silent, telling], OUTCOMES)) == GOOD
    assert len(rank([short, long], Outcomes(Facts()))) == 0


@pytest.mark.parametrize(
    ("decoded", "shown"),
    [
        ("临 江 市 签 约 12 个 项 目 。", "临江市签约12个项目。"),
        ("byd与5g项目落地临江", "BYD与5G项目落地临江。"),
        ("临江市签约,总投资５亿元", "临江市签约，总投资5亿元。"),
        ("", ""),
    ],
)
def test_decoded_text_is_typeset(decoded, shown):
    assert tidy(decoded, "临江市与BYD签约5G项目") == shown


def test_the_source_fits_and_holds_the_outcome_of_a_long_article():
    text = "开头一句介绍会议情况。" + "与会人员展开讨论，气氛热烈。" * 200 + "会上签约项目12个，总投资56.8亿元。"
    generation = Generation(prefix="[BRIEF]", max_source=256)
    source = source_of("临江市签约", text, build_outcomes(text, "临江市签约"), generation)
    assert len(source) <= 256
    assert source.startswith("临江市签约\n")
    assert "56.8亿元" in source


def test_the_real_decoder_is_deterministic_and_its_text_is_checked(predictor):
    engine = predictor.summarizer
    source = source_of(None, TEXT, OUTCOMES, engine.generation)
    assert engine.candidates(source) == engine.candidates(source)
    assert len(engine.candidates(source)) == engine.generation.num_beams
    summary = summarize(engine, None, TEXT, OUTCOMES)  # random weights: nothing sensible comes out of the decoder
    assert summary.ungrounded == ()
