"""Statistics of a dump and of annotations, as lines to print; memory grows with the number of articles by 4 bytes each."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.annotations import FACTS, LABEL_KEYS
from data.errors import RecordError
from data.inputs import InputFile, find_files
from data.prepare import DOUBLE_FOLDER, SPLITS_FILE, TRAIN, find_annotation_files, read_figures, read_rows, read_splits
from data.readers import parse_row
from data.schema import Article, Example, Group
from data.streams import iter_bytes, iter_lines, open_text
from data.taxonomy import OTHER, load_taxonomy

QUANTILES = (0, 5, 25, 50, 75, 95, 100)  # percent
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)(?:19|20)\d\d(?=\d{4}(?!\d))")  # 2024-05-01, 2024年, 20240501
TOP = 10
Row = dict[str, Any]


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


@dataclass(frozen=True)
class CorpusStatistics:
    """Counts of a folder of annotations, a column for each folder in it (``authored``, ``real``); texts are not needed."""

    rows: Mapping[str, Sequence[Row]]  # by folder
    splits: Mapping[str, int]
    n_double: int
    n_mentions: int

    @classmethod
    def read(cls, folder: Path) -> "CorpusStatistics":
        """Count a folder.

        Raises:
            InputError: broken annotations, or splits that name unknown articles.

        """
        rows = read_rows(find_annotation_files(folder))
        by_origin: dict[str, list[Row]] = {}
        for row in rows.values():
            by_origin.setdefault(row["origin"], []).append(row)
        split_of = read_splits(folder, rows) or {}
        times = Counter(id for path in sorted((folder / DOUBLE_FOLDER).glob("*.jsonl")) for id in read_rows([path]))
        n_double = sum(n >= 2 for n in times.values())
        return cls(by_origin, Counter(split_of.get(id, TRAIN) for id in rows), n_double, len(read_figures(folder)))

    def lines(self) -> list[str]:
        """Return the counts as tables to print."""
        everything = [row for rows in self.rows.values() for row in rows]
        columns = [*self.rows.items(), ("together", everything)] if len(self.rows) > 1 else list(self.rows.items())
        outside = sum(row["activity"] == [OTHER] for row in everything)
        return [
            f"annotated articles: {', '.join(f'{name} {len(rows)}' for name, rows in columns)}",
            f"outside the domain ({OTHER}): {outside}, {outside / max(1, len(everything)):.1%}; without industry: {sum(not row['industry'] for row in everything)}",
            f"splits: {join_counts(sorted(self.splits.items()))}",
            f"annotated twice: {self.n_double}; with annotated figures: {self.n_mentions}",
            *self._label_lines("activity", columns),
            *self._label_lines("industry", columns),
            *self._fact_lines(columns),
        ]

    def _label_lines(self, group: Group, columns: Sequence[tuple[str, Sequence[Row]]]) -> list[str]:
        taxonomy = load_taxonomy()
        lines = [f"{group}:".ljust(24) + "".join(name.rjust(18) for name, _ in columns)]
        for key in taxonomy.group(group):
            cells = (self._cell(group, key, rows) for _, rows in columns)
            lines.append(f"  {key:22}" + "".join(cell.rjust(18) for cell in cells) + f"  {taxonomy.name(group, key)}")
        return lines

    def _cell(self, group: Group, key: str, rows: Sequence[Row]) -> str:
        n = sum(key in row[group] for row in rows)
        return f"{n} ({sum(row[group][0] == key for row in rows)} main)" if group == "activity" else str(n)

    def _fact_lines(self, columns: Sequence[tuple[str, Sequence[Row]]]) -> list[str]:
        cells = {key: [str(sum(row["facts"][key] is not None for row in rows)) for _, rows in columns] for key in FACTS}
        return ["facts given:", *(f"  {key:22}" + "".join(cell.rjust(18) for cell in row) for key, row in cells.items())]


def is_corpus(path: Path) -> bool:
    """True for a folder of annotations: it says its splits, or holds annotations that refer to their articles by id."""
    if not path.is_dir():
        return False
    return (path / SPLITS_FILE).exists() or any(_has_keys(file, (*LABEL_KEYS, "text_sha256")) for file in sorted(path.rglob("*.jsonl"))[:50])


def join_counts(counts: Iterable[tuple[str, int]]) -> str:
    """Return ``name n, name n``."""
    return ", ".join(f"{name} {n}" for name, n in counts)


def find_annotated(inputs: Iterable[str | Path]) -> list[Path]:
    """Return the ``.jsonl`` files of the inputs whose first record is an annotated article."""
    files = [file for given in inputs for file in find_files(given) if isinstance(file, InputFile) and file.format == "jsonl"]
    return [file.path for file in files if _is_annotated(file)]


def _is_annotated(file: InputFile) -> bool:
    return _has_keys(file.path, (*LABEL_KEYS, "text"), file.compression)


def _has_keys(path: Path, keys: Sequence[str], compression: str = "") -> bool:
    try:
        lines = iter_lines(open_text(iter_bytes(path, compression))[1])
        first = parse_row(next((line for line in lines if line and line.strip()), None))
    except RecordError:
        return False
    return isinstance(first, dict) and all(key in first for key in keys)
