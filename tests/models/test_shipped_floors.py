"""The shipped checkpoint holds its quality floors: on the written test articles anywhere, on the real ones where they are at hand."""

import pytest

from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from tests.conftest import ROOT
from training.dataset import read_splits
from training.evaluation import load_examples, run_model
from training.floors import check_floors, gold_hash, read_floors
from training.scoring import evaluate_predictions

REAL = ROOT.parent / "shared" / "real"
pytestmark = pytest.mark.slow


def examples_of(name):
    if name == "real":
        if not REAL.is_dir():
            pytest.skip("needs ../shared/real")
        return load_examples(REAL)
    return read_splits(str(ROOT / "data" / "annotations"), None, 0.2).tests[name]


@pytest.mark.parametrize("name", sorted(read_floors()))
def test_the_shipped_checkpoint_is_not_below_its_floors(name):
    examples = examples_of(name)
    run = run_model(Predictor.load(DEFAULT_CHECKPOINT, "cpu"), examples)
    scores = evaluate_predictions(examples, run.predictions(examples), resamples=10)
    report = {"gold_sha256": gold_hash(examples), "n_articles": len(examples), "systems": {"model": scores}}
    assert check_floors(report, read_floors()) == (name, [])
