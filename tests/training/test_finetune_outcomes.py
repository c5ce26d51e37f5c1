"""Fitting the ranker of facts on invented articles; the classifier is a fake that knows the labels."""

import json

import numpy as np
import pytest

from data.schema import Annotation, Article, Example, Facts
from models.factrank import FACTS, FactRanker
from models.registry import open_checkpoint
from models.result import InputReport, LabelScore, Result
from training.config import OutcomesConfig
from training.finetune_outcomes import candidates_of, finetune_outcomes, fit_ranker


def article(number):
    """Return an article with a signed batch and one of earlier years, in one of two orders, and its facts."""
    signed, past, amount = 3 + number % 17, 40 + number % 23, 20 + number % 31
    parts = [f"会上{signed}个项目签约，总投资{amount}亿元。", f"五年来累计引进项目{past}个，到位资金{past * 3}亿元。"]
    text = "某县举行签约活动。" + "".join(parts if number % 2 else parts[::-1])
    return Example(
        Article(f"a{number}", text, None),
        Annotation(f"a{number}", ("signing",), (), f"某县{signed}个项目签约，总投资{amount}亿元。" * 2, Facts(signed, float(amount))),
    )


class Knowing:
    def analyze(self, articles, options):
        return [Result(a.id, InputReport(1, 1, 1, ()), {}, (LabelScore("signing", "", 0.9),), ()) for a in articles]


def test_a_ranker_learns_which_figure_is_meant():
    train, rest = [article(i) for i in range(60)], [article(i) for i in range(100, 130)]
    ranker = fit_ranker([candidates_of(e, ["signing"]) for e in train], [e.annotation.facts for e in train], 1.0)
    said = [ranker.choose(candidates_of(e, ["signing"]))[0] for e in rest]
    assert said == [e.annotation.facts for e in rest]


def test_a_fact_that_no_article_has_is_never_claimed(caplog):
    train = [article(i) for i in range(20)]
    ranker = fit_ranker([candidates_of(e, ["signing"]) for e in train], [e.annotation.facts for e in train], 1.0)
    found = candidates_of(train[0], ["signing"])
    assert ranker.choose(found)[0].total_projects is None
    assert ranker.probs("total_projects", found["total_projects"]).max() < 0.01
    assert "nothing can be learnt" in caplog.text


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setattr("training.finetune_outcomes.Predictor.load", lambda checkpoint, device: Knowing())
    data = tmp_path / "annotations"
    data.mkdir()
    rows = []
    for example in (article(i) for i in range(80)):
        a = example.annotation
        rows.append(
            {
                "id": a.id,
                "title": None,
                "text": example.article.text,
                "activity": list(a.activity),
                "industry": [],
                "summary": a.summary,
                "facts": a.facts.to_json(),
            }
        )
    (data / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    splits = {"development": [f"a{i}" for i in range(60, 70)], "test": [f"a{i}" for i in range(70, 80)]}
    (data / "splits.json").write_text(json.dumps(splits), "utf-8")
    return finetune_outcomes(OutcomesConfig(data=str(data), output=tmp_path / "outcomes")), tmp_path / "outcomes"


def test_a_checkpoint_is_written_measured_and_documented(made):
    manifest, folder = made
    assert open_checkpoint(folder, "outcomes").sha256 == manifest.sha256
    assert manifest.metrics["test"]["ranker"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert set(manifest.metrics["development"]) == {"rules", "ranker"}
    ranker = FactRanker.load(folder)
    assert len(set(ranker.thresholds.tolist())) == 1
    assert float(ranker.thresholds[0]) == pytest.approx(manifest.decoding["threshold"])
    card = (folder / "README.md").read_text("utf-8")
    for part in (manifest.tag, "## Data", "## Limits", str(manifest.config["n_train"])):
        assert part in card
    assert ranker.weights.shape[0] == len(FACTS)
    assert np.array_equal(ranker.weights.astype(np.float16).astype(np.float32), ranker.weights)  # as measured, so served
