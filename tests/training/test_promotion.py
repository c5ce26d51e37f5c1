"""Promotion and rollback, with folders of real manifests and a predictor that answers by the version it finds in place."""

import dataclasses
import json

import pytest

from data.errors import CheckpointRefused
from data.taxonomy import load_taxonomy
from models.registry import MANIFEST, Manifest, label_names, save_checkpoint
from tests.training.test_evaluation import FakePredictor, examples, write_annotated
from training.config import PromoteConfig, RollbackConfig
from training.promotion import promote, rollback

COPIES = 12  # of each invented article: enough for a bootstrap to decide


def checkpoint(folder, version, kinds=("classifier", "summarizer")):
    """Write a checkpoint without weights: what promotion moves about."""

    def write(kind):
        labels = {"id2label": dict(enumerate(label_names(load_taxonomy())))} if kind == "classifier" else {}
        config = {"model_type": "bert" if kind == "classifier" else "t5", **labels}
        return lambda target: (target / "config.json").write_text(json.dumps(config), "utf-8")

    for kind in kinds:
        save_checkpoint(folder / kind, Manifest(kind, f"made-{kind}", version, load_taxonomy(), 1, {}), write(kind), "card")
    return folder


class VersionedPredictor(FakePredictor):
    """Version 2 knows the gold; version 1 takes one article for something else; version 0 all of them."""

    def __init__(self, version):
        super().__init__(examples())
        self.gold = {f"{id}-{i}": dataclasses.replace(gold, id=f"{id}-{i}") for id, gold in self.gold.items() for i in range(COPIES)}
        self.wrong = {"0": set(self.gold), "1": {f"n1-{i}" for i in range(COPIES)}, "2": set()}[version]

    def _one(self, article):
        result = super()._one(article)
        if article.id not in self.wrong:
            return result
        return dataclasses.replace(result, activity=(dataclasses.replace(result.activity[0], label="policy_release"),))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr("models.registry.CLEAN_VERSION", 1)
    monkeypatch.setattr("training.promotion.read_floors", dict)
    monkeypatch.setattr("training.promotion.Predictor.load", lambda folder, device: VersionedPredictor(version_of(folder)))
    path = tmp_path / "gold.jsonl"
    for i in range(COPIES):
        write_annotated(tmp_path / f"part-{i}.jsonl", opening="")
        lines = (tmp_path / f"part-{i}.jsonl").read_text("utf-8").splitlines()
        rows = [{**json.loads(line), "id": f"{json.loads(line)['id']}-{i}"} for line in lines]
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path


def version_of(folder):
    return json.loads((folder / "classifier" / MANIFEST).read_text("utf-8"))["version"]


def test_a_better_one_takes_the_place_and_the_old_one_comes_back(tmp_path, data):
    place = checkpoint(tmp_path / "place", "1")
    row = promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "2"), data=data, place=place))
    assert version_of(place) == "2"
    assert row["differences"]["main_accuracy"][0] == pytest.approx(0.25)
    assert (row["now"]["classifier"], row["before"]["classifier"]) == ("made-classifier@2", "made-classifier@1")
    assert rollback(RollbackConfig(place=place))["now"]["classifier"] == "made-classifier@1"
    assert version_of(place) == "1"
    assert version_of(tmp_path / "candidate") == "2"  # copied, not moved
    history = [json.loads(line) for line in (tmp_path / "place.previous" / "history.jsonl").read_text("utf-8").splitlines()]
    assert [line["did"] for line in history] == ["promote", "rollback"]
    with pytest.raises(CheckpointRefused, match="no earlier checkpoint"):
        rollback(RollbackConfig(place=place))


def test_one_that_loses_is_refused_and_leaves_everything_as_it_was(tmp_path, data):
    place = checkpoint(tmp_path / "place", "2")
    with pytest.raises(CheckpointRefused, match="loses main_accuracy"):
        promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "0"), data=data, place=place))
    assert version_of(place) == "2"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["candidate", "place"]


def test_a_refusal_is_overridden_only_with_a_reason_that_is_kept(tmp_path, data):
    place = checkpoint(tmp_path / "place", "2")
    row = promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "0"), data=data, place=place, despite="the other one leaks"))
    assert version_of(place) == "0"
    assert any(finding.startswith("loses main_accuracy") for finding in row["findings"])
    assert row["despite"] == "the other one leaks"


def test_one_below_the_floors_is_refused(tmp_path, data, monkeypatch):
    from training.evaluation import load_examples
    from training.floors import gold_hash

    entry = {"gold_sha256": gold_hash(load_examples(data)), "articles": 48, "floors": {"main_accuracy": 0.9}}
    monkeypatch.setattr("training.promotion.read_floors", lambda: {"made": entry})
    with pytest.raises(CheckpointRefused, match=r"below the floors of made: main_accuracy 0\.750, floor 0\.900"):
        promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "1"), data=data, place=tmp_path / "place"))
    assert not (tmp_path / "place").exists()
    promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "2"), data=data, place=tmp_path / "place"))
    assert version_of(tmp_path / "place") == "2"


def test_a_candidate_with_one_part_keeps_the_other_that_is_in_place(tmp_path, data):
    place = checkpoint(tmp_path / "place", "1")
    promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "2", kinds=("classifier",)), data=data, place=place))
    assert version_of(place) == "2"
    assert json.loads((place / "summarizer" / MANIFEST).read_text("utf-8"))["version"] == "1"


def test_a_promotion_killed_between_its_renames_is_taken_back(tmp_path, data):
    place = checkpoint(tmp_path / "place", "1")
    promote(PromoteConfig(checkpoint=checkpoint(tmp_path / "candidate", "2"), data=data, place=place))
    place.rename(tmp_path / "place.previous" / "0002")  # where a second promotion was killed
    with pytest.raises(CheckpointRefused, match="none of classifier/"):
        promote(PromoteConfig(checkpoint=tmp_path / "nothing", data=data, place=place))
    assert version_of(place) == "2"


def test_a_changed_candidate_is_refused(tmp_path, data):
    candidate = checkpoint(tmp_path / "candidate", "2")
    (candidate / "classifier" / "config.json").write_text("{}")
    with pytest.raises(CheckpointRefused, match="has changed"):
        promote(PromoteConfig(checkpoint=candidate, data=data, place=tmp_path / "place"))
