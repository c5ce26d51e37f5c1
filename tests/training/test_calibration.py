import dataclasses

import numpy as np
import pytest
from scipy.special import expit

from data.taxonomy import load_taxonomy
from models.decoding import Decoding
from training.calibration import (
    MAX_REVIEW_SHARE,
    Scores,
    cross_fitted_ece,
    decoded_f1,
    fit_decoding,
    fit_platt,
    fit_softmax_temperature,
    micro_f1,
    probs_of,
    review_share,
)
from training.reliability import expected_calibration_error

TAXONOMY = load_taxonomy()


@pytest.mark.parametrize(("temperature", "bias"), [(0.5, 0.0), (1.0, -0.7), (3.0, 0.4)])
def test_the_scale_and_shift_of_distorted_logits_are_found(temperature, bias):
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (4000, 5))
    gold = (rng.random(true_logits.shape) < expit(true_logits)).astype(float)
    found = fit_platt((true_logits - bias) * temperature, gold)
    assert found == pytest.approx((temperature, bias), rel=0.1, abs=0.1)


def test_the_softmax_temperature_is_found():
    rng = np.random.default_rng(0)
    true_logits = rng.normal(0, 2, (4000, 6))
    gold = (true_logits + rng.gumbel(size=true_logits.shape)).argmax(1)
    assert fit_softmax_temperature(true_logits * 2.5, gold) == pytest.approx(2.5, rel=0.1)


def test_calibration_error_of_honest_and_of_boastful_probabilities():
    rng = np.random.default_rng(0)
    probs = rng.random(20_000)
    gold = (rng.random(20_000) < probs).astype(float)
    assert expected_calibration_error(probs, gold) < 0.02
    assert expected_calibration_error(np.full(1000, 0.99), (np.arange(1000) < 500).astype(float)) == pytest.approx(0.49)


def test_micro_f1_counts_labels():
    assert micro_f1([{"a", "b"}, set()], [{"a"}, {"c"}]) == pytest.approx(2 * 1 / 4)
    assert micro_f1([set()], [set()]) == 0.0


def made_scores(n=300):
    rng = np.random.default_rng(1)
    gold_activity = (rng.random((n, len(TAXONOMY.activity))) < 0.15).astype(float)
    gold_activity[:, -1] = 0
    main = rng.integers(0, len(TAXONOMY.activity) - 1, n)
    gold_activity[np.arange(n), main] = 1
    gold_industry = (rng.random((n, len(TAXONOMY.industry))) < 0.15).astype(float)

    def noisy(gold):
        return 4 * (gold - 0.6) + rng.normal(0, 1.5, gold.shape)

    main_logits = rng.normal(0, 1, gold_activity.shape)
    main_logits[np.arange(n), main] += 3
    return Scores(noisy(gold_activity), noisy(gold_industry), main_logits, gold_activity, gold_industry, main)


def test_fitted_thresholds_are_at_least_as_good_as_a_half():
    scores = made_scores()
    fitted = fit_decoding(scores, TAXONOMY)
    half = dataclasses.replace(fitted, thresholds=dict.fromkeys(fitted.thresholds, 0.5))
    for better, plain in zip(decoded_f1(scores, TAXONOMY, fitted), decoded_f1(scores, TAXONOMY, half), strict=True):
        assert better >= plain
    assert set(fitted.thresholds) == {f"activity/{k}" for k in TAXONOMY.activity} | {f"industry/{k}" for k in TAXONOMY.industry}


def test_cross_fitted_error_is_small_for_one_true_temperature():
    errors = cross_fitted_ece(made_scores(600), TAXONOMY)
    assert set(errors) == {"activity", "industry"}
    assert all(0 <= value < 0.1 for value in errors.values())


def test_the_review_margin_keeps_the_queue_within_its_share():
    scores = made_scores(400)
    fitted = fit_decoding(scores, TAXONOMY)
    assert review_share(scores, TAXONOMY, fitted) <= MAX_REVIEW_SHARE or fitted.review_margin == 0.0
    assert fitted == Decoding.from_json(fitted.to_json(), TAXONOMY)


def test_the_least_likely_main_activities_go_to_review():
    scores = made_scores()
    fitted = fit_decoding(scores, TAXONOMY)
    likeliest = probs_of(scores, fitted)[2].max(axis=1)
    assert 0.16 <= (likeliest < fitted.review_main).mean() <= MAX_REVIEW_SHARE
