"""From probabilities to labels by the contract's rules. Plain numbers in, label lists out.

Activities: one to four, the main one first, the others by falling probability, ``other`` only alone. Industries:
up to eight, by falling probability.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data.errors import CheckpointRefused
from data.schema import Group
from data.taxonomy import MAX_ACTIVITIES, MAX_INDUSTRIES, OTHER, Taxonomy

_LABEL_GROUPS = {"activity", "industry"}
_GROUPS = {*_LABEL_GROUPS, "main"}


@dataclass(frozen=True)
class Decoding:
    """Calibration of the three output groups and the threshold of every label, as a checkpoint carries them.

    A probability is ``sigmoid(logit / temperature + bias)`` for activities and industries (Platt scaling by group) and
    ``softmax(logit / temperature)`` for the main activity.
    """

    temperature: dict[str, float]  # activity, industry, main
    bias: dict[str, float]  # activity, industry
    thresholds: dict[str, float]  # "activity/signing" -> probability from which the label is given
    review_main: float = 0.5  # a main activity below this probability is doubtful
    review_margin: float = 0.1  # so is a label whose probability is nearer than this to its threshold

    def to_json(self) -> dict[str, Any]:
        """Return the ``decoding`` entry of the manifest."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, row: Mapping[str, Any], taxonomy: Taxonomy) -> "Decoding":
        """Rebuild from the manifest.

        Raises:
            CheckpointRefused: fields missing or unknown, a label without threshold, a number that is none.

        """
        try:
            made = cls(**row)
            wrong = made._findings(taxonomy)
        except (TypeError, AttributeError) as error:
            raise CheckpointRefused(f"decoding of the checkpoint: {error}") from error
        if wrong:
            raise CheckpointRefused(f"decoding of the checkpoint: {'; '.join(wrong)}")
        return made

    def _findings(self, taxonomy: Taxonomy) -> list[str]:
        labels = {f"activity/{key}" for key in taxonomy.activity} | {f"industry/{key}" for key in taxonomy.industry}
        wrong = [
            f"{name} must have exactly {', '.join(sorted(keys))}"
            for name, keys in (("thresholds", labels), ("temperature", _GROUPS), ("bias", _LABEL_GROUPS))
            if set(getattr(self, name)) != keys
        ]
        wrong += [f"threshold of {key} must be in (0, 1], got {value}" for key, value in self.thresholds.items() if not 0 < value <= 1]
        wrong += [f"temperature of {key} must be above 0, got {value}" for key, value in self.temperature.items() if not 0 < value < math.inf]
        wrong += [f"bias of {key} must be finite, got {value}" for key, value in self.bias.items() if not math.isfinite(value)]
        wrong += [
            f"{name} must be in [0, 1], got {value}"
            for name, value in (("review_main", self.review_main), ("review_margin", self.review_margin))
            if not 0 <= value <= 1
        ]
        return wrong

    def threshold(self, group: Group, key: str) -> float:
        """Return the threshold of a label."""
        return self.thresholds[f"{group}/{key}"]


def decode_activities(probs: Mapping[str, float], main_probs: Mapping[str, float], decoding: Decoding) -> list[str]:
    """Return one to four activities, the main one first.

    ``main_probs`` (softmax over the activities) decides the first label, ``probs`` (independent) the rest. Ties are
    broken by name, so that the order never depends on the batch.
    """
    main = max(main_probs, key=lambda key: (main_probs[key], key))
    if main == OTHER:
        return [OTHER]
    others = [k for k, p in probs.items() if k not in (main, OTHER) and p >= decoding.threshold("activity", k)]
    return [main, *sorted(others, key=lambda key: (-probs[key], key))][:MAX_ACTIVITIES]


def decode_industries(probs: Mapping[str, float], decoding: Decoding) -> list[str]:
    """Return up to eight industries by falling probability."""
    chosen = [key for key, p in probs.items() if p >= decoding.threshold("industry", key)]
    return sorted(chosen, key=lambda key: (-probs[key], key))[:MAX_INDUSTRIES]


def is_doubtful(activity: Mapping[str, float], industry: Mapping[str, float], main: Mapping[str, float], decoding: Decoding) -> bool:
    """Return whether a person should look: the main activity is unlikely, or a label that decides stands on its threshold.

    The main activity is decided by ``main`` alone, and where it is ``other`` no further activity is given: those
    probabilities decide nothing and are left out.
    """
    if max(main.values()) < decoding.review_main:
        return True
    first = max(main, key=lambda key: (main[key], key))
    rest = {} if first == OTHER else {key: p for key, p in activity.items() if key not in (first, OTHER)}
    groups: tuple[tuple[Group, Mapping[str, float]], ...] = (("activity", rest), ("industry", industry))
    return any(abs(p - decoding.threshold(group, key)) < decoding.review_margin for group, probs in groups for key, p in probs.items())
