"""Weak labels: drawn from the corpora without any annotated article, labelled by the baselines."""

import pytest

from data.schema import Annotation, Article, Example
from data.taxonomy import load_taxonomy
from tests.corpora import text_of
from tests.training.test_finetune import examples
from training.config import FinetuneConfig
from training.dataset import Splits
from training.weak import CHARACTERS, read_weak_examples


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
