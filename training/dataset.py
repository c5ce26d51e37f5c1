"""Annotated articles for training: files that ``datasets`` reads in, examples with stable splits out.

Annotations of third-party articles come without text and are joined by ``id`` with the corpora folder; the hash of the
text must agree. Reprints of one article are on one side of the split.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import datasets

from data.clean import clean_text, clean_title
from data.errors import InputError
from data.schema import Annotation, Article, Example, Facts, content_hash
from data.taxonomy import load_taxonomy

logger = logging.getLogger(__name__)
datasets.disable_progress_bars()  # they would stand between the lines of the log
_RARE = 12  # texts; n-grams that more hold are phrases of the trade
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
        files += sorted(p for p in part.rglob("*") if p.suffix in _BUILDERS) if part.is_dir() else [part]
    if not files:
        raise InputError(f"no .jsonl or .parquet files in {data}")
    return files


def read_examples(data: str, corpora: Path | None = None) -> list[Example]:
    """Return the annotated articles of files or folders, cleaned; each text once.

    Raises:
        InputError: nothing to read, or annotations without text and no corpora to join them with.
        UnknownLabel: labels outside the taxonomy.

    """
    rows = [row for path in find_files(data) for row in _read_rows(path)]
    bare = {row["id"]: row for row in rows if not row.get("text")}
    if bare and corpora is None:
        logger.warning("%d annotations have no text and no --corpora was given: they are left out", len(bare))
        rows = [row for row in rows if row.get("text")]
    elif bare and corpora is not None:
        _join_texts(bare, corpora)
        rows = [row for row in rows if row.get("text")]
    taxonomy = load_taxonomy()
    for row in rows:
        taxonomy.check(row["activity"], row["industry"])
    unique = {content_hash(row["text"]): row for row in rows}
    if not unique:
        raise InputError(f"no annotated article with text in {data}")
    return [to_example(row) for row in unique.values()]


def _read_rows(path: Path) -> Iterable[dict[str, Any]]:
    table = datasets.load_dataset(_BUILDERS[path.suffix], data_files=str(path), split="train", keep_in_memory=True)
    return [dict(row) for row in table]


def _join_texts(rows: dict[str, dict[str, Any]], corpora: Path) -> None:
    """Fill title and text of annotations from the corpora, in place; a changed text is left out and counted."""
    from training.corpus import iter_raw_rows

    changed = 0
    wanted = set(rows)
    for path in sorted(corpora.glob("*.jsonl.zst"), key=lambda p: p.stat().st_size):  # the annotated pool is the smallest file
        if not wanted:
            break
        for found in iter_raw_rows(path):
            row = rows.get(found["id"])
            if row is None:
                continue
            wanted.discard(found["id"])
            if row.get("text_sha256") not in (None, content_hash(found["text"])):
                changed += 1
                continue
            row |= {"title": found.get("title"), "text": found["text"], "published": found.get("date"), "source": found.get("source")}
    missing = sum(not row.get("text") for row in rows.values())
    if missing:
        logger.warning("%d annotations were not found in the corpora (%d with another text): they are left out", missing, changed)


def to_example(row: dict[str, Any]) -> Example:
    """Return one row of the annotation guide's form as an example, title and text cleaned."""
    article = Article(
        id=str(row["id"]), text=clean_text(row["text"]).text, title=clean_title(row.get("title")),
        published=row.get("published"), source=row.get("source"), url=row.get("url"),
    )  # fmt: skip
    facts = Facts(**{key: row["facts"].get(key) for key in Facts.__dataclass_fields__}) if row.get("facts") else Facts()
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


def group_reprints(texts: Sequence[str], n: int = 8, share: float = 0.4) -> list[int]:
    """Return a group number for each text; texts that share ``share`` of the shorter one's character n-grams are one group.

    An index of the n-grams that few texts hold keeps this near linear: what everybody writes says nothing of a reprint.
    """
    grams = [{squeezed[i : i + n] for i in range(max(1, len(squeezed) - n + 1))} for squeezed in ("".join(text.split()) for text in texts)]
    holders: dict[str, list[int]] = {}
    for i, own in enumerate(grams):
        for gram in own:
            holders.setdefault(gram, []).append(i)
    together = Counter(pair for found in holders.values() if 1 < len(found) <= _RARE for pair in itertools.combinations(found, 2))
    parent = list(range(len(texts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for (a, b), count in together.items():
        if count >= share * min(len(grams[a]), len(grams[b])):
            parent[root(a)] = root(b)
    return [root(i) for i in range(len(texts))]
