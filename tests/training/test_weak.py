"""Weak labels: drawn from the corpora without any annotated article, labelled by the baselines."""

import pytest
import torch

from data.annotations import to_row
from data.encodings import encode_line
from data.schema import Annotation, Article, Example
from data.taxonomy import load_taxonomy
from tests.corpora import text_of
from tests.training.test_finetune import examples
from training.config import FinetuneConfig
from training.dataset import Splits, read_splits
from training.finetune import finetune_classifier
from training.weak import CHARACTERS, read_weak_examples, teach


def test_weak_examples_are_unknown_articles_with_labels_of_the_taxonomy(corpora):
    splits = Splits(examples(40), [made("n:95", text_of(95))], tests={"test": [made("x", "综合消息。" + text_of(97))]})
    found = read_weak_examples(corpora, 6, splits, seed=1)
    assert len(found) == len({e.article.id for e in found}) == 6
    for e in found:
        load_taxonomy().check(e.annotation.activity, e.annotation.industry)
        assert len(e.article.text) <= CHARACTERS
    assert [e.article.id for e in found] == [e.article.id for e in read_weak_examples(corpora, 6, splits, seed=1)]
    everything = {e.article.id for e in read_weak_examples(corpora, 100, splits, seed=1)}
    assert everything == {f"n:{i}" for i in range(95, 109)} - {"n:95", "n:97"}  # one annotated, one a reprint of what measures


def made(id, text):
    return Example(Article(id, text), Annotation(id, ("other",), (), ""))


def test_weak_labels_need_the_corpora(tmp_path):
    with pytest.raises(ValueError, match="weak needs corpora"):
        FinetuneConfig(base="b", output=tmp_path, weak=10)


@pytest.mark.parametrize("n_ngrams", [0, 200])
def test_soft_targets_are_probabilities_with_and_without_ngrams(tiny_bases, tmp_path, n_ngrams):
    config = FinetuneConfig(
        base=str(tiny_bases["encoder"]),
        output=tmp_path / "c",
        data=str(tmp_path / "a.jsonl"),
        epochs=1,
        max_length=128,
        lexical=n_ngrams,
        device="cpu",
    )
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in examples(40)))
    finetune_classifier(config)
    splits = read_splits(config.data, None, 0.2)
    activity, industry, main = teach(examples(6), config.output, splits, torch.device("cpu"))
    assert activity.shape == main.shape == (6, len(load_taxonomy().activity))
    assert industry.shape == (6, len(load_taxonomy().industry))
    assert torch.all((activity >= 0) & (activity <= 1))
    assert torch.allclose(main.sum(1), torch.ones(6), atol=1e-5)


def test_a_classifier_learns_from_weak_and_soft_labels_first(tiny_bases, tmp_path, corpora):
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in examples(40)))
    common = {
        "base": str(tiny_bases["encoder"]),
        "data": str(tmp_path / "a.jsonl"),
        "corpora": corpora,
        "weak": 8,
        "epochs": 1,
        "max_length": 128,
        "device": "cpu",
    }
    first = finetune_classifier(FinetuneConfig(output=tmp_path / "first", **common))
    second = finetune_classifier(FinetuneConfig(output=tmp_path / "second", teacher=tmp_path / "first", **common))
    assert (first.config["teacher"], second.config["teacher"]) == (None, "first")
    assert first.files["model.safetensors"] != second.files["model.safetensors"]
