"""Which clauses of an article make its summary, learnt from annotators' summaries, and the summary made of them.

1. A linear model over words, place, figures and headline (``models/clauses.py``) guesses how much of a clause an annotator would use. 2. Trees correct the guess by what stands around it: the guesses of the
neighbours, its rank in the article, what earlier clauses said already. 3. ``write`` takes beginnings of sentences, as far as each is worth it, so that every clause keeps its subject, and stops where the
expected overlap with an annotator's summary would fall.

Source of the objective: expected F1 as in extraction by dynamic budget; the target of both models is the share of a clause's character pairs that the annotator's summary of the article holds.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from data.errors import CheckpointRefused
from data.schema import Figure, Outcomes
from data.taxonomy import Taxonomy
from models.clauses import N_FEATURES, TITLE, Clause, Features, describe, split_clauses
from models.figures import find_figures
from models.outcomes import tells_fact
from models.selection import MAX_SUMMARY, MIN_SUMMARY
from models.trees import Trees

SELECTION_FILE = "selection.safetensors"
N_CONTEXT = 27
_NEIGHBOURS = 3
_FILLED = 0.6  # of the room: beyond it a sentence that does not fit ends the choice
_NEW = 0.35  # share of a clause's pairs that the summary must not hold yet
_ENDS = frozenset("；。！？")
# What a sentence may not end with: a date or an adverbial whose verb comes later.
_HANGING = re.compile(
    r"^(?:(?:(?:\d{4}年)?(?:\d{1,2}月)?(?:\d{1,2}日)?(?:上午|下午|晚间?|晚上|前夕)?)|当[天日前地]|今[天年日](?:以来|上半年|下半年)?|目前|现在|近[日年期](?:来|以来)?|日前|昨[日天]|此前|"
    r"截至[^，]{0,16}|[^，]{0,14}(?:以来|期间|之际|会上|现场|方面|同时|基础上|背景下|仪式上|发布会上)|(?:为|为了|随着|随|围绕|针对|根据|按照|对于|面对|通过|依托|作为|在|自|从|由|据|经|经过)[^，]{2,}|其中|例如|比如|同时|此外)$"
)

_ASIDE = re.compile(
    "（(?:人民币|单位)?[，、]?(?:下同|单位下同)）|（人民币[^）]{0,8}）|（(?:以下|下称|下文)?简称[^）]{0,24}）|（(?:下称|以下称)[^）]{0,24}）|（(?:记者|通讯员|作者)[^）]{0,24}）"
)
_TODAY = re.compile("(?:今天|昨天|前天|今日|昨日|近日|日前|当日)（((?:\\d{1,2}月)?\\d{1,2}日)）")
_DATED = re.compile("(?<!\\d)(\\d{1,2})月(\\d{1,2})日")
_BARE_DAY = re.compile("(?<![\\d月至-])(\\d{1,2})日(?![至-])")
_DATELINE_CHARS = 60

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ClauseSelector:
    """The two models and how long summaries are."""

    weights: npt.NDArray[np.float32]  # (N_FEATURES,)
    bias: float
    trees: Trees | None
    length: float  # characters of a typical annotator's summary, in the expected overlap
    figure_bonus: float = 0.0  # added to the score of a clause that tells one of the four facts

    def score(
        self, clauses: Sequence[Clause], text: str, title: str | None, outcomes: Outcomes, activity: Sequence[str], taxonomy: Taxonomy
    ) -> Scores:
        """Return for each clause the share of it, 0 to 1, that an annotator's summary is expected to hold."""
        if not clauses:
            return np.zeros(0, dtype=np.float32)
        first = self.score_alone(describe(clauses, text, title, outcomes, activity))
        return first if self.trees is None else self.trees.run(context_of(clauses, first, text, activity, taxonomy)).clip(0, 1)

    def score_alone(self, features: Sequence[Features]) -> Scores:
        """Return the linear model's guesses."""
        logits = np.array([self.weights[own].sum() for own in features], dtype=np.float32) + self.bias
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)

    def summarize(self, text: str, title: str | None, outcomes: Outcomes, activity: Sequence[str], taxonomy: Taxonomy) -> str:
        """Return a summary of the article's own clauses, 30 to 160 characters; empty where they do not give that many."""
        clauses = split_clauses(text, title, outcomes)
        return write(clauses, self.weigh(clauses, text, title, outcomes, activity, taxonomy), self.length, text)

    def weigh(
        self, clauses: Sequence[Clause], text: str, title: str | None, outcomes: Outcomes, activity: Sequence[str], taxonomy: Taxonomy
    ) -> Scores:
        """Return ``score`` with the bonus of clauses that tell a fact: what clauses are chosen by."""
        return self.score(clauses, text, title, outcomes, activity, taxonomy) + np.float32(self.figure_bonus) * tells_facts(clauses, outcomes)

    def read_expected(self, text: str, title: str | None, outcomes: Outcomes, activity: Sequence[str], taxonomy: Taxonomy) -> Callable[[str], float]:
        """Return what gives any summary of the article its expected overlap (F1 of character pairs, 0 to about 1) with an annotator's: a pair is worth the score of the best clause that holds it."""
        clauses = split_clauses(text, title, outcomes)
        worth: dict[str, float] = {}
        for clause, score in zip(clauses, self.weigh(clauses, text, title, outcomes, activity, taxonomy).tolist(), strict=True):
            for pair in clause.pairs:
                worth[pair] = max(worth.get(pair, 0.0), score)

        def expected(summary: str) -> float:
            pairs = {summary[i : i + 2] for i in range(len(summary) - 1)}
            return 2 * sum(worth.get(pair, 0.0) for pair in sorted(pairs)) / (len(pairs) + self.length)

        return expected

    def pick_sentences(
        self, text: str, title: str | None, outcomes: Outcomes, activity: Sequence[str], taxonomy: Taxonomy, max_characters: int
    ) -> str:
        """Return the sentences with the best clauses, in their order, up to ``max_characters``; the text itself where it fits."""
        if len(text) <= max_characters:
            return text
        clauses = split_clauses(text, title, outcomes)
        scores = self.weigh(clauses, text, title, outcomes, activity, taxonomy)
        parts: dict[int, list[Clause]] = {}
        worth: dict[int, float] = {}
        for clause, score in zip(clauses, scores.tolist(), strict=True):
            if clause.sentence != TITLE:
                parts.setdefault(clause.sentence, []).append(clause)
                worth[clause.sentence] = max(worth.get(clause.sentence, 0.0), score)
        chosen: dict[int, str] = {}
        used = 0
        for number in sorted(worth, key=lambda n: (-worth[n], n)):
            sentence = "".join(clause.text for clause in parts[number])
            if used + len(sentence) <= max_characters:
                chosen[number] = sentence
                used += len(sentence)
            elif used > _FILLED * max_characters:
                break
        return "".join(chosen[number] for number in sorted(chosen)) or text[:max_characters]

    def save(self, folder: Path) -> None:
        """Write ``selection.safetensors``: weights as float16, hashed features, no text."""
        tensors: dict[str, npt.NDArray[Any]] = {
            "weights": self.weights.astype(np.float16), "bias": np.array([self.bias], dtype=np.float32), "length": np.array([self.length], dtype=np.float32),
            "figure_bonus": np.array([self.figure_bonus], dtype=np.float32), **(self.trees.to_tensors() if self.trees else {}),
        }  # fmt: skip
        save_file(tensors, folder / SELECTION_FILE)

    @classmethod
    def load(cls, folder: Path) -> "ClauseSelector":
        """Read what ``save`` wrote.

        Raises:
            CheckpointRefused: the file is not what ``save`` writes.

        """
        path = folder / SELECTION_FILE
        try:
            tensors = load_file(path)
            weights = tensors["weights"].astype(np.float32)
            bias, length = float(tensors["bias"][0]), float(tensors["length"][0])
            bonus = float(tensors["figure_bonus"][0]) if "figure_bonus" in tensors else 0.0
            trees = Trees.from_tensors(tensors, N_CONTEXT) if "trees/feature" in tensors else None
        except (OSError, KeyError, ValueError, IndexError, SafetensorError) as error:
            raise CheckpointRefused(f"{path}: cannot be read ({type(error).__name__}: {error})") from error
        if weights.shape != (N_FEATURES,) or not np.isfinite(weights).all() or not np.isfinite(bias) or not 0 < length < 1000 or not 0 <= bonus <= 2:
            raise CheckpointRefused(f"{path}: weights of shape {weights.shape}, or numbers that are none")
        return cls(weights, bias, trees, length, bonus)


def tells_facts(clauses: Sequence[Clause], outcomes: Outcomes) -> Scores:
    """Return 1 for each clause that holds the figure of one of the article's facts, else 0; a count of one stands in too many clauses to tell anything."""
    facts = [
        (fact, value) for fact, value in outcomes.facts.to_json().items() if value is not None and not (fact.endswith("projects") and value <= 1)
    ]

    def told_in(figures: Sequence[Figure]) -> list[int]:
        return [figure.start for figure in figures if any(tells_fact(figure, *own) for own in facts)]

    starts = told_in(outcomes.mentions)

    def tells(clause: Clause) -> bool:
        if clause.sentence == TITLE:  # the mentions are the text's alone
            return bool(told_in(find_figures(clause.text)))
        return bisect_left(starts, clause.start) < bisect_left(starts, clause.start + len(clause.text))

    return np.array([bool(facts) and tells(clause) for clause in clauses], dtype=np.float32)


def context_of(clauses: Sequence[Clause], guesses: Scores, text: str, activity: Sequence[str], taxonomy: Taxonomy) -> npt.NDArray[np.float32]:
    """Return (n_clauses, N_CONTEXT) numbers: a clause's guess, those around it, its place, length and overlap with what stands before it."""
    n = len(clauses)
    if not n:
        return np.zeros((0, N_CONTEXT), dtype=np.float32)
    padded = np.concatenate([np.zeros(_NEIGHBOURS), guesses, np.zeros(_NEIGHBOURS)])
    order = np.argsort(-guesses, kind="stable")
    rank = np.empty(n)
    rank[order] = np.arange(n)
    best = np.sort(guesses)[::-1]
    highest: dict[int, float] = {}
    for clause, guess in zip(clauses, guesses.tolist(), strict=True):
        highest[clause.sentence] = max(highest.get(clause.sentence, 0.0), guess)
    headline = frozenset().union(*(clause.pairs for clause in clauses if clause.sentence == TITLE))
    counts = Counter(pair for clause in clauses for pair in clause.pairs)
    main = taxonomy.activity.index(activity[0]) if activity else -1
    shared = (best[0], best[:3].mean(), guesses.sum(), n, len(text), main, len(headline))
    seen: set[str] = set(headline)
    rows = np.zeros((n, N_CONTEXT), dtype=np.float32)
    for i, clause in enumerate(clauses):
        size = max(1, len(clause.pairs))
        rows[i] = (
            guesses[i], *padded[i : i + _NEIGHBOURS], *padded[i + _NEIGHBOURS + 1 : i + 2 * _NEIGHBOURS + 1], rank[i], *shared,
            i, clause.sentence, clause.place, len(clause.core), len(clause.pairs & seen) / size, len(clause.pairs & headline) / size,
            len(clause.pairs & headline) / max(1, len(headline)), highest[clause.sentence], sum(counts[pair] for pair in clause.pairs) / size,
            clause.start / max(1, len(text)), any(char.isdigit() for char in clause.core), "，；。".find(clause.text[-1]),
        )  # fmt: skip
        seen |= clause.pairs
    return rows


def write(clauses: Sequence[Clause], scores: Scores, length: float, text: str = "") -> str:
    """Return the polished summary of beginnings of segments whose expected overlap with an annotator's summary of ``length`` characters is highest.

    Greedy: each step adds the clause, with those between the beginning of its segment and it, that raises the expected F1 most. Clauses count for what they say that is not said yet.
    """
    chosen: set[int] = set()
    said: set[str] = set()
    used = 0
    matched = reached = 0.0
    while True:
        options = [option for i in range(len(clauses)) if i not in chosen and (option := _option(i, clauses, scores, chosen, said, used))]
        if not options:
            break
        value, size, added = max(options, key=lambda o: (2 * (matched + o[0]) / (used + o[1] + length), -o[2][-1]))
        worth = 2 * (matched + value) / (used + size + length)
        if worth <= reached + 1e-9 and used >= MIN_SUMMARY:
            break
        reached, matched, used = worth, matched + value, used + size
        chosen |= set(added)
        said = said.union(*(clauses[j].pairs for j in added))
    summary = polish(_join(clauses, sorted(chosen)), text)
    return summary if MIN_SUMMARY <= len(summary) <= MAX_SUMMARY else ""


def _option(i: int, clauses: Sequence[Clause], scores: Scores, chosen: set[int], said: set[str], used: int) -> tuple[float, int, list[int]] | None:
    """Return expected matches, characters and clauses of taking clause i with what leads to it; None where that cannot be."""
    added = [j for j in range(clauses[i].first, i + 1) if j not in chosen]
    size = sum(len(clauses[j].core) + 1 for j in added)
    if used + size > MAX_SUMMARY or _hangs(i, clauses):
        return None
    known, value, fresh = set(said), 0.0, 0.0
    for j in added:
        pairs = clauses[j].pairs
        fresh = len(pairs - known) / max(1, len(pairs))
        value += (len(clauses[j].core) + 1) * float(scores[j]) * fresh
        known |= pairs
    return None if fresh < _NEW else (value, size, added)


def _hangs(i: int, clauses: Sequence[Clause]) -> bool:
    """Return whether a sentence cannot end with clause i: an adverbial, or a bracket that never closes."""
    core = clauses[i].core
    if any(core.count(a) != core.count(b) for a, b in ("“”", "（）", "《》", "「」", "【】", "()")):
        return True
    goes_on = clauses[i].text[-1] not in _ENDS and i + 1 < len(clauses) and clauses[i + 1].sentence == clauses[i].sentence
    return len(core) < 5 or core.endswith(("的", "称", "表示")) or (goes_on and _HANGING.match(core) is not None)


def _join(clauses: Sequence[Clause], chosen: Sequence[int]) -> str:
    parts = []
    for number, i in enumerate(chosen):
        following = chosen[number + 1] if number + 1 < len(chosen) else None
        if following is None:
            mark = "。"
        elif clauses[following].first == clauses[i].first:
            mark = clauses[i].text[len(clauses[i].core) :].strip() or "，"
        else:
            mark = "；" if clauses[following].sentence == clauses[i].sentence and not clauses[i].heading else "。"
        parts.append(clauses[i].core + mark)
    return "".join(parts)


def polish(summary: str, text: str) -> str:
    """Return a summary as the annotation guide wants it: in the third person, the month with the day, no asides.

    Args:
        summary: of the article's own clauses.
        text: the article; the date of its beginning names the month.

    """
    summary = _ASIDE.sub("", summary)
    summary = _TODAY.sub(r"\1", summary)
    summary = re.sub("我(?=[省市县区州旗镇](?!场|民|委|府))", "该", summary)
    dated = _DATED.search(text[:_DATELINE_CHARS])
    bare = _BARE_DAY.search(summary)
    if dated and bare and dated[2] == bare[1] and f"{dated[1]}月{dated[2]}日" not in summary:
        summary = f"{summary[: bare.start()]}{dated[1]}月{summary[bare.start() :]}"
    return summary
