"""Weak labels: articles of the corpora that the baselines have labelled, to train on before the annotated ones.

The keyword rules know industries by their words, TF-IDF has learnt activities from the annotated articles; neither is right, but a compact encoder that has read some
thousand articles their way begins the annotated ones with most of what they know, and goes on from there. No annotated article is among them.
"""

import logging
import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from data.clean import clean_text, clean_title
from data.schema import Annotation, Article, Example
from training.baselines import Keywords, TfidfLogistic
from training.corpus import Document, iter_documents, register_density

logger = logging.getLogger(__name__)
POOL = 4  # the articles are drawn from this many times as many, those richest in words of the trade
CHARACTERS = 480  # of an article: the lead says what it is, and a pass takes minutes
_MIN_CHARACTERS = 120
_SOURCES = ("news", "indomain", "broadcast")


def read_weak_examples(corpora: Path, n: int, train: Sequence[Example], known: Collection[str], seed: int) -> list[Example]:
    """Return up to ``n`` articles of the corpora with the labels that the baselines give their beginnings.

    Args:
        corpora: folder of ``.jsonl.zst`` files.
        n: number of articles.
        train: annotated articles that the TF-IDF baseline learns activities from.
        known: ids of articles that must not be taken (all annotated ones, those that measure included).
        seed: of the draw.

    """
    documents = [
        document
        for path in sorted(corpora.glob("*.jsonl.zst"))
        if path.name.startswith(_SOURCES)
        for document in iter_documents(path)
        if len(document.text) >= _MIN_CHARACTERS and document.id not in known
    ]
    richest = sorted(documents, key=lambda d: (-register_density(d.text), d.id))[: POOL * n]
    articles = [_to_article(document) for document in random.Random(seed).sample(richest, min(n, len(richest)))]
    tfidf = TfidfLogistic()
    tfidf.fit([_cut(example) for example in train])
    activities, industries = tfidf.predict(articles), Keywords().predict(articles)
    logger.info("%d articles with weak labels, of %d documents", len(articles), len(documents))
    return [
        Example(article, Annotation(article.id, activity.activity or (), industry.industry or (), ""))
        for article, activity, industry in zip(articles, activities, industries, strict=True)
    ]


def _to_article(document: Document) -> Article:
    return Article(document.id, clean_text(document.text).text[:CHARACTERS], clean_title(document.title))


def _cut(example: Example) -> Example:
    return replace(example, article=replace(example.article, text=example.article.text[:CHARACTERS]))
