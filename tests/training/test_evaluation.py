"""Scores, intervals and the report: invented articles, a fake predictor in place of a checkpoint."""

import json

import numpy as np
import pytest

from data.errors import InputError, RecordError
from data.schema import Annotation, Article, Example, Facts, Outcomes
from models.result import InputReport, LabelScore, Result, Summary
from training.baselines import BaselinePrediction
from training.config import SYSTEMS
from training.evaluation import EvaluateConfig, describe_run, load_examples, run_evaluation, run_model, worst_articles
from training.floors import gold_hash
from training.reliability import brier_score, equal_mass_error, expected_calibration_error, reliability_bins
from training.report import append_experiment, interval_table, markdown_report, markdown_table, portable_command, provenance, summary_table
from training.scoring import evaluate_predictions, load_metric, macro_f1, ratio

ROWS = [
    ("n1", "青禾县签约8个项目", "5月8日，青禾县举行签约仪式，8个食品项目集中签约，总投资30亿元。", ["signing"], ["food"], "5月8日，青禾县集中签约8个食品项目，总投资30亿元。", Facts(8, 30.0)),
    ("n2", None, "林溪区与明川集团举行座谈会，双方就芯片项目洽谈。", ["business_talks"], ["electronics"], "林溪区与明川集团举行座谈会，就芯片项目洽谈。", Facts()),
    ("n3", "暴雨预警", "市气象台发布暴雨预警，预计周日有大雨。", ["other"], [], "市气象台发布暴雨预警，预计周日有大雨。", Facts()),
    ("n4", "电池项目开工", "云岭开发区电池项目开工，总投资12亿元。", ["project_progress", "signing"], ["new_energy"], "云岭开发区总投资12亿元的电池项目开工。", Facts(None, None, 1, 12.0)),
]  # fmt: skip


def examples():
    return [Example(Article(id, text, title), Annotation(id, tuple(a), tuple(i), summary, facts)) for id, title, text, a, i, summary, facts in ROWS]


def gold_predictions(rows):
    return [BaselinePrediction(e.article.id, e.annotation.activity, e.annotation.industry, e.annotation.summary, e.annotation.facts) for e in rows]


class FakePredictor:
    """Answers with the gold, but fails on one article and copies its text as the summary of another."""

    tag = {"classifier": "fake@1", "summarizer": "fake@1", "taxonomy": 1}  # noqa: RUF012

    def __init__(self, gold, broken=()):
        self.gold = {e.article.id: e.annotation for e in gold}
        self.broken = broken
        self.batches = []

    def analyze(self, articles, options):
        assert options.probs == "all"
        self.batches.append(len(articles))
        return [self._one(a) for a in articles]

    def _one(self, article):
        if article.id in self.broken:
            return RecordError("model_failed", "no luck", id=article.id)
        gold = self.gold[article.id]
        return Result(
            article.id,
            InputReport(10, 10, 10, ()),
            dict(self.tag),
            tuple(LabelScore(key, key, 0.9) for key in gold.activity),
            tuple(LabelScore(key, key, 0.9) for key in gold.industry),
            Summary(gold.summary, "abstractive" if article.title else "extractive"),
            Outcomes(gold.facts),
            ("low_confidence",) if article.title is None else (),
            {"activity": {"signing": 0.9, "other": 0.1}, "industry": {"food": 0.5}},
            main_prob=0.9,
        )


# scores ---------------------------------------------------------------------------------------------------------


def test_gold_scores_one_everywhere():
    report = evaluate_predictions(examples(), gold_predictions(examples()), resamples=50)
    assert report["activity"]["micro_f1"] == report["activity"]["macro_f1"] == report["activity"]["main_accuracy"] == 1.0
    assert report["industry"]["micro_f1"] == report["facts"]["f1"] == 1.0
    assert report["summary"]["rouge1"] == report["summary"]["rougeL"] == report["summary"]["figure_recall"] == 1.0
    assert report["intervals"]["activity_micro_f1"] == [1.0, 1.0]


def test_questions_that_are_not_answered_have_no_section():
    labels_only = [BaselinePrediction(id, ("other",), ()) for id, *_ in ROWS]
    assert set(evaluate_predictions(examples(), labels_only, resamples=10)) == {"activity", "industry", "intervals"}
    summaries_only = [BaselinePrediction(id, summary="签约8个项目。") for id, *_ in ROWS]
    assert set(evaluate_predictions(examples(), summaries_only, resamples=10)) == {"summary", "intervals"}


def test_a_question_left_open_once_counts_as_answered_with_nothing():
    rows = gold_predictions(examples())
    rows[0] = BaselinePrediction("n1")
    report = evaluate_predictions(examples(), rows, resamples=10)
    assert report["activity"]["main_accuracy"] == 0.75
    assert report["summary"]["rougeL"] == 0.75
    assert report["facts"]["recall"] == 0.5
    assert report["facts"]["precision"] == 1.0


def test_a_figure_the_article_has_not_costs_precision_even_where_rouge_hardly_moves():
    rows = gold_predictions(examples())
    rows[0] = BaselinePrediction("n1", ("signing",), ("food",), ROWS[0][5].replace("亿", "万"), Facts())
    report = evaluate_predictions(examples(), rows, resamples=10)
    assert report["summary"]["rougeL"] > 0.98
    assert report["summary"]["figure_precision"] < 1.0
    assert report["summary"]["figure_recall"] < 1.0


def test_figures_of_the_title_are_supported():
    row = Example(Article("t", "签约仪式今天举行。", "青禾县签约8个项目"), Annotation("t", ("signing",), (), "青禾县签约8个项目。"))
    report = evaluate_predictions([row], gold_predictions([row]), resamples=10)
    assert report["summary"]["figure_precision"] == 1.0


@pytest.mark.parametrize("wrong", [[], [BaselinePrediction("x")] * 4, None])
def test_predictions_of_other_articles_are_refused(wrong):
    predictions = list(reversed(gold_predictions(examples()))) if wrong is None else wrong
    with pytest.raises(ValueError, match="one prediction for each of 4"):
        evaluate_predictions(examples(), predictions)


def test_no_articles_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        evaluate_predictions([], [])


# intervals ------------------------------------------------------------------------------------------------------


def random_labels(rng, n):
    keys = np.array(["signing", "other", "business_talks", "expo_forum"])
    return [tuple(keys[rng.random(4) < 0.4]) for _ in range(n)]


def test_statistics_of_the_sample_are_the_metrics():
    rng = np.random.default_rng(3)
    gold, ours = random_labels(rng, 60), random_labels(rng, 60)
    keys = ["signing", "other", "business_talks", "expo_forum", "work_meeting"]
    scores = load_metric("multilabel").compute(predictions=[list(r) for r in ours], references=[list(r) for r in gold], labels=keys)
    truth, claims = (np.array([[key in row for key in keys] for row in rows], float) for rows in (gold, ours))
    right, once = truth * claims, np.ones((1, 60))
    assert ratio(2 * right.sum(1), (truth + claims).sum(1))(once)[0] == pytest.approx(scores["micro_f1"])
    assert macro_f1(right, claims, truth)(once)[0] == pytest.approx(scores["macro_f1"])


def test_interval_covers_the_score_and_narrows_with_more_articles():
    rng = np.random.default_rng(5)

    def report_of(n):
        rows = [
            Example(Article(str(i), "签约。"), Annotation(str(i), labels or ("other",), (), "签约。"))
            for i, labels in enumerate(random_labels(rng, n))
        ]
        return evaluate_predictions(rows, [BaselinePrediction(str(i), labels) for i, labels in enumerate(random_labels(rng, n))], resamples=400)

    few, many = report_of(20), report_of(500)
    for report in (few, many):
        low, high = report["intervals"]["activity_micro_f1"]
        assert low <= report["activity"]["micro_f1"] <= high
    assert np.diff(many["intervals"]["activity_micro_f1"]) < np.diff(few["intervals"]["activity_micro_f1"]) / 2


def test_intervals_repeat():
    rows = [BaselinePrediction(id, ("other",), ()) for id, *_ in ROWS]
    assert evaluate_predictions(examples(), rows) == evaluate_predictions(examples(), rows)


def test_statistic_without_support_is_a_number():
    assert ratio([0, 0], [0, 0])(np.ones((1, 2)))[0] == 1.0
    assert macro_f1(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3)))(np.ones((1, 2)))[0] == 0.0


@pytest.mark.parametrize(
    ("probs", "correct", "error"),
    [([0.8] * 10, [True] * 8 + [False] * 2, 0.0), ([1.0] * 4, [True, True, False, False], 0.5), ([0.0, 1.0], [False, True], 0.0), ([], [], 0.0)],
)
def test_calibration_error(probs, correct, error):
    assert expected_calibration_error(np.array(probs), np.array(correct, bool)) == pytest.approx(error)


def test_bins_of_equal_mass_hold_as_many_pairs_each_and_all_of_them():
    rng = np.random.default_rng(2)
    probs = rng.random(1000) ** 4
    bins = reliability_bins(probs, rng.random(1000) < probs, 15)
    assert sum(n for *_, n in bins) == 1000
    assert {n for *_, n in bins} <= {66, 67}
    assert [confidence for confidence, *_ in bins] == sorted(confidence for confidence, *_ in bins)


def test_errors_hidden_in_one_wide_bin_are_seen_in_bins_of_equal_mass():
    probs = np.concatenate([np.full(50, 0.2), np.full(50, 0.05)])
    correct = np.concatenate([np.zeros(50), np.ones(50)])  # the unlikely ones came true
    assert equal_mass_error(probs, correct, 2) == pytest.approx((0.95 + 0.2) / 2)
    assert equal_mass_error(np.zeros(0), np.zeros(0)) == 0.0
    assert len(reliability_bins(np.array([0.4, 0.6]), np.array([0, 1]))) == 2


def test_the_brier_score_is_the_mean_squared_distance():
    assert brier_score(np.array([1.0, 0.0, 0.5]), np.array([True, False, True])) == pytest.approx(0.25 / 3)
    assert brier_score(np.zeros(0), np.zeros(0)) == 0.0


# the model ------------------------------------------------------------------------------------------------------


def test_run_model_describes_the_checkpoint():
    run = run_model(FakePredictor(examples()), examples())
    about = describe_run(run, examples())
    assert run.predictions(examples()) == gold_predictions(examples())
    assert (about["n_failed"], about["review_needed"], about["abstractive"], about["ungrounded"]) == (0, 0.25, 0.75, 0.0)
    assert about["ece"]["main"] == pytest.approx(0.1)
    assert about["ece"]["industry"] == pytest.approx(0.25)  # 0.5 for food, right once in four
    assert about["ms_per_article"] >= 0
    assert about["trusted"] == {"share": 0.75, "main_accuracy": 1.0}
    assert about["review_reasons"] == {"low_confidence": 1}
    assert about["equal_mass_ece"]["main"] == pytest.approx(0.1)
    assert about["brier"]["main"] == pytest.approx(0.01)


def test_an_article_that_failed_counts_as_wrong():
    run = run_model(FakePredictor(examples(), broken={"n3"}), examples())
    assert describe_run(run, examples())["n_failed"] == 1
    report = evaluate_predictions(examples(), run.predictions(examples()), resamples=10)
    assert report["activity"]["main_accuracy"] == 0.75
    assert report["summary"]["rougeL"] == 0.75


def test_articles_go_in_batches():
    rows = examples() * 5
    predictor = FakePredictor(examples())
    run_model(predictor, rows)
    assert predictor.batches == [16, 4]


def test_worst_articles_come_first():
    rows = gold_predictions(examples())
    rows[2] = BaselinePrediction("n3", ("signing",), ("food",), "签约。", Facts())
    worst = worst_articles(examples(), rows)
    assert worst[0]["id"] == "n3"
    assert [row["score"] for row in worst[1:]] == [1.0, 1.0, 1.0]


# the run and its report -----------------------------------------------------------------------------------------


def write_folder(folder):
    folder.mkdir()
    articles = [{"id": id, "title": title, "text": text} for id, title, text, *_ in ROWS]
    gold = [{"id": id, "activity": a, "industry": i, "summary": s, "facts": f.to_json()} for id, _, _, a, i, s, f in ROWS]
    for name, rows in (("articles", articles), ("gold", gold)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return folder


def write_annotated(path, prefix="", opening=""):
    keys = ("activity", "industry", "summary")
    rows = [
        {"id": prefix + row[0], "title": row[1], "text": opening + row[2], **dict(zip(keys, row[3:6], strict=True)), "facts": row[6].to_json()}
        for row in ROWS
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def report(tmp_path, monkeypatch):
    monkeypatch.setattr("training.evaluation.Predictor.load", lambda checkpoint, device: FakePredictor(examples()))
    monkeypatch.setattr("sys.argv", ["training/__main__.py", "evaluate", "--data", "real"])
    train = write_annotated(tmp_path / "train.jsonl", prefix="train-", opening="本报讯 ")
    config = EvaluateConfig(data=write_folder(tmp_path / "real"), train=str(train), json=tmp_path / "out" / "report.json", worst=2)
    return run_evaluation(config)


def test_run_evaluation_scores_all_systems(report, tmp_path):
    assert list(report["systems"]) == list(SYSTEMS)
    assert (report["n_articles"], report["n_train"]) == (4, 4)
    assert report["systems"]["model"]["activity"]["micro_f1"] == 1.0
    assert "summary" not in report["systems"]["tfidf"]
    assert "activity" not in report["systems"]["lead2"]
    assert len(report["worst"]) == 2
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8")) == report


@pytest.mark.parametrize("changes", [{"opening": "本报讯 "}, {"prefix": "train-"}], ids=["same id", "same text"])
def test_articles_under_evaluation_are_not_trained_on(tmp_path, changes):
    train = write_annotated(tmp_path / "train.jsonl", **changes)
    config = EvaluateConfig(data=write_folder(tmp_path / "real"), train=str(train), systems="majority")
    report = run_evaluation(config)
    assert report["n_train"] == 0
    assert report["systems"]["majority"]["activity"]["main_accuracy"] == 0.25  # other: nothing was learnt


def test_a_limit_takes_the_first_articles(tmp_path):
    train = write_annotated(tmp_path / "train.jsonl", prefix="train-", opening="本报讯 ")
    report = run_evaluation(EvaluateConfig(data=write_annotated(tmp_path / "gold.jsonl"), train=str(train), systems="keywords,lead2", limit=3))
    assert report["n_articles"] == 3


def test_data_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        load_examples(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"articles\.jsonl and gold\.jsonl"):
        load_examples(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"systems": "model,guesses"}, "'guesses' is not one of"),
        ({"systems": " "}, "empty"),
        ({"limit": -1}, "limit must be 0"),
        ({"systems": "tfidf", "report": "page.html"}, "report needs the system model"),
        ({"systems": "tfidf", "pin": "real"}, "pin needs the system model"),
    ],
)
def test_wrong_fields_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        EvaluateConfig(data="real", **fields)


def test_tables_have_a_row_for_each_system(report):
    lines = markdown_table(report).split("\n")
    assert len(lines) == 2 + len(SYSTEMS)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| model | 1.000 |")
    assert lines[6].startswith("| lead1 | – |")
    assert len(interval_table(report).split("\n")) == 2 + len(SYSTEMS)
    written = summary_table(report).split("\n")
    assert [line.split(" | ")[0] for line in written[2:]] == ["| model", "| lead1", "| lead2", "| lead3", "| textrank", "| rules"]
    assert summary_table({"systems": {"tfidf": {}}}) == ""


def test_the_report_says_where_its_numbers_come_from(report):
    text = markdown_report(report)
    assert "python -m training evaluate --data real" in text
    assert report["gold_sha256"] == gold_hash(examples())
    assert report["gold_sha256"][:16] in text
    assert "fake@1" in text


def test_experiments_are_appended(report, tmp_path):
    path = tmp_path / "EXPERIMENTS.md"
    append_experiment(path, report, "first run", "Wider model.")
    append_experiment(path, report, "second run")
    text = path.read_text("utf-8")
    assert text.startswith("# Experiments\n\n## ")
    assert text.index("first run") < text.index("Wider model.") < text.index("second run")
    assert text.count("\n## ") == 2


def test_the_command_says_nothing_of_the_machine(tmp_path):
    command = portable_command([str(tmp_path / "training" / "__main__.py"), "evaluate", "--data", str(tmp_path), "--limit", "3"])
    assert command.startswith("python -m training evaluate --data ../")
    assert command.endswith("--limit 3")


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance()["commit"] == "unknown"
