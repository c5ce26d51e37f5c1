"""The baselines every evaluation report shows beside the model: majority, keywords, TF-IDF with logistic regression; for summaries the first sentences, TextRank, our rules.

Articles come in as submitted and are cleaned as serving cleans them; labels, or a summary, come out. Each has
``fit(train)`` and ``predict(articles)``, so a report runs them all alike. A model that does not beat them is not worth its weights.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

import networkx as nx
import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from data.clean import clean_text, clean_title
from data.schema import Article, Example, Facts, Group
from data.taxonomy import MAX_ACTIVITIES, MAX_INDUSTRIES, OTHER, load_taxonomy
from models.lexicon import Page
from models.outcomes import build_outcomes
from models.selection import extract_summary
from models.sentences import split_sentences
from training.votes import LEXICON, read_lexicon

SUMMARY_CHARACTERS = 160


@dataclass(frozen=True)
class BaselinePrediction:
    """What one system says of one article; None where it does not answer that question."""

    id: str
    activity: tuple[str, ...] | None = None  # the main one first
    industry: tuple[str, ...] | None = None
    summary: str | None = None
    facts: Facts | None = None


class Baseline(Protocol):
    """A system without a checkpoint."""

    def fit(self, train: Sequence[Example]) -> None:
        """Learn from annotated articles (or ignore them)."""

    def predict(self, articles: Sequence[Article]) -> list[BaselinePrediction]:
        """Return one prediction per article, in order."""


class Majority:
    """The most frequent label lists of the training articles, whatever the article."""

    def __init__(self) -> None:
        self.labels: dict[Group, tuple[str, ...]] = {"activity": (OTHER,), "industry": ()}

    def fit(self, train: Sequence[Example]) -> None:
        """Count the label sets, as sets for industry, whose order means nothing."""
        if train:
            self.labels["activity"] = _most_common([e.annotation.activity for e in train])
            self.labels["industry"] = _most_common([tuple(sorted(e.annotation.industry)) for e in train])

    def predict(self, articles: Sequence[Article]) -> list[BaselinePrediction]:
        """Give every article the same labels."""
        return [BaselinePrediction(a.id, self.labels["activity"], self.labels["industry"]) for a in articles]


def _most_common(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    counts = Counter(rows)
    return min(counts, key=lambda row: (-counts[row], row))


class Keywords:
    """Weighted keyword rules of ``keywords.yaml``: title and lead count more than the body, thresholds decide."""

    def __init__(self, path: Path = LEXICON) -> None:
        """Read and compile the lexicon.

        Raises:
            ValueError: it has labels that the taxonomy has not.

        """
        self._lexicon = read_lexicon(load_taxonomy(), path)
        self._keep: dict[str, float] = self._lexicon.raw["keep"]
        self._other_industry = float(self._lexicon.raw["other_industry_threshold"])

    def fit(self, train: Sequence[Example]) -> None:
        """Learn nothing: the rules are written by hand."""

    def predict(self, articles: Sequence[Article]) -> list[BaselinePrediction]:
        """Label each article by its keywords."""
        return [self._label(article) for article in articles]

    def _label(self, article: Article) -> BaselinePrediction:
        page = self._lexicon.page(clean_title(article.title), clean_text(article.text).text)
        activities = self._activities(page)
        return BaselinePrediction(article.id, activities, self._industries(page, activities == (OTHER,)))

    def _activities(self, page: Page) -> tuple[str, ...]:
        if self._lexicon.score_domain(page)[2] < 1:
            return (OTHER,)
        scores = {key: terms.score(page) / terms.threshold for key, terms in self._lexicon.activity.items()}
        return _strongest(scores, self._keep["activity"], MAX_ACTIVITIES) or (OTHER,)

    def _industries(self, page: Page, outside: bool) -> tuple[str, ...]:
        scores = {key: terms.score(page) / (self._other_industry if outside else terms.threshold) for key, terms in self._lexicon.industry.items()}
        return _strongest(scores, self._keep["industry"], MAX_INDUSTRIES)


def _strongest(scores: Mapping[str, float], share: float, most: int) -> tuple[str, ...]:
    """Return the labels at or over their threshold (1) and ``share`` of the best, the strongest first."""
    floor = max(1.0, share * max(scores.values(), default=0.0))
    return tuple(sorted((key for key, score in scores.items() if score >= floor), key=lambda key: (-scores[key], key)))[:most]


class TfidfLogistic:
    """Character 1- to 3-gram TF-IDF and one logistic regression per label, trained on the model's own articles."""

    def __init__(self) -> None:
        self._taxonomy = load_taxonomy()
        self._vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=200_000, dtype=np.float32)
        self._models: dict[Group, dict[str, Any]] = {"activity": {}, "industry": {}}

    def fit(self, train: Sequence[Example]) -> None:
        """Fit one model per label that has articles with and without it.

        Raises:
            ValueError: no training articles, or all with the same activities or industries.

        """
        if not train:
            raise ValueError("the tfidf baseline needs training articles, got none")
        features = self._vectorizer.fit_transform(_document(e.article) for e in train)
        for group, models in self._models.items():
            gold = [e.annotation.activity if group == "activity" else e.annotation.industry for e in train]
            for key in self._taxonomy.group(group):
                marks = np.array([key in row for row in gold])
                if 0 < marks.sum() < len(marks):
                    models[key] = _logistic(group).fit(features, marks)
            if not models:
                raise ValueError(f"the tfidf baseline needs articles that differ in {group}, got {len(train)} alike")

    def predict(self, articles: Sequence[Article]) -> list[BaselinePrediction]:
        """Give each article its labels from 0.5 on, at least one activity."""
        if not articles:
            return []
        features = self._vectorizer.transform(_document(a) for a in articles)
        activity, industry = self._probs("activity", features), self._probs("industry", features)
        return [
            BaselinePrediction(
                a.id, _activities(dict(zip(activity[0], p, strict=True))), _strongest(dict(zip(industry[0], 2 * q, strict=True)), 0.0, MAX_INDUSTRIES)
            )
            for a, p, q in zip(articles, activity[1], industry[1], strict=True)
        ]

    def probs(self, group: Group, articles: Sequence[Article]) -> npt.NDArray[np.float64]:
        """Return (n_articles, n_labels) probabilities in the taxonomy's order; 0 for a label that training did not hold."""
        keys, found = self._probs(group, self._vectorizer.transform(_document(a) for a in articles))
        probs = np.zeros((len(articles), len(self._taxonomy.group(group))))
        probs[:, [self._taxonomy.group(group).index(key) for key in keys]] = found
        return probs

    def _probs(self, group: Group, features: Any) -> tuple[list[str], npt.NDArray[np.float64]]:
        keys = list(self._models[group])
        return keys, np.stack([self._models[group][key].predict_proba(features)[:, 1] for key in keys], axis=1)


# Inverse regularisation. On a held-out quarter of the training articles micro F1 was 0.70 (10) against 0.66 (0.3) for
# activity, 0.45 against 0.52 for industry, whose labels are rarer and need the pull of the class weights.
_INVERSE_STRENGTH: dict[Group, float] = {"activity": 10.0, "industry": 0.3}


def _logistic(group: Group) -> LogisticRegression:
    # liblinear: few articles and many features, one thread, the same result each time
    return LogisticRegression(class_weight="balanced", C=_INVERSE_STRENGTH[group], max_iter=200, solver="liblinear", random_state=0)


def _activities(probs: Mapping[str, float]) -> tuple[str, ...]:
    """Return the activities from 0.5 on, at least the likeliest; ``other`` only alone."""
    best = max(probs, key=lambda key: probs[key])
    if best == OTHER:
        return (OTHER,)
    return _strongest({key: 2 * p for key, p in probs.items() if key != OTHER}, 0.0, MAX_ACTIVITIES) or (best,)


def _document(article: Article) -> str:
    """Return title and body as one string, the title twice: headlines say what happened."""
    title = clean_title(article.title) or ""
    return f"{title}\n{title}\n{clean_text(article.text).text}"


class Summaries:
    """A way to summarise an article that learns nothing: (title, text), cleaned, to a summary."""

    def __init__(self, write: Callable[[str | None, str], str]) -> None:
        """Take the way."""
        self._write = write

    def fit(self, train: Sequence[Example]) -> None:
        """Learn nothing."""

    def predict(self, articles: Sequence[Article]) -> list[BaselinePrediction]:
        """Return the summary of each article."""
        return [BaselinePrediction(a.id, summary=self._write(clean_title(a.title), clean_text(a.text).text)) for a in articles]


def text_rank(text: str, characters: int = SUMMARY_CHARACTERS) -> str:
    """Return the sentences that are most like the others, in their order, as many as fit into ``characters``; the best one, cut, where none does.

    Sentences are alike by shared pairs of characters over the logarithms of their lengths. Source: TextRank (https://aclanthology.org/W04-3252).
    """
    sentences = [text[a:b].strip() for a, b in split_sentences(text)]
    pairs = [{s[i : i + 2] for i in range(len(s) - 1)} for s in sentences]
    graph = nx.Graph()
    graph.add_nodes_from(range(len(sentences)))
    for i, j in combinations([i for i, own in enumerate(pairs) if len(own) > 1], 2):
        if shared := len(pairs[i] & pairs[j]):
            graph.add_edge(i, j, weight=shared / (np.log(len(pairs[i])) + np.log(len(pairs[j]))))
    ranks = nx.pagerank(graph) if graph else {}
    order = sorted(ranks, key=lambda i: (-ranks[i], i))
    chosen: list[int] = []
    for i in order:
        if sum(len(sentences[j]) for j in (*chosen, i)) <= characters:
            chosen.append(i)
        elif chosen:
            break
    return "".join(sentences[i] for i in sorted(chosen)) or next((sentences[i][:characters] for i in order), "")


def by_rules(title: str | None, text: str) -> str:
    """Return the extractive summary of our rules, which answers where nothing learnt does."""
    return extract_summary(text, build_outcomes(text, title), title)


def lead(text: str, sentences: int = 2, characters: int = SUMMARY_CHARACTERS) -> str:
    """Return the first sentences of a text, cut at ``characters``; a semicolon does not end one here."""
    found, n_complete = "", 0
    for start, end in split_sentences(text):
        piece = text[start:end].strip()
        found += piece
        n_complete += bool(piece) and not piece.endswith(("；", ";"))
        if n_complete == sentences or len(found) >= characters:
            break
    return found[:characters]


# In the order of a report's rows.
BASELINES: dict[str, Callable[[], Baseline]] = {
    "keywords": Keywords,
    "tfidf": TfidfLogistic,
    "majority": Majority,
    "lead1": partial(Summaries, lambda _, text: lead(text, 1)),
    "lead2": partial(Summaries, lambda _, text: lead(text, 2)),
    "lead3": partial(Summaries, lambda _, text: lead(text, 3)),
    "textrank": partial(Summaries, lambda _, text: text_rank(text)),
    "rules": partial(Summaries, by_rules),
}
