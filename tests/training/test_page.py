"""The HTML page of an evaluation and the slices on it."""

import dataclasses
import re

from data.errors import RecordError
from tests.training.test_evaluation import FakePredictor, examples, gold_predictions
from training.evaluation import describe_run, run_model, worst_articles
from training.page import write_page
from training.scoring import evaluate_predictions
from training.slices import SMALLEST, confusion_of, score_slices, slices_of

KEYS = ["signing", "business_talks", "project_progress", "other"]


def made(n=3):
    """Return n copies of the invented articles under ids of their own, of two sources and years."""
    rows = []
    for copy in range(n):
        for e in examples():
            id = f"{e.article.id}-{copy}"
            article = dataclasses.replace(e.article, id=id, source="甲报" if copy else None, published=f"202{copy}-05-01")
            rows.append(dataclasses.replace(e, article=article, annotation=dataclasses.replace(e.annotation, id=id)))
    return rows


def report_of(rows, run):
    system = evaluate_predictions(rows, run.predictions(rows), resamples=20) | describe_run(run, rows) | {"tag": FakePredictor.tag}
    return {
        "date": "2026-01-01", "commit": "abc", "command": "python -m training evaluate", "gold_sha256": "f" * 64, "n_articles": len(rows), "n_train": 0,
        "systems": {"model": system}, "slices": score_slices(rows, run.predictions(rows), run.results), "floors": {"name": "made", "below": ["x 0.1, floor 0.2"]},
    }  # fmt: skip


def test_the_page_is_one_file_with_every_part_and_no_text_of_an_article(tmp_path):
    rows = made()
    run = run_model(FakePredictor(rows, broken={"n2-0"}), rows)
    write_page(tmp_path / "page.html", report_of(rows, run), rows, run.predictions(rows), run.results)
    page = (tmp_path / "page.html").read_text("utf-8")
    for part in ("fake@1", "<svg", "Reliability", "Slices", "Worst articles", "n2-0", "x 0.1, floor 0.2", "项目签约", "甲报"):
        assert part in page
    assert not re.search(r"(src|href)=\"(?!#)", page)  # nothing is fetched
    assert not any(e.article.text in page or e.annotation.summary in page for e in rows)


def test_names_from_outside_are_escaped(tmp_path):
    rows = [dataclasses.replace(e, article=dataclasses.replace(e.article, source="<script>alert(1)</script>")) for e in made()]
    run = run_model(FakePredictor(rows), rows)
    write_page(tmp_path / "page.html", report_of(rows, run), rows, run.predictions(rows), run.results)
    assert "<script>" not in (tmp_path / "page.html").read_text("utf-8")


def test_slices_hold_the_articles_they_name_and_small_ones_are_left_out():
    rows = made()
    run = run_model(FakePredictor(rows), rows)
    found = {(row["kind"], row["value"]): row for row in score_slices(rows, run.predictions(rows), run.results)}
    assert found["source", "甲报"]["n"] == SMALLEST == 8
    assert ("source", "unknown") not in found  # four articles
    assert found["length", "0 to 300 characters"]["n"] == 12
    assert found["length", "0 to 300 characters"]["activity_micro_f1"] == 1.0


def test_an_article_that_failed_has_no_slices_of_its_result():
    (row, *_) = examples()
    assert {kind for kind, _ in slices_of(row, RecordError("model_failed", "no luck", id=row.article.id))} == {"length", "source", "year"}


def test_the_confusion_table_counts_every_article_once():
    rows = examples()
    predictions = gold_predictions(rows)
    predictions[0] = dataclasses.replace(predictions[0], activity=("other",))
    predictions[1] = dataclasses.replace(predictions[1], activity=())
    table = confusion_of(rows, predictions, KEYS)
    assert sum(map(sum, table)) == 4
    assert table[0][3] == 1  # signing called other
    assert table[1][4] == 1  # talks without answer
    assert worst_articles(rows, predictions)[0]["id"] in ("n1", "n2")
