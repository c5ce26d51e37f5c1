"""Statistics of a dump and of annotations, as lines to print; memory grows with the number of articles by 4 bytes each."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.annotations import EXAMPLE_KEYS
from data.errors import RecordError
from data.inputs import InputFile, find_files
from data.readers import parse_row
from data.schema import Article, Example, Group
from data.streams import iter_bytes, iter_lines, open_text
from data.taxonomy import load_taxonomy

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # percent
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)(?:19|20)\d\d(?=\d{4}(?!\d))")  # 2024-05-01, 2024年, 20240501
TOP = 10


@dataclass
class DumpStatistics:
    """Lengths, years, sources, missing fields and cleaning steps of the articles added."""

    lengths: "array[int]" = field(default_factory=lambda: array("I"))  # characters
    years: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)

    def add(self, article: Article, steps: Iterable[str]) -> None:
        """Count one article and the steps that cleaning took."""
        self.lengths.append(len(article.text))
        year = _YEAR.search(article.published or "")
        self.years[year.group() if year else "unknown"] += 1
        self.sources[article.source or "unknown"] += 1
        self.missing.update(name for name in ("title", "published", "source", "url") if getattr(article, name) is None)
        self.steps.update(steps)

    def lines(self) -> list[str]:
        """Return the statistics as lines to print; none where there is no article."""
        n = len(self.lengths)
        if not n:
            return []
        ordered = sorted(self.lengths)
        lengths = ", ".join(f"{percent}% {ordered[round(percent / 100 * (n - 1))]}" for percent in QUANTILES)
        return [
            f"characters (quantiles): {lengths}",
            f"years: {join_counts(sorted(self.years.items()))}",
            f"sources (of {len(self.sources)}): {join_counts(self.sources.most_common(TOP))}",
            f"without: {join_counts(self.missing.most_common()) or 'nothing'}",
            f"cleaning steps: {join_counts(self.steps.most_common()) or 'none'}",
        ]


@dataclass(frozen=True)
class LabelStatistics:
    """How often each label of the taxonomy stands in examples, the unknown ones included."""

    n_examples: int
    counts: dict[Group, Counter[str]]
    n_main: Counter[str]

    @classmethod
    def build(cls, examples: Sequence[Example]) -> "LabelStatistics":
        """Count the labels of examples."""
        activity = Counter(label for example in examples for label in example.annotation.activity)
        industry = Counter(label for example in examples for label in example.annotation.industry)
        main = Counter(example.annotation.activity[0] for example in examples if example.annotation.activity)
        return cls(len(examples), {"activity": activity, "industry": industry}, main)

    def lines(self) -> list[str]:
        """Return a table: label, Chinese name, number of articles, and of those where an activity is the main one."""
        taxonomy = load_taxonomy()
        lines = [f"annotated articles: {self.n_examples}"]
        for group, counts in self.counts.items():
            known = [(key, taxonomy.name(group, key)) for key in taxonomy.group(group)]
            lines.append(f"{group}:")
            for key, name in [*known, *((key, "(unknown)") for key in counts if key not in taxonomy.group(group))]:
                main = f"  main {self.n_main[key]}" if group == "activity" else ""
                lines.append(f"  {key:22}{counts[key]:6}{main:12}  {name}".rstrip())
        return lines


def join_counts(counts: Iterable[tuple[str, int]]) -> str:
    """Return ``name n, name n``."""
    return ", ".join(f"{name} {n}" for name, n in counts)


def find_annotated(inputs: Iterable[str | Path]) -> list[Path]:
    """Return the ``.jsonl`` files of the inputs whose first record is an annotated article."""
    files = [file for given in inputs for file in find_files(given) if isinstance(file, InputFile) and file.format == "jsonl"]
    return [file.path for file in files if _is_annotated(file)]


def _is_annotated(file: InputFile) -> bool:
    try:
        lines = iter_lines(open_text(iter_bytes(file.path, file.compression))[1])
        first = parse_row(next((line for line in lines if line and line.strip()), None))
    except RecordError:
        return False
    return isinstance(first, dict) and all(key in first for key in EXAMPLE_KEYS)
