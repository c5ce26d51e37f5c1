"""Fitting the choice of clauses on invented articles; the classifier is a fake that knows the labels."""

import json
from dataclasses import replace

import numpy as np
import pytest

from data.schema import Annotation, Article, Example, Facts
from data.taxonomy import load_taxonomy
from models.registry import open_checkpoint
from models.result import InputReport, LabelScore, Result
from models.selector import ClauseSelector
from training.config import SelectionConfig
from training.finetune_selection import finetune_selection, fit_selector, material_of, measure, measure_rules

TAXONOMY = load_taxonomy()
PLACES = ("临川县", "南山区", "高安市", "江北新区", "长治市", "东营市", "桐城市", "合川区")


def article(number):
    """Return an article whose outcome stands behind talk, in one of two orders, and the summary of it."""
    place, n, amount = PLACES[number % 8], 3 + number % 17, 20 + number % 31
    outcome = f"{place}举行项目签约仪式，现场签约项目{n}个，总投资{amount}亿元。"
    talk = "与会人员表示，大家要抢抓机遇，真抓实干，争创一流。"
    rest = "天气晴好，彩旗飘扬，群众纷纷前来观看，现场气氛十分热烈。"
    parts = [talk, outcome, rest] if number % 2 else [rest, talk, outcome]
    return Example(
        Article(f"a{number}", "".join(parts), None),
        Annotation(f"a{number}", ("signing",), (), f"{place}举行项目签约仪式，现场签约项目{n}个，总投资{amount}亿元。", Facts(n, float(amount))),
    )


class Knowing:
    def analyze(self, articles, options):
        return [Result(a.id, InputReport(1, 1, 1, ()), {}, (LabelScore("signing", "", 0.9),), ()) for a in articles]


def test_a_selector_learns_what_annotators_take():
    train, rest = ([material_of(article(i), ["signing"]) for i in numbers] for numbers in (range(80), range(200, 230)))
    linear, selector = fit_selector(train, TAXONOMY, 20, 1)
    assert linear.trees is None
    for made in (linear, selector):
        scores = measure(rest, replace(made, length=40.0), TAXONOMY)
        assert scores["rougeL"] > measure_rules(rest)["rougeL"] + 0.1
        assert scores["key_figure_recall"] > 0.9


def test_targets_are_the_shares_of_a_clause_that_the_summary_holds():
    material = material_of(article(0), ["signing"])
    by_clause = dict(zip([c.core for c in material.clauses], material.targets, strict=True))
    assert by_clause["临川县举行项目签约仪式"] == by_clause["现场签约项目3个"] == 1.0
    assert by_clause["彩旗飘扬"] == 0.0
    assert material.weights.max() <= 2.0


def test_a_fitted_selector_is_a_checkpoint_with_figures_beside_the_rules(tmp_path, monkeypatch):
    monkeypatch.setattr("training.finetune_selection.Predictor.load", lambda checkpoint, device: Knowing())
    data = tmp_path / "annotations"
    data.mkdir()
    rows = []
    for example in (article(i) for i in range(80)):
        a = example.annotation
        rows.append(
            {
                "id": a.id, "title": None, "text": example.article.text, "activity": ["signing"], "industry": [], "summary": a.summary, "facts": a.facts.to_json(),
                "source": None, "url": None, "published": None,
            }
        )  # fmt: skip
    (data / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    folder = tmp_path / "selection"
    manifest = finetune_selection(SelectionConfig(data=str(data), output=folder, trees=5))
    assert open_checkpoint(folder, "selection").sha256 == manifest.sha256
    figures = manifest.metrics["development"]
    assert set(figures) == {"rules", "linear", "selector"}
    assert figures["selector"]["rougeL"] >= figures["rules"]["rougeL"]
    loaded = ClauseSelector.load(folder)
    assert (loaded.length, loaded.figure_bonus) == pytest.approx((manifest.decoding["length"], manifest.decoding["figure_bonus"]))
    material = material_of(article(5), ["signing"])
    assert loaded.summarize(material.text, None, material.outcomes, ["signing"], TAXONOMY).endswith(material.summary)
    assert np.isfinite(loaded.weights).all()
    assert "临川" not in (folder / "README.md").read_text("utf-8")
