"""Calibration and thresholds from a development split.

One Platt scaling and one threshold a group of labels: with some hundred articles, a parameter a label would fit the noise.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax

from data.taxonomy import Taxonomy
from models.decoding import Decoding, decode_activities, decode_industries, is_doubtful
from training.reliability import expected_calibration_error

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Pooled logits and gold of n articles: (n, n_activity), (n, n_industry), (n, n_activity); gold as 0/1, main as column."""

    activity: Array
    industry: Array
    main: Array
    gold_activity: Array
    gold_industry: Array
    gold_main: npt.NDArray[np.int64]


def fit_platt(logits: Array, gold: Array) -> tuple[float, float]:
    """Return (temperature, bias) with the lowest binary cross-entropy of ``sigmoid(logit / temperature + bias)``.

    The bias undoes what class weights in the training loss do to the logits; a temperature alone cannot.
    Source: Platt (1999), Probabilistic outputs for support vector machines.
    """

    def loss(x: Array) -> float:
        z = logits / np.exp(x[0]) + x[1]
        return float(np.mean(np.logaddexp(0, z) - gold * z))

    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-1.5, 4.0), (-4.0, 4.0)])
    return float(np.exp(found.x[0])), float(found.x[1])


def fit_softmax_temperature(logits: Array, gold: npt.NDArray[np.int64]) -> float:
    """Return the temperature with the lowest cross-entropy of one label out of many.

    Source: temperature scaling (arXiv 1706.04599).
    """

    def loss(log_t: float) -> float:
        return float(-np.mean(log_softmax(logits / np.exp(log_t), axis=1)[np.arange(len(gold)), gold]))

    return float(np.exp(minimize_scalar(loss, bounds=(-1.5, 4.0), method="bounded").x))


def micro_f1(gold: list[set[str]], found: list[set[str]]) -> float:
    """Return the micro F1 over label sets."""
    hits = sum(len(a & b) for a, b in zip(gold, found, strict=True))
    total = sum(map(len, gold)) + sum(map(len, found))
    return 2 * hits / total if total else 0.0


MAX_REVIEW_SHARE = 0.2  # of development articles that low_confidence may send to review: other reasons need room, and three quarters shall be trusted
_UNSURE_SHARE = 0.18  # of them for an unlikely main activity, which tells wrong answers from right ones best


def fit_decoding(scores: Scores, taxonomy: Taxonomy, calibration: Scores | None = None) -> Decoding:
    """Return the calibration, then the threshold of each group with the best micro F1 on ``scores`` (development).

    The calibration is fitted on articles of its own (``calibration``) where there are some, else on the same ones.

    For review go the articles whose main activity is least likely, then as many with a label on its threshold as ``MAX_REVIEW_SHARE`` leaves room for.
    """
    own = calibration or scores
    platt = {"activity": fit_platt(own.activity, own.gold_activity), "industry": fit_platt(own.industry, own.gold_industry)}
    temperature = {group: round(t, 4) for group, (t, _) in platt.items()} | {"main": round(fit_softmax_temperature(own.main, own.gold_main), 4)}
    bias = {group: round(b, 4) for group, (_, b) in platt.items()}
    grid = np.arange(0.15, 0.75, 0.025)

    def with_thresholds(activity: float, industry: float) -> Decoding:
        names = {f"activity/{k}": round(float(activity), 4) for k in taxonomy.activity}
        return Decoding(temperature, bias, names | {f"industry/{k}": round(float(industry), 4) for k in taxonomy.industry})

    best_activity = max(grid, key=lambda t: (decoded_f1(scores, taxonomy, with_thresholds(t, 0.5))[0], -abs(t - 0.4)))
    best_industry = max(grid, key=lambda t: (decoded_f1(scores, taxonomy, with_thresholds(0.5, t))[1], -abs(t - 0.4)))
    made = with_thresholds(best_activity, best_industry)
    likeliest = probs_of(scores, made)[2].max(axis=1)
    made = replace(made, review_main=round(float(np.quantile(likeliest, _UNSURE_SHARE)), 3), review_margin=0.0)
    margins = [replace(made, review_margin=round(m, 3)) for m in np.arange(0.15, 0.0, -0.01).tolist()]
    return next((m for m in margins if review_share(scores, taxonomy, m) <= MAX_REVIEW_SHARE), made)


def review_share(scores: Scores, taxonomy: Taxonomy, decoding: Decoding) -> float:
    """Return the share of articles that ``low_confidence`` sends to review."""
    doubtful = [
        is_doubtful(_by_key(a, taxonomy.activity), _by_key(i, taxonomy.industry), _by_key(m, taxonomy.activity), decoding)
        for a, i, m in zip(*probs_of(scores, decoding), strict=True)
    ]
    return sum(doubtful) / max(1, len(doubtful))


def _by_key(row: Array, keys: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(keys, row.tolist(), strict=True))


def probs_of(scores: Scores, decoding: Decoding) -> tuple[Array, Array, Array]:
    """Return calibrated probabilities of activities, industries and main activities, as serving computes them."""
    return (
        expit(scores.activity / decoding.temperature["activity"] + decoding.bias["activity"]),
        expit(scores.industry / decoding.temperature["industry"] + decoding.bias["industry"]),
        softmax(scores.main / decoding.temperature["main"], axis=1),
    )


def decoded_f1(scores: Scores, taxonomy: Taxonomy, decoding: Decoding) -> tuple[float, float]:
    """Return activity and industry micro F1 after decoding by the contract's rules."""
    decoded = decode_scores(scores, taxonomy, decoding)
    found_activity, found_industry = [set(activity) for activity, _ in decoded], [set(industry) for _, industry in decoded]
    gold_activity = [_names(row, taxonomy.activity) for row in scores.gold_activity]
    gold_industry = [_names(row, taxonomy.industry) for row in scores.gold_industry]
    return micro_f1(gold_activity, found_activity), micro_f1(gold_industry, found_industry)


def decode_scores(scores: Scores, taxonomy: Taxonomy, decoding: Decoding) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return activities (main first) and industries of each article by the contract's rules."""
    return [
        (
            tuple(decode_activities(_by_key(a, taxonomy.activity), _by_key(m, taxonomy.activity), decoding)),
            tuple(decode_industries(_by_key(i, taxonomy.industry), decoding)),
        )
        for a, i, m in zip(*probs_of(scores, decoding), strict=True)
    ]


def _names(row: Array, keys: tuple[str, ...]) -> set[str]:
    return {key for key, value in zip(keys, row, strict=True) if value > 0.5}


def cross_fitted_ece(scores: Scores, taxonomy: Taxonomy) -> dict[str, float]:
    """Return the ECE over all pairs of article and label, each half calibrated on the other half of the articles."""
    rows = np.arange(len(scores.main))
    halves = (rows % 2 == 0, rows % 2 == 1)
    out = {}
    for group, logits, gold in (("activity", scores.activity, scores.gold_activity), ("industry", scores.industry, scores.gold_industry)):
        probs = np.empty_like(logits)
        for mine, theirs in (halves, halves[::-1]):
            temperature, bias = fit_platt(logits[theirs], gold[theirs])
            probs[mine] = expit(logits[mine] / temperature + bias)
        out[group] = round(expected_calibration_error(probs.ravel(), gold.ravel()), 4)
    return out


def ece_of(scores: Scores, decoding: Decoding) -> dict[str, float]:
    """Return the ECE over all pairs of article and label, by a calibration that was fitted on other articles."""
    activity, industry, _ = probs_of(scores, decoding)
    pairs = {"activity": (activity, scores.gold_activity), "industry": (industry, scores.gold_industry)}
    return {group: round(expected_calibration_error(probs.ravel(), gold.ravel()), 4) for group, (probs, gold) in pairs.items()}
