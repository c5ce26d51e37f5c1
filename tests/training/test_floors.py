import dataclasses
import json

import pytest

from data.errors import InputError
from tests.training.test_evaluation import examples, gold_predictions
from training.floors import FIGURES, check_floors, figures_of, gold_hash, pin_floors, read_floors
from training.scoring import evaluate_predictions


@pytest.fixture
def report():
    scores = evaluate_predictions(examples(), gold_predictions(examples()), resamples=10)
    return {"gold_sha256": gold_hash(examples()), "n_articles": 4, "systems": {"model": scores}}


def test_the_hash_of_a_gold_set_is_of_its_annotations_in_any_order():
    rows = examples()
    assert gold_hash(rows) == gold_hash(rows[::-1])
    moved = dataclasses.replace(rows[0], article=dataclasses.replace(rows[0].article, source="elsewhere"))
    assert gold_hash([moved, *rows[1:]]) == gold_hash(rows)
    other = dataclasses.replace(rows[0], annotation=dataclasses.replace(rows[0].annotation, industry=()))
    assert gold_hash([other, *rows[1:]]) != gold_hash(rows)


def test_pinned_floors_hold_for_what_they_were_pinned_from_and_not_for_less(report, tmp_path):
    path = tmp_path / "floors.json"
    pin_floors(report, "made", path)
    assert check_floors(report, read_floors(path)) == ("made", [])
    report["systems"]["model"]["activity"]["micro_f1"] -= 0.01
    name, below = check_floors(report, read_floors(path))
    assert name == "made"
    assert below == ["activity_micro_f1 0.990, floor 0.995"]
    del report["systems"]["model"]["facts"]
    assert "fact_recall is not answered, floor 0.995" in check_floors(report, read_floors(path))[1]


def test_another_gold_set_has_no_floors(report, tmp_path):
    path = tmp_path / "floors.json"
    pin_floors(report, "made", path)
    assert check_floors({**report, "gold_sha256": "0"}, read_floors(path)) == (None, [])


def test_floors_rise_and_fall_only_where_that_is_said(report, tmp_path):
    path = tmp_path / "floors.json"
    high = pin_floors(report, "made", path)
    report["systems"]["model"]["activity"]["micro_f1"] = 0.5
    with pytest.raises(InputError, match=r"activity_micro_f1 from 0\.995 to 0\.495; --lower-floors"):
        pin_floors(report, "made", path)
    assert json.loads(path.read_text("utf-8"))["made"]["floors"] == high
    assert pin_floors(report, "made", path, lower=True)["activity_micro_f1"] == 0.495
    with pytest.raises(InputError, match="another gold set"):
        pin_floors({**report, "gold_sha256": "0"}, "made", path)


def test_every_figure_of_a_full_report_is_pinned(report):
    assert list(figures_of(report)) == [name for name, _, _ in FIGURES]


@pytest.mark.parametrize("text", ["{", "[]", '{"real": {"floors": {}}}', '{"real": 3}'])
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "floors.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"floors\.json"):
        read_floors(path)
    assert read_floors(tmp_path / "none.json") == {}
