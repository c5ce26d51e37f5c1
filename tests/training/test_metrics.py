"""The four ``evaluate`` modules: known pairs, agreement with slow definitions, loading without a network."""

import functools
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from training.metrics.facts.facts import count_fact
from training.metrics.figures.figures import count_figures
from training.metrics.rouge_zh.rouge_zh import lcs_length, rouge
from training.scoring import load_metric

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a metric reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


# rouge_zh -------------------------------------------------------------------------------------------------------


def test_identical_chinese_scores_one():
    scores = load_metric("rouge_zh").compute(predictions=["签约仪式圆满举行"], references=["签约仪式圆满举行"])
    assert scores == {"rouge1": 1.0, "rouge2": 1.0, "rougeL": 1.0}


def test_unrelated_sentences_with_the_same_digits_are_far_from_one():
    pair = {"predictions": ["今日气温12度，门票50元，欢迎选购"], "references": ["会议签约项目12个，总投资50亿元"]}
    assert all(value < 0.6 for value in load_metric("rouge_zh").compute(**pair).values())


def test_values_of_a_pair_counted_by_hand():
    # 签约3个 / 签约5个: 3 of 4 characters; bigrams 签约 of 签约,约3,3个; subsequence 签约个
    assert rouge("签约3个", "签约5个") == {"rouge1": 0.75, "rouge2": pytest.approx(1 / 3), "rougeL": 0.75}


@pytest.mark.parametrize(("ours", "gold"), [("", "签约5个项目。"), ("签约5个项目。", ""), ("", ""), (" \n", "签"), ("a", "签")])
def test_empty_or_short_text_scores_nothing(ours, gold):
    assert rouge(ours, gold) == {"rouge1": 0.0, "rouge2": 0.0, "rougeL": 0.0}


def test_a_single_character_has_no_bigrams():
    assert rouge("签", "签约") == {"rouge1": pytest.approx(2 / 3), "rouge2": 0.0, "rougeL": pytest.approx(2 / 3)}


def test_white_space_does_not_count():
    assert rouge("总投资 50\n亿元", "总投资50亿元")["rouge2"] == 1.0


def test_one_value_per_article_without_aggregate():
    scores = load_metric("rouge_zh").compute(predictions=["签约", "无"], references=["签约", "有"], aggregate=False)
    assert scores["rougeL"] == [1.0, 0.0]


def test_lcs_equals_the_table():
    rng = random.Random(4)

    def table(a, b):
        @functools.cache
        def best(i, j):
            if i == len(a) or j == len(b):
                return 0
            return 1 + best(i + 1, j + 1) if a[i] == b[j] else max(best(i + 1, j), best(i, j + 1))

        return best(0, 0)

    for _ in range(200):
        a, b = ("".join(rng.choices("签约项目亿元", k=rng.randrange(14))) for _ in range(2))
        assert lcs_length(a, b) == table(a, b) == lcs_length(b, a)


def test_lcs_of_long_texts_is_quick():
    a = "招商引资项目签约" * 2500
    assert lcs_length(a, a[::2]) == len(a) // 2


# multilabel -----------------------------------------------------------------------------------------------------


def test_multilabel_counts():
    scores = load_metric("multilabel").compute(predictions=[["a", "b"], ["b"], []], references=[["a"], ["b", "a"], []], labels=["a", "b", "c"])
    assert scores["micro_precision"] == pytest.approx(2 / 3)
    assert scores["micro_recall"] == pytest.approx(2 / 3)
    assert scores["micro_f1"] == pytest.approx(2 / 3)
    assert scores["per_label"]["a"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    assert scores["first_accuracy"] == 1.0


def test_macro_is_over_labels_with_support():
    scores = load_metric("multilabel").compute(predictions=[["a", "c"]], references=[["a"]], labels=["a", "b", "c"])
    assert scores["macro_f1"] == 1.0
    assert scores["micro_precision"] == 0.5


def test_first_label_is_the_main_one():
    scores = load_metric("multilabel").compute(predictions=[["a", "b"], ["b", "a"]], references=[["b", "a"], ["b", "a"]], labels=["a", "b"])
    assert scores["micro_f1"] == 1.0
    assert scores["first_accuracy"] == 0.5


# figures --------------------------------------------------------------------------------------------------------

SOURCE = "3月5日，临沂市兰山区举行签约仪式，集中签约项目12个，总投资50多亿元。"


@pytest.mark.parametrize(
    ("summary", "n_figures", "n_supported", "why"),
    [
        ("集中签约项目12个，总投资50多亿元。", 2, 2, "as the article has them"),
        ("集中签约项目12个，总投资50亿元。", 2, 1, "the qualifier is gone"),
        ("集中签约项目12个，总投资50多万元。", 2, 1, "ten thousand times too little"),
        ("集中签约项目12家，总投资５０多亿元。", 2, 1, "another measure word; full-width digits are the same figure"),
        ("签约12个项目，12个都已开工。", 1, 1, "said twice, counts once"),
        ("签约项目开工。", 0, 0, "no figure"),
    ],
)
def test_figures_of_a_summary(summary, n_figures, n_supported, why):
    counts = count_figures(summary, summary, SOURCE)
    assert (counts["n_figures"], counts["n_supported"]) == (n_figures, n_supported), why


def test_figure_precision_and_recall():
    scores = load_metric("figures").compute(
        predictions=["签约项目12个。", "开工8个项目。"],
        references=["签约项目12个，总投资50多亿元。", "开工9个项目。"],
        sources=[SOURCE, "开工9个项目。"],
    )
    assert scores["precision"] == 0.5
    assert scores["recall"] == pytest.approx(1 / 3)


def test_no_figures_are_no_error():
    scores = load_metric("figures").compute(predictions=[""], references=["双方座谈。"], sources=["双方座谈。"])
    assert (scores["precision"], scores["recall"]) == (1.0, 1.0)


# facts ----------------------------------------------------------------------------------------------------------


def facts(signed=None, amount=None, total=None, total_amount=None):
    return {"signed_projects": signed, "signed_amount": amount, "total_projects": total, "total_amount": total_amount}


@pytest.mark.parametrize(
    ("ours", "gold", "expected"),
    [
        (7, 7.0, (1, 1, 1)),
        (160.0000001, 160, (1, 1, 1)),
        (160.1, 160, (0, 1, 1)),
        (None, 7, (0, 0, 1)),
        (7, None, (0, 1, 0)),
        (None, None, (0, 0, 0)),
        (0, 0, (1, 1, 1)),
    ],
)
def test_one_fact(ours, gold, expected):
    assert count_fact(ours, gold) == expected


def test_facts_together_and_apart():
    scores = load_metric("facts").compute(predictions=[facts(7, 160.0), facts(3)], references=[facts(7, 150.0), facts(None, None, 3)])
    assert scores["precision"] == pytest.approx(1 / 3)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["per_fact"]["signed_projects"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}
    assert scores["per_fact"]["total_projects"]["recall"] == 0.0


def test_facts_of_articles_without_facts():
    scores = load_metric("facts").compute(predictions=[facts()], references=[facts()])
    assert (scores["precision"], scores["recall"], scores["f1"]) == (1.0, 1.0, 1.0)


# loading --------------------------------------------------------------------------------------------------------


def test_unknown_metric_names_the_known_ones():
    with pytest.raises(ValueError, match="facts, figures, multilabel, rouge_zh"):
        load_metric("rouge")


def test_a_metric_can_be_used_again():
    metric = load_metric("rouge_zh")
    first = metric.compute(predictions=["签约"], references=["签约"])
    assert first == metric.compute(predictions=["签约"], references=["签约"])


def test_loads_where_the_cache_folder_cannot_be_written(tmp_path):
    """A container with a read-only home: the modules go to a folder of the process, and warnings stay silent."""
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    code = (
        "from training import scoring\n"
        "print(scoring.load_metric('multilabel').compute(predictions=[['a']], references=[['a']], labels=['a'])['micro_f1'])\n"
    )
    environment = {"HF_HOME": str(blocked / "home"), "HF_EVALUATE_OFFLINE": "1", "PATH": "", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=300
    )
    assert run.stdout.strip() == "1.0", run.stderr
