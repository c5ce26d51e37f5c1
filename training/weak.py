"""Weak labels: articles of the corpora that the baselines have labelled, to train on before the annotated ones.

The keyword rules know industries by their words, TF-IDF has learnt activities from the annotated articles; neither is right, but a compact encoder that has read some
thousand articles their way begins the annotated ones with most of what they know, and goes on from there. No annotated article is among them, and no reprint of one that measures.
"""

import heapq
import itertools
import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from data.clean import clean_text, clean_title
from data.dedup import shingles
from data.schema import Annotation, Article, Example
from data.taxonomy import load_taxonomy
from models.classifier import TorchClassifier, encode_article, pool_windows, probs_of
from models.decoding import Decoding
from models.lexical import LexicalModel, page_of
from models.registry import open_checkpoint
from training.baselines import Keywords, TfidfLogistic
from training.corpus import Document, iter_documents, register_density
from training.dataset import Splits

logger = logging.getLogger(__name__)
Targets = tuple[Tensor, Tensor, Tensor]  # activity, industry, main
POOL = 4  # the articles are drawn from this many times as many, those richest in words of the trade
CHARACTERS = 480  # of an article: the lead says what it is, and a pass takes minutes
_MIN_CHARACTERS = 120
_LEAST = 1e-3  # of a probability, so that one certain teacher does not overrule the other
_REPRINT_GRAM, _REPRINT_SHARE = 13, 0.2  # sequences of 13 characters are hardly ever shared by articles written apart
_SOURCES = ("news", "indomain", "broadcast")


def read_weak_examples(corpora: Path, n: int, splits: Splits, seed: int) -> list[Example]:
    """Return up to ``n`` articles of the corpora with the labels that the baselines give their beginnings.

    Args:
        corpora: folder of ``.jsonl.zst`` files.
        n: number of articles.
        splits: the annotated articles; the TF-IDF baseline learns activities from those that train. None of them is taken, and no reprint of one that measures.
        seed: of the draw.

    """
    known = splits.ids
    richest = heapq.nlargest(POOL * n, (d for d in _iter_pool(corpora) if d.id not in known), key=lambda d: (register_density(d.text), d.id))
    random.Random(seed).shuffle(richest)
    measured = {gram for part in (splits.development, splits.calibration, *splits.tests.values()) for e in part for gram in _grams(e.article.text)}
    articles = [_to_article(document) for document in itertools.islice((d for d in richest if not _is_reprint(d, measured)), n)]
    tfidf = TfidfLogistic()
    tfidf.fit([_cut(example) for example in splits.train])
    activities, industries = tfidf.predict(articles), Keywords().predict(articles)
    logger.info("%d articles with weak labels, of the %d richest", len(articles), len(richest))
    return [
        Example(article, Annotation(article.id, activity.activity or (), industry.industry or (), ""))
        for article, activity, industry in zip(articles, activities, industries, strict=True)
    ]


def teach(examples: Sequence[Example], checkpoint: Path, splits: Splits, device: torch.device) -> Targets:
    """Return soft targets for articles: the probabilities of a checkpoint with n-grams beside its encoder.

    For a checkpoint without them it is the mean log-odds of the checkpoint and of TF-IDF, each of which knows what the other does not.

    Returns:
        activity (n, n_activity), industry (n, n_industry) and main (n, n_activity) probabilities, float32.
    Source: distillation of an ensemble (arXiv 1503.02531), on unlabelled articles.

    """
    taxonomy = load_taxonomy()
    manifest = open_checkpoint(checkpoint, "classifier")
    decoding = Decoding.from_json(manifest.decoding, taxonomy)
    tokenizer = AutoTokenizer.from_pretrained(str(checkpoint), trust_remote_code=False)
    model = AutoModelForSequenceClassification.from_pretrained(str(checkpoint), trust_remote_code=False, dtype=torch.float32).to(device)
    articles = [example.article for example in examples]
    encoded = [encode_article(tokenizer, a.title, a.text, int(manifest.config["max_length"])) for a in articles]
    engine = TorchClassifier(model.eval(), int(tokenizer.pad_token_id), device, max_batch_tokens=4096)
    owner = torch.tensor([i for i, e in enumerate(encoded) for _ in e.input_ids])
    pooled = pool_windows(engine.run([ids for e in encoded for ids in e.input_ids]), owner, len(articles), taxonomy)
    lexical = LexicalModel.load(checkpoint, pooled.shape[1])
    if lexical is not None:
        return probs_of(pooled + lexical.run([page_of(a.title, a.text) for a in articles]), taxonomy, decoding)
    activity, industry, main = probs_of(pooled, taxonomy, decoding)
    tfidf = TfidfLogistic()
    tfidf.fit(splits.train)
    other = {group: torch.from_numpy(tfidf.probs(group, articles)).float() for group in ("activity", "industry")}
    return (
        torch.sigmoid(_mean_logit(activity, other["activity"])),
        torch.sigmoid(_mean_logit(industry, other["industry"])),
        torch.softmax((main.clamp_min(_LEAST).log() + other["activity"].clamp_min(_LEAST).log()) / 2, dim=1),
    )


def _mean_logit(a: Tensor, b: Tensor) -> Tensor:
    return (torch.logit(a, eps=_LEAST) + torch.logit(b, eps=_LEAST)) / 2


def _iter_pool(corpora: Path) -> Iterator[Document]:
    for path in sorted(corpora.glob("*.jsonl.zst")):
        if path.name.startswith(_SOURCES):
            yield from (document for document in iter_documents(path) if len(document.text) >= _MIN_CHARACTERS)


def _grams(text: str) -> set[str]:
    return shingles("".join(text[:CHARACTERS].split()), _REPRINT_GRAM)


def _is_reprint(document: Document, measured: set[str]) -> bool:
    own = _grams(document.text)
    return len(own & measured) > _REPRINT_SHARE * len(own)


def _to_article(document: Document) -> Article:
    return Article(document.id, clean_text(document.text).text[:CHARACTERS], clean_title(document.title))


def _cut(example: Example) -> Example:
    return replace(example, article=replace(example.article, text=example.article.text[:CHARACTERS]))
