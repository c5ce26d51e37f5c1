import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import CheckpointRefused
from data.taxonomy import MAX_ACTIVITIES, MAX_INDUSTRIES, OTHER, load_taxonomy
from models.decoding import Decoding, decode_activities, decode_industries, is_doubtful

TAXONOMY = load_taxonomy()
DECODING = Decoding(
    {"activity": 1.0, "industry": 1.0, "main": 1.0},
    {"activity": 0.0, "industry": 0.0},
    {f"activity/{k}": 0.5 for k in TAXONOMY.activity} | {f"industry/{k}": 0.5 for k in TAXONOMY.industry},
)
PROB = st.floats(0, 1)


def probs_for(keys):
    return st.fixed_dictionaries(dict.fromkeys(keys, PROB))


@given(probs=probs_for(TAXONOMY.activity), main=probs_for(TAXONOMY.activity))
def test_one_to_four_activities_main_first_other_alone(probs, main):
    found = decode_activities(probs, main, DECODING)
    assert 1 <= len(found) <= MAX_ACTIVITIES
    assert len(set(found)) == len(found)
    assert main[found[0]] == max(main.values())
    assert OTHER not in found or found == [OTHER]
    rest = [probs[key] for key in found[1:]]
    assert rest == sorted(rest, reverse=True)
    TAXONOMY.check(found, [])


@given(probs=probs_for(TAXONOMY.industry))
def test_at_most_eight_industries_by_falling_probability(probs):
    found = decode_industries(probs, DECODING)
    assert len(found) <= MAX_INDUSTRIES
    values = [probs[key] for key in found]
    assert values == sorted(values, reverse=True)
    assert all(value >= 0.5 for value in values)
    left_out = [p for key, p in probs.items() if key not in found and p >= 0.5]
    assert not left_out or (len(found) == MAX_INDUSTRIES and max(left_out) <= min(values))


def test_other_wins_over_every_label():
    probs = dict.fromkeys(TAXONOMY.activity, 0.9)
    main = dict.fromkeys(TAXONOMY.activity, 0.01) | {OTHER: 0.8}
    assert decode_activities(probs, main, DECODING) == [OTHER]


def test_a_label_on_its_threshold_is_doubtful_and_a_clear_one_is_not():
    activity = dict.fromkeys(TAXONOMY.activity, 0.01) | {"signing": 0.97}
    industry = dict.fromkeys(TAXONOMY.industry, 0.01)
    main = dict.fromkeys(TAXONOMY.activity, 0.0) | {"signing": 0.95, "business_talks": 0.05}
    assert not is_doubtful(activity, industry, main, DECODING)
    assert is_doubtful(activity | {"business_talks": 0.45}, industry, main, DECODING)
    assert is_doubtful(activity, industry | {"food": 0.55}, main, DECODING)
    assert is_doubtful(activity, industry, main | {"signing": 0.4}, DECODING)
    # The label that main decided, and activities beside other, decide nothing.
    assert not is_doubtful(activity | {"signing": 0.5}, industry, main, DECODING)
    outside = dict.fromkeys(TAXONOMY.activity, 0.0) | {OTHER: 0.9}
    assert not is_doubtful(activity | {"business_talks": 0.5}, industry, outside, DECODING)


def test_decoding_survives_its_json():
    assert Decoding.from_json(json.loads(json.dumps(DECODING.to_json())), TAXONOMY) == DECODING


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds": {}},
        {"thresholds": DECODING.thresholds | {"activity/signing": float("nan")}},
        {"thresholds": DECODING.thresholds | {"activity/signing": "0.5"}},
        {"temperature": {"activity": 1.0}},
        {"temperature": {"activity": 0.0, "industry": 1.0, "main": 1.0}},
        {"bias": {"activity": float("inf"), "industry": 0.0}},
        {"review_main": 2},
        {"more": 1},
    ],
)
def test_broken_decodings_are_refused(change):
    with pytest.raises(CheckpointRefused, match="decoding of the checkpoint"):
        Decoding.from_json(DECODING.to_json() | change, TAXONOMY)
