"""The taxonomy file, the rules of one annotation's labels, and the object a checkpoint carries."""

import json

import pytest

from data.errors import UnknownLabel
from data.taxonomy import Taxonomy, load_taxonomy

TAXONOMY = load_taxonomy()


def test_every_label_has_a_name_and_a_definition():
    assert (len(TAXONOMY.activity), len(TAXONOMY.industry)) == (13, 19)
    for group in ("activity", "industry"):
        for key in TAXONOMY.group(group):
            assert TAXONOMY.name(group, key).strip() and TAXONOMY.means[f"{group}/{key}"].strip()
    assert len(set(TAXONOMY.names.values())) == 32
    assert TAXONOMY.name("activity", "signing") == "项目签约"


@pytest.mark.parametrize(
    ("activity", "industry"),
    [
        (["signing"], []),
        (["other"], ["food"]),
        (["signing", "business_talks", "inbound_visit", "expo_forum"], ["digital"]),
        (["signing"], list(TAXONOMY.industry[:8])),
    ],
)
def test_labels_by_the_guide_pass(activity, industry):
    TAXONOMY.check(activity, industry)


@pytest.mark.parametrize(
    ("activity", "industry", "said"),
    [
        ([], [], "1 to 4 activities, got 0"),
        (list(TAXONOMY.activity[:5]), [], "1 to 4 activities, got 5"),
        (["signing"], list(TAXONOMY.industry[:9]), "0 to 8 industries, got 9"),
        (["signing", "signing"], [], "twice"),
        (["signing"], ["food", "food"], "twice"),
        (["other", "signing"], [], "'other' stands beside"),
        (["signing", "other"], [], "'other' stands beside"),
    ],
)
def test_labels_against_the_guide_are_refused(activity, industry, said):
    with pytest.raises(ValueError, match=said):
        TAXONOMY.check(activity, industry)


def test_all_unknown_labels_are_named_with_the_nearest_known_one():
    with pytest.raises(UnknownLabel) as caught:
        TAXONOMY.check(["signings", "项目签约"], ["新能原", "zzzz"])
    assert caught.value.unknown == {"signings": "signing", "项目签约": "signing", "新能原": "new_energy", "zzzz": None}
    for label in ("signings", "项目签约", "新能原", "zzzz"):
        assert repr(label) in caught.value.message


def test_the_taxonomy_of_a_checkpoint_is_the_same_object_after_json():
    carried = Taxonomy.from_json(json.loads(json.dumps(TAXONOMY.to_json(), ensure_ascii=False)))
    assert carried == TAXONOMY and carried.sha256 == TAXONOMY.sha256


def test_the_hash_changes_with_a_name_and_with_the_order():
    renamed = Taxonomy.from_json({**TAXONOMY.to_json(), "names": {**TAXONOMY.names, "activity/signing": "签约"}})
    reordered = Taxonomy.from_json({**TAXONOMY.to_json(), "activity": list(reversed(TAXONOMY.activity))})
    assert len({TAXONOMY.sha256, renamed.sha256, reordered.sha256}) == 3


def test_an_incomplete_taxonomy_file_is_refused(tmp_path):
    path = tmp_path / "taxonomy.yaml"
    path.write_text("version: 1\nactivity:\n  signing: {zh: 项目签约}\nindustry: {}\n", "utf-8")
    with pytest.raises(ValueError, match="activity/signing"):
        load_taxonomy(path)
