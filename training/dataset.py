"""Annotated articles for training: files that ``datasets`` reads in (prepared Parquet or plain annotations), examples with stable splits out.

Annotations of third-party articles come without text and are joined by ``id`` with the corpora folder; the hash of the
text must agree. Reprints of one article are on one side of the split.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets

from data.annotations import COUNTS
from data.clean import clean_text, clean_title
from data.corpora import join_texts
from data.errors import InputError
from data.prepare import DOUBLE_FOLDER, MENTIONS_FOLDER, SPLITS_FILE, TRAIN, split_by_hash
from data.prepare import read_splits as read_split_names
from data.schema import Annotation, Article, Example, Facts, content_hash
from data.taxonomy import load_taxonomy

logger = logging.getLogger(__name__)
datasets.disable_progress_bars()  # they would stand between the lines of the log
_BUILDERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}


def find_files(data: str) -> list[Path]:
    """Return the files of a comma-separated list of files and folders, sorted.

    Raises:
        InputError: a path that does not exist, or nothing to read.

    """
    files: list[Path] = []
    for part in (Path(p.strip()) for p in data.split(",") if p.strip()):
        if not part.exists():
            raise InputError(f"no such file or folder: {part}")
        files += _find_in_folder(part) if part.is_dir() else [part]
    if not files:
        raise InputError(f"no .jsonl or .parquet files in {data}")
    return files


@dataclass(frozen=True)
class Splits:
    """Annotated articles by what they are for. ``calibration`` and ``tests`` (by name) are empty where the data names no splits."""

    train: list[Example]
    development: list[Example]
    calibration: list[Example] = field(default_factory=list)
    tests: dict[str, list[Example]] = field(default_factory=dict)

    @property
    def ids(self) -> set[str]:
        """Return the ids of all articles."""
        return {e.article.id for part in (self.train, self.development, self.calibration, *self.tests.values()) for e in part}


def read_splits(data: str, corpora: Path | None, dev_share: float) -> Splits:
    """Return the splits that ``python -m data prepare`` wrote or ``splits.json`` names; without them, training and development by hash.

    Raises:
        InputError: as ``read_examples``; or no article to train on.

    """
    by_split: dict[str, list[Example]] = {}
    for row in read_rows(data, corpora):
        by_split.setdefault(row.get("split") or TRAIN, []).append(to_example(row))
    train, development = by_split.pop(TRAIN, []), by_split.pop("development", [])
    if not train:
        raise InputError(f"{data}: no articles to train on")
    if not development:
        train, development = split_examples(train, dev_share)
    return Splits(train, development, by_split.pop("calibration", []), by_split)


def read_training(data: str, corpora: Path | None = None) -> list[Example]:
    """Return the articles of ``read_examples`` that train: those of splits that measure are left out."""
    return [to_example(row) for row in read_rows(data, corpora) if (row.get("split") or TRAIN) == TRAIN]


def read_examples(data: str, corpora: Path | None = None) -> list[Example]:
    """Return the annotated articles of files or folders, cleaned; each text once.

    Raises:
        InputError: nothing to read, or annotations without text and no corpora to join them with.
        UnknownLabel: labels outside the taxonomy.

    """
    return [to_example(row) for row in read_rows(data, corpora)]


def read_rows(data: str, corpora: Path | None = None) -> list[dict[str, Any]]:
    """Return the rows behind ``read_examples``, with their texts and, where known, their split; each text once.

    Raises:
        InputError: as ``read_examples``; some articles have splits and others none, or one text stands in two of them.

    """
    rows = [row for path in find_files(data) for row in _with_split(path, _read_rows(path))]
    _refuse_mixture(rows, data)
    bare = {row["id"]: row for row in rows if not row.get("text")}
    if bare and corpora is None:
        logger.warning("%d annotations have no text and no --corpora was given: they are left out", len(bare))
    elif bare and corpora is not None:
        join_texts(bare, corpora)
    taxonomy = load_taxonomy()
    unique = {content_hash(row["text"]): row for row in rows if row.get("text")}
    for row in unique.values():
        taxonomy.check(row["activity"], row["industry"])
    if not unique:
        raise InputError(f"no annotated article with text in {data}")
    return list(unique.values())


def _with_split(path: Path, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a file with the split that ``splits.json`` of its folder, or of the one above, gives them."""
    read = list(rows)
    folder = next((f for f in (path.parent, path.parent.parent) if (f / SPLITS_FILE).exists()), None)
    if folder is None or all(row.get("split") for row in read):
        return read
    split_of = read_split_names(folder) or {}
    return [{**row, "split": row.get("split") or split_of.get(row["id"], TRAIN)} for row in read]


def _refuse_mixture(rows: Sequence[dict[str, Any]], data: str) -> None:
    """Raise where training would see what measures it."""
    named = sum(bool(row.get("split")) for row in rows)
    if named not in (0, len(rows)):
        raise InputError(
            f"{data}: {named} articles have a split and {len(rows) - named} have none; put them into one folder and run `python -m data prepare`"
        )
    splits: dict[str, str] = {}
    for row in rows:
        key = row.get("text_sha256") or content_hash(row.get("text") or "")
        if splits.setdefault(key, row.get("split") or TRAIN) != (row.get("split") or TRAIN):
            raise InputError(f"{data}: the text of {row['id']} stands in split {splits[key]} and in {row['split']}")


def _find_in_folder(folder: Path) -> list[Path]:
    """Return the files of annotations below a folder; what lies beside them (figures, double annotations, manifests) is none."""
    apart = {folder / MENTIONS_FOLDER, folder / DOUBLE_FOLDER, folder / SPLITS_FILE, folder / "manifest.json"}
    return sorted(p for p in folder.rglob("*") if p.suffix in _BUILDERS and not apart & {p, *p.parents})


def _read_rows(path: Path) -> Iterable[dict[str, Any]]:
    table = datasets.load_dataset(_BUILDERS[path.suffix], data_files=str(path), split="train", keep_in_memory=True)
    return [dict(row) for row in table]


def to_example(row: dict[str, Any]) -> Example:
    """Return one row of the annotation guide's form as an example, title and text cleaned."""
    article = Article(
        id=str(row["id"]), text=clean_text(row["text"]).text, title=clean_title(row.get("title")),
        published=row.get("published"), source=row.get("source"), url=row.get("url"),
    )  # fmt: skip
    given = row.get("facts") or {}
    facts = Facts(**{key: int(value) if key in COUNTS and value is not None else value for key, value in given.items()})
    return Example(article, Annotation(article.id, tuple(row["activity"]), tuple(row["industry"]), row.get("summary") or "", facts))


def split_examples(examples: Sequence[Example], dev_share: float) -> tuple[list[Example], list[Example]]:
    """Return training and development examples; reprints of one article are on the same side.

    The side is drawn from a hash of the text, so an article does not change sides when others are added, unless one of them is its reprint.
    """
    in_dev = [split != TRAIN for split in split_by_hash([example.article.text for example in examples], {"development": dev_share})]
    train = [example for example, dev in zip(examples, in_dev, strict=True) if not dev]
    return train, [example for example, dev in zip(examples, in_dev, strict=True) if dev]
