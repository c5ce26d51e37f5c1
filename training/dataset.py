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
from data.dedup import group_reprints
from data.errors import InputError
from data.prepare import DOUBLE_FOLDER, MENTIONS_FOLDER, SPLITS_FILE
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
    """Annotated articles by what they are for. ``calibration`` and ``test`` are empty where the data names no splits."""

    train: list[Example]
    development: list[Example]
    calibration: list[Example] = field(default_factory=list)
    test: list[Example] = field(default_factory=list)


def read_splits(data: str, corpora: Path | None, dev_share: float) -> Splits:
    """Return the splits that ``python -m data prepare`` wrote, or, of plain annotations, training and development by hash.

    Raises:
        InputError: as ``read_examples``; or prepared data without articles to train on or to develop with.

    """
    rows = read_rows(data, corpora)
    if not any(row.get("split") for row in rows):
        train, development = split_examples([to_example(row) for row in rows], dev_share)
        return Splits(train, development)
    by_split: dict[str, list[Example]] = {}
    for row in rows:
        by_split.setdefault(row.get("split") or "train", []).append(to_example(row))
    if missing := [name for name in ("train", "development") if not by_split.get(name)]:
        raise InputError(f"{data}: no articles in split {', '.join(missing)}")
    return Splits(*(by_split.get(name, []) for name in ("train", "development", "calibration", "test")))


def read_examples(data: str, corpora: Path | None = None) -> list[Example]:
    """Return the annotated articles of files or folders, cleaned; each text once.

    Raises:
        InputError: nothing to read, or annotations without text and no corpora to join them with.
        UnknownLabel: labels outside the taxonomy.

    """
    return [to_example(row) for row in read_rows(data, corpora)]


def read_rows(data: str, corpora: Path | None = None) -> list[dict[str, Any]]:
    """Return the rows behind ``read_examples``, with their texts; each text once."""
    rows = [row for path in find_files(data) for row in _read_rows(path)]
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

    The side is drawn from the hash of the text (of the smallest hash among near-duplicates), so an article does not
    change sides when others are added, unless one of them is its reprint.
    """
    groups = group_reprints([example.article.text for example in examples])
    hashes = [content_hash("".join(example.article.text.split())) for example in examples]
    smallest: dict[int, str] = {}
    for group, own in zip(groups, hashes, strict=True):
        smallest[group] = min(own, smallest.get(group, own))
    in_dev = [int(smallest[group][:8], 16) / 16**8 < dev_share for group in groups]
    train = [example for example, dev in zip(examples, in_dev, strict=True) if not dev]
    return train, [example for example, dev in zip(examples, in_dev, strict=True) if dev]
