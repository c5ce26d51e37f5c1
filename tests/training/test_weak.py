"""Weak labels: drawn from the corpora without any annotated article, labelled by the baselines."""

import pytest

from data.taxonomy import load_taxonomy
from tests.training.test_finetune import examples
from training.config import FinetuneConfig
from training.weak import CHARACTERS, read_weak_examples


def test_weak_examples_are_unknown_articles_with_labels_of_the_taxonomy(corpora):
    known = {"n:95", "n:96", "n:97"}
    found = read_weak_examples(corpora, 6, examples(40), known, seed=1)
    assert len({e.article.id for e in found} - known) == 6
    for e in found:
        load_taxonomy().check(e.annotation.activity, e.annotation.industry)
        assert len(e.article.text) <= CHARACTERS
    assert [e.article.id for e in found] == [e.article.id for e in read_weak_examples(corpora, 6, examples(40), known, seed=1)]
    assert len(read_weak_examples(corpora, 100, examples(40), known, seed=1)) == 11


def test_weak_labels_need_the_corpora(tmp_path):
    with pytest.raises(ValueError, match="weak needs corpora"):
        FinetuneConfig(base="b", output=tmp_path, weak=10)
