import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from data.errors import CheckpointRefused
from data.schema import Facts
from models.context import read_mentions
from models.factrank import FACTS, FACTS_FILE, N_FEATURES, Candidate, FactRanker, find_candidates
from models.outcomes import build_outcomes

TEXT = "3月2日，临川县举行签约仪式，集中签约项目12个，总投资86.5亿元，其中工业项目8个，投资60亿元。去年签约5个项目。"


def candidates(text, title="", rules=Facts(), activity=("signing",)):  # noqa: B008 (frozen)
    return find_candidates(text, title, read_mentions(text), read_mentions(title), rules, activity)


def values(found):
    return {fact: sorted(c.value for c in own) for fact, own in found.items()}


def ranker_for(found, wanted, thresholds=0.5):
    """Return a ranker that likes the features of one candidate of a fact better than those it shares with others."""
    weights = np.zeros((4, N_FEATURES), dtype=np.float32)
    for fact, value in wanted.items():
        (liked,) = [c for c in found[fact] if c.value == value]
        others = np.concatenate([np.zeros(0, dtype=np.int64), *(c.features for c in found[fact] if c.value != value)])
        weights[FACTS.index(fact), np.setdiff1d(liked.features, others)] = 1.0
    return FactRanker(weights, np.full(4, -0.5, dtype=np.float32), np.full(4, thresholds, dtype=np.float32))


def test_every_value_of_the_article_and_one_are_candidates():
    found = values(candidates(TEXT))
    assert found["signed_projects"] == found["total_projects"] == [1.0, 5.0, 8.0, 12.0]
    assert found["signed_amount"] == found["total_amount"] == [60.0, 86.5]
    assert values(candidates("今天天气晴。"))["signed_projects"] == [1.0]
    assert values(candidates("投资2亿美元，面积22.5万平方米。"))["signed_amount"] == []


def test_figures_of_the_title_are_candidates_and_equal_values_are_one():
    found = values(candidates("现场签约项目12个。", title="签约12个项目 总投资86亿元"))
    assert found["signed_projects"] == [1.0, 12.0]
    assert found["signed_amount"] == [86.0]


def test_the_likeliest_value_is_taken_from_the_threshold_on():
    found = candidates(TEXT)
    ranker = ranker_for(found, {"signed_projects": 12.0, "signed_amount": 86.5})
    facts, confidence = ranker.choose(found)
    assert facts == Facts(12, 86.5)
    assert isinstance(facts.signed_projects, int)
    assert confidence["signed_projects"] > 0.9
    assert confidence["total_amount"] < 0.5
    shy = FactRanker(ranker.weights, ranker.bias, np.full(4, 1.5, dtype=np.float32))
    assert shy.choose(found)[0] == Facts()


def test_the_rules_are_heard():
    with_rules, without = (candidates(TEXT, rules=rules)["signed_projects"] for rules in (Facts(12), Facts()))
    twelve, same = (next(c for c in own if c.value == 12.0).features for own in (with_rules, without))
    assert set(same) < set(twelve)
    others = [(a, b) for a, b in zip(with_rules, without, strict=True) if a.value != 12.0]
    assert all(set(a.features) == set(b.features) for a, b in others)


def test_outcomes_take_the_ranker_within_the_domain_only():
    rules = build_outcomes(TEXT, None, ["signing"]).facts
    found = candidates(TEXT, rules=rules)
    ranker = ranker_for(found, {"signed_projects": 8.0})
    assert build_outcomes(TEXT, None, ["signing"], ranker).facts == Facts(8)
    assert build_outcomes(TEXT, None, ["other"], ranker).facts == Facts()
    assert build_outcomes(TEXT, None, ["signing"], ranker).mentions == build_outcomes(TEXT, None, ["signing"]).mentions


def test_what_is_saved_comes_back(tmp_path):
    ranker = ranker_for(candidates(TEXT), {"signed_projects": 12.0})
    ranker.save(tmp_path)
    back = FactRanker.load(tmp_path)
    assert all(np.array_equal(getattr(back, name), getattr(ranker, name)) for name in ("weights", "bias", "thresholds"))


@pytest.mark.parametrize("change", [{"weights": np.zeros((4, 3), np.float16)}, {"bias": np.full(4, np.nan, np.float32)}, {"thresholds": None}])
def test_a_broken_file_is_refused(tmp_path, change):
    tensors = {"weights": np.zeros((4, N_FEATURES), np.float16), "bias": np.zeros(4, np.float32), "thresholds": np.zeros(4, np.float32)} | change
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, tmp_path / FACTS_FILE)
    with pytest.raises(CheckpointRefused, match=r"facts\.safetensors"):
        FactRanker.load(tmp_path)


def test_features_do_not_depend_on_the_process():
    """Hashes are saved with the weights: they must be the same tomorrow."""
    found = candidates("现场签约项目12个。")["signed_projects"]
    again = candidates("现场签约项目12个。")["signed_projects"]
    assert json.dumps([c.features.tolist() for c in found]) == json.dumps([c.features.tolist() for c in again])
    assert all((np.diff(c.features) > 0).all() and c.features.max() < N_FEATURES for c in found)


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet="签约项目总投资开工0123456789十百亿万元个家、，。；其中以上\n美欧 a\ud800", max_size=120),
    st.text(alphabet="签约12个项目亿元", max_size=20),
)
def test_any_text_has_candidates_that_are_numbers(text, title):
    for own in candidates(text, title).values():
        assert len({c.value for c in own}) == len(own)
        assert all(isinstance(c, Candidate) and np.isfinite(c.value) and c.value >= 0 for c in own)
