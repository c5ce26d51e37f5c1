"""Hand-written rules of the trade: weighted words by label, and where in an article they stand.

The rules are data (``training/keywords.yaml``); a checkpoint carries the copy it was fitted with as ``lexicon.json``. They are a baseline of every evaluation by themselves
(``training/baselines.py``), and features of the classifier (``models/votes.py``): they know words that no annotated article holds.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.taxonomy import Taxonomy

Array = npt.NDArray[np.float32]
LEXICON_FILE = "lexicon.json"
PLACES = ("in_title", "in_lists", "in_projects", "words", "sentences", "in_enumerations", "in_first")
_STRONG = 2.0  # weight from which on a word names its industry without help
_ENUMERATION = 3  # commas of a list in one sentence
_SENTENCE = re.compile("[。！？；\n]")


@dataclass(frozen=True)
class Page:
    """The three fields that keywords are looked for in, cleaned."""

    title: str
    lead: str
    body: str


class Terms:
    """The weighted patterns of one label: how strongly a page speaks for it."""

    def __init__(self, row: Mapping[str, Any], fields: Mapping[str, float]) -> None:
        self.threshold = float(row.get("threshold", 0.0))
        self._fields = fields
        self._terms = _compile(row.get("terms", {}))
        self._title_terms = _compile(row.get("title", {}))
        self._outside = _compile(row.get("outside", {}))
        self._blank = re.compile("|".join(row["not"])) if row.get("not") else None

    def score(self, page: Page) -> float:
        """Return the sum over all patterns of weight by field."""
        return sum(self.by_field(page))

    def by_field(self, page: Page) -> tuple[float, float, float]:
        """Return the parts of the score that title, lead and body give."""
        title, lead, body = self.blank(page.title), self.blank(page.lead), self.blank(page.body)
        in_title = sum(weight for weight, term in (*self._terms, *self._title_terms) if term.search(title))
        in_title -= sum(weight for weight, term in self._outside if term.search(title))
        in_lead = sum(weight for weight, term in self._terms if term.search(lead)) - sum(w for w, term in self._outside if term.search(lead))
        in_body = sum(weight * self._capped(term, body) for weight, term in self._terms)
        return in_title * self._fields["title"], in_lead * self._fields["lead"], in_body * self._fields["body"]

    def blank(self, text: str) -> str:
        """Return a text without what looks like a word of this label and is none."""
        return self._blank.sub("。", text) if self._blank else text

    def _capped(self, term: re.Pattern[str], body: str) -> int:
        hits, cap = 0, int(self._fields["body_cap"])
        for _ in term.finditer(body):
            hits += 1
            if hits == cap:
                break
        return hits


def _compile(groups: Mapping[Any, Sequence[str]]) -> list[tuple[float, re.Pattern[str]]]:
    return [(float(weight), re.compile(term)) for weight, terms in groups.items() for term in terms]


class Lexicon:
    """The rules of one file, compiled."""

    def __init__(self, raw: Mapping[str, Any], taxonomy: Taxonomy) -> None:
        """Compile the rules.

        Args:
            raw: content of ``training/keywords.yaml``.
            taxonomy: labels, in the order of all arrays below.

        Raises:
            ValueError: rules of labels that the taxonomy does not hold.

        """
        unknown = (set(raw["activity"]) - set(taxonomy.activity)) | (set(raw["industry"]) - set(taxonomy.industry))
        if unknown:
            raise ValueError(f"lexicon: labels that the taxonomy does not hold: {', '.join(sorted(unknown))}")
        self.raw = raw
        self.fields: dict[str, float] = raw["fields"]
        self.domain = Terms(raw["domain"], self.fields)
        self.activity = {key: Terms(row, self.fields) for key, row in raw["activity"].items()}
        self.industry = {key: Terms(row, self.fields) for key, row in raw["industry"].items()}
        self._labels = [self.activity.get(key) for key in taxonomy.activity] + [self.industry.get(key) for key in taxonomy.industry]
        self._figures = [re.compile(rule) for rule in raw["figures"].values()]
        self._lists, self._projects = (re.compile("|".join(raw["contexts"][name])) for name in ("lists", "projects"))
        self._words = [_words_of(raw["industry"].get(key, {})) for key in taxonomy.industry]
        self._blanks = [self.industry[key].blank if key in self.industry else str for key in taxonomy.industry]

    def page(self, title: str | None, text: str) -> Page:
        """Return the fields of a cleaned article."""
        cut = int(self.fields["lead_characters"])
        return Page(title or "", text[:cut], text[cut:])

    def score_labels(self, page: Page) -> Array:
        """Return (n_activity + n_industry, 4): the parts of title, lead and body, and their sum in multiples of the label's threshold; 0 for ``other``."""
        out = np.zeros((len(self._labels), 4), dtype=np.float32)
        for row, terms in enumerate(self._labels):
            if terms is not None:
                parts = terms.by_field(page)
                out[row] = (*parts, sum(parts) / terms.threshold)
        return out

    def score_domain(self, page: Page) -> tuple[float, float, float]:
        """Return how far title and lead speak for investment promotion, and the whole in multiples of the threshold."""
        parts = self.domain.by_field(page)
        return parts[0], parts[1], sum(parts) / self.domain.threshold

    def find_figures(self, text: str) -> list[bool]:
        """Return whether numbers stand beside words of signing, and beside words of building."""
        return [bool(rule.search(text)) for rule in self._figures]

    def place_industries(self, title: str | None, text: str) -> Array:
        """Return (n_industry, 7): where the words of each industry stand.

        The columns are ``PLACES``: words in the title; words in sentences of target industries, and of projects; words in all; the share of the sentences
        that hold one; sentences that enumerate; whether it is in the first. An industry counts where projects or target lists name it (annotation guide,
        industry 1), so where a word stands says more than how often.
        """
        sentences = [sentence for sentence in _SENTENCE.split(text) if sentence]
        out = np.zeros((len(self._words), len(PLACES)), dtype=np.float32)
        if not sentences:
            return out
        told = np.array([(bool(self._lists.search(s)), bool(self._projects.search(s)), s.count("、") >= _ENUMERATION) for s in sentences])
        for row, ((strong, any_word), blank) in enumerate(zip(self._words, self._blanks, strict=True)):
            if any_word is None:
                continue
            hits = np.array([len(strong.findall(blank(s))) if strong else 0 for s in sentences])
            out[row] = (
                len(any_word.findall(blank(title or ""))), hits[told[:, 0]].sum(), hits[told[:, 1]].sum(), hits.sum(),
                (hits > 0).mean(), (told[:, 2] & (hits > 0)).sum(), hits[0] > 0,
            )  # fmt: skip
        return out

    def save(self, folder: Path) -> None:
        """Write ``lexicon.json``."""
        (folder / LEXICON_FILE).write_text(json.dumps(self.raw, ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, taxonomy: Taxonomy) -> "Lexicon":
        """Read what ``save`` wrote.

        Raises:
            OSError, ValueError, KeyError: it is not there, or not that.

        """
        return cls(json.loads((folder / LEXICON_FILE).read_text("utf-8")), taxonomy)


def _words_of(row: Mapping[str, Any]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Return one pattern of the strong words of a label and one of all, the strongest first."""
    groups = sorted(((float(weight), words) for weight, words in row.get("terms", {}).items()), reverse=True)
    strong = [word for weight, words in groups if weight >= _STRONG for word in words]
    everything = [word for _, words in groups for word in words]
    return (re.compile("|".join(strong)) if strong else None), (re.compile("|".join(everything)) if everything else None)
