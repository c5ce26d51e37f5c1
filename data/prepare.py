"""Training sets from annotations: ``python -m data prepare`` writes a Parquet file a split and ``manifest.json`` with hashes.

In: a folder of annotations (``.jsonl`` files at any depth, with texts or referring to the corpora by id; ``splits.json``; ``mentions/``).
Each article is cleaned, joined with its annotation and its figures; near-duplicates are grouped; no group stands in training and in
a split that measures. The files are what ``datasets`` reads; they hold third-party text and stay out of the repository.
"""

import hashlib
import json
import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.annotations import ANNOTATION_KEYS, check_row, iter_rows
from data.clean import CLEAN_VERSION, clean_text, clean_title
from data.corpora import join_texts
from data.dedup import Pair, find_excerpts, find_pairs, group_duplicates, group_reprints
from data.errors import InputError, RecordError, UnknownLabel
from data.mentions import KEYS as MENTION_KEYS
from data.mentions import check_mentions, move_mentions, read_mentions
from data.readers import SkipReport, iter_articles
from data.schema import Article, content_hash
from data.taxonomy import load_taxonomy

logger = logging.getLogger(__name__)

FORMAT = 1
TRAIN = "train"
SPLITS_FILE = "splits.json"
MANIFEST = "manifest.json"
MENTIONS_FOLDER = "mentions"
DOUBLE_FOLDER = "double"  # independent annotations of the same articles, a file an annotator: for agreement, no training rows
TESTS = "test"  # splits whose names begin so are measured once a checkpoint
SHARES = {"development": 0.15, "calibration": 0.1, "test": 0.1}  # where no splits.json says
Row = dict[str, Any]


@dataclass
class Prepared:
    """What ``prepare`` made: rows by split, and what it left out, to print and for the manifest."""

    splits: dict[str, list[Row]]
    sources: dict[str, str]  # file of annotations -> sha256
    without_text: list[str] = field(default_factory=list)
    near_evaluation: list[str] = field(default_factory=list)
    reprints: list[str] = field(default_factory=list)  # ids left out of training as reprints of another one there
    conflicts: list[tuple[str, str]] = field(default_factory=list)  # reprints whose labels differ
    n_compared: int = 0  # articles kept for evaluation
    n_related: int = 0
    n_lost_mentions: int = 0

    def lines(self) -> list[str]:
        """Return the counts as lines to print."""
        lines = [f"{name}: {len(rows)} articles ({_counted(rows, 'origin')})" for name, rows in self.splits.items()]
        lines.append(f"without text, left out: {len(self.without_text)}" + (" (give the --corpora that hold them)" if self.without_text else ""))
        lines.append(f"near-duplicates of the {self.n_compared} articles kept for evaluation, dropped: {len(self.near_evaluation)}")
        lines.append(f"reprints within training, dropped: {len(self.reprints)}; pairs that only share a template: {self.n_related}")
        lines += [f"reprints with other labels: {a} and {b}" for a, b in self.conflicts]
        mentions = sum(row["mentions"] is not None for rows in self.splits.values() for row in rows)
        lines.append(f"articles with annotated figures: {mentions}; figures that cleaning took away: {self.n_lost_mentions}")
        return lines


def prepare(annotations: Path, corpora: Path | None = None, against: Sequence[str | Path] = ()) -> Prepared:
    """Return the training sets of a folder of annotations.

    Args:
        annotations: folder; see the module.
        corpora: folder of ``.jsonl.zst`` with the texts of annotations that have none; those are left out without it.
        against: articles kept for evaluation elsewhere; near-duplicates of them are dropped.

    Raises:
        InputError: broken annotations or figures, an id twice, a split that names unknown articles, articles of ``against`` that cannot be read, or a
            near-duplicate that stands in training and in a split that measures.

    """
    files = find_annotation_files(annotations)
    rows = read_rows(files)
    made = Prepared({}, {str(path.relative_to(annotations)): _sha256(path) for path in files})
    bare = {id: row for id, row in rows.items() if not row.get("text")}
    if bare and corpora is not None:
        join_texts(bare, corpora)
    made.without_text = [id for id in bare if not rows[id].get("text")]
    fixed = read_splits(annotations, rows)
    left_out = set(made.without_text)
    kept = [row for id, row in rows.items() if id not in left_out]
    if not kept:
        raise InputError(f"{annotations}: no annotated article has a text")
    kept = _drop_near_evaluation(kept, against, made)
    examples = _build_examples(kept, read_figures(annotations), made)
    _assign(examples, fixed, made)
    return made


def find_annotation_files(folder: Path) -> list[Path]:
    """Return the ``.jsonl`` files of a folder that hold annotations of articles, sorted."""
    if not folder.is_dir():
        raise InputError(f"no such folder: {folder}")
    apart = {folder / MENTIONS_FOLDER, folder / DOUBLE_FOLDER}
    files = sorted(path for path in folder.rglob("*.jsonl") if not apart & set(path.parents))
    if not files:
        raise InputError(f"no .jsonl file of annotations in {folder}")
    return files


def read_rows(files: Sequence[Path]) -> dict[str, Row]:
    """Return the annotations of files by id, each with its folder's name as ``origin``.

    Raises:
        InputError: lines that are no annotations, or an id that stands twice; up to twenty are listed.

    """
    rows: dict[str, Row] = {}
    findings = []
    for where, row in (pair for path in files for pair in iter_rows(path)):
        wrong = [str(row)] if isinstance(row, RecordError) else check_row(row, ANNOTATION_KEYS)
        findings += [f"{where}: {finding}" for finding in wrong]
        if isinstance(row, RecordError) or wrong:
            continue
        if row["id"] in rows:
            findings.append(f"{where}: id {row['id']!r} stands before")
        try:
            load_taxonomy().check(row["activity"], row["industry"])
        except (UnknownLabel, ValueError) as error:
            findings.append(f"{where}: {error}")
        rows[row["id"]] = {**row, "origin": Path(where.rpartition(":")[0]).parent.name}
    if findings:
        raise InputError("annotations: " + "; ".join(findings[:20]))
    return rows


def read_splits(annotations: Path, known: Mapping[str, Any] | None = None) -> dict[str, str] | None:
    """Return the split of each article that ``splits.json`` names (all others train); None without that file.

    Raises:
        InputError: an article in two splits, or one that is not among ``known``.

    """
    path = annotations / SPLITS_FILE
    if not path.exists():
        return None
    try:
        listed = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(listed, dict) or not all(_is_split(name) and isinstance(ids, list) for name, ids in listed.items()):
        raise InputError(f"{path} must map development, calibration, test or test_… to lists of ids")
    split_of: dict[str, str] = {}
    for name, ids in listed.items():
        twice = [id for id in ids if id in split_of]
        unknown = [id for id in ids if known is not None and id not in known]
        if twice or unknown:
            raise InputError(
                f"{path}: {name} names {'articles of another split' if twice else 'unknown articles'}: {', '.join((twice or unknown)[:10])}"
            )
        split_of |= dict.fromkeys(ids, name)
    return split_of


def _is_split(name: str) -> bool:
    return name in ("development", "calibration", TESTS) or name.startswith(f"{TESTS}_")


def read_figures(annotations: Path) -> dict[str, Row]:
    """Return the annotated figures of a folder of annotations by article id."""
    folder = annotations / MENTIONS_FOLDER
    return read_mentions([folder]) if folder.is_dir() else {}


def _drop_near_evaluation(rows: list[Row], against: Sequence[str | Path], made: Prepared) -> list[Row]:
    if not against:
        return rows
    report = SkipReport()
    others = [record.text for record in iter_articles(list(against), report=report) if isinstance(record, Article)]
    if not others or report.n_skipped:
        raise InputError(f"articles kept for evaluation could not all be read, so nothing keeps training from them: {'; '.join(report.lines())}")
    made.n_compared = len(others)
    texts = [*others, *(row["text"] for row in rows)]
    pairs = [pair for pair in (*find_pairs(texts), *find_excerpts(texts)) if pair.relation != "related"]
    near = {pair.second - len(others) for pair in pairs if pair.first < len(others) <= pair.second}
    made.near_evaluation = [row["id"] for i, row in enumerate(rows) if i in near]
    return [row for i, row in enumerate(rows) if i not in near]


def _build_examples(rows: Sequence[Row], figures: Mapping[str, Row], made: Prepared) -> list[Row]:
    texts = {row["id"]: row["text"] for row in rows}
    findings = [f"{id}: {finding}" for id, own in figures.items() if id in texts for finding in check_mentions(own, texts[id])]
    if findings:
        raise InputError(f"{MENTIONS_FOLDER}: " + "; ".join(findings[:20]))
    return [_build_example(row, figures.get(row["id"]), made) for row in rows]


def _build_example(row: Row, annotated: Row | None, made: Prepared) -> Row:
    """Return the row to write, but for group and split; figures are moved onto the cleaned text."""
    cleaned = clean_text(row["text"])
    mentions = None if annotated is None else move_mentions(annotated["mentions"], cleaned.offsets)
    made.n_lost_mentions += 0 if annotated is None or mentions is None else len(annotated["mentions"]) - len(mentions)
    return {
        "id": row["id"], "title": clean_title(row.get("title")), "text": cleaned.text,
        "activity": list(row["activity"]), "industry": list(row["industry"]), "summary": row["summary"],
        "facts": {key: None if value is None else float(value) for key, value in row["facts"].items()},
        "source": row.get("source"), "url": row.get("url"), "published": row.get("published"),
        "origin": row["origin"], "text_sha256": content_hash(row["text"]), "mentions": mentions,
    }  # fmt: skip


# --- splits ----------------------------------------------------------------------------------------------------------


def _assign(examples: list[Row], fixed: Mapping[str, str] | None, made: Prepared) -> None:
    """Fill ``made.splits``: by ``splits.json``, else by a hash of each group of reprints."""
    texts = [example["text"] for example in examples]
    pairs = find_pairs(texts)
    groups = group_duplicates(texts, pairs)
    made.n_related = sum(pair.relation == "related" for pair in pairs)
    made.conflicts = [
        _ids(pair, examples) for pair in pairs if pair.relation == "duplicate" and not _agree(examples[pair.first], examples[pair.second])
    ]
    split_of = [fixed.get(example["id"], TRAIN) for example in examples] if fixed is not None else split_by_hash(texts)
    same = [pair for pair in (*pairs, *find_excerpts(texts)) if pair.relation != "related"]
    _refuse_overlap(same, split_of, examples, listed=fixed is not None)
    made.splits = {name: [] for name in dict.fromkeys([TRAIN, *sorted(set(split_of))])}
    for i, (example, group, split) in enumerate(zip(examples, groups, split_of, strict=True)):
        if group == i or split != TRAIN:
            made.splits[split].append({**example, "group": examples[group]["id"], "split": split})
        else:
            made.reprints.append(example["id"])


def _ids(pair: Pair, examples: Sequence[Row]) -> tuple[str, str]:
    return examples[pair.first]["id"], examples[pair.second]["id"]


def _agree(a: Row, b: Row) -> bool:
    return set(a["activity"]) == set(b["activity"]) and set(a["industry"]) == set(b["industry"])


def _refuse_overlap(pairs: Sequence[Pair], split_of: Sequence[str], examples: Sequence[Row], listed: bool) -> None:
    crossing = [_ids(pair, examples) for pair in pairs if split_of[pair.first] != split_of[pair.second]]
    if crossing:
        named = "; ".join(f"{a} and {b}" for a, b in crossing[:10])
        mend = f"; mend {SPLITS_FILE}" if listed else "; leave one of each out"
        raise InputError(f"{len(crossing)} near-duplicates stand in different splits, so training would see what measures it: {named}{mend}")


def split_by_hash(texts: Sequence[str], shares: Mapping[str, float] = SHARES) -> list[str]:
    """Return a split for each text, drawn from the smallest hash among its reprints and excerpts.

    So an article does not change sides when others are added, unless one of them is its reprint.
    """
    groups = group_reprints(texts)
    smallest: dict[int, str] = {}
    for group, own in zip(groups, (content_hash("".join(text.split())) for text in texts), strict=True):
        smallest[group] = min(own, smallest.get(group, own))
    # Hashed again: the smallest of several hashes is small, and would put reprinted articles into the first split.
    return [_draw_split(int(content_hash(smallest[group])[:8], 16) / 16**8, shares) for group in groups]


def _draw_split(place: float, shares: Mapping[str, float]) -> str:
    for name, share in shares.items():
        if place < share:
            return name
        place -= share
    return TRAIN


# --- files -----------------------------------------------------------------------------------------------------------


def write_prepared(made: Prepared, output: Path) -> dict[str, Any]:
    """Write ``<split>.parquet`` and ``manifest.json`` into a folder that appears whole or not at all; return the manifest.

    Raises:
        InputError: the folder exists and is no earlier output of this command.

    """
    if output.exists() and not _is_own(output):
        raise InputError(f"{output} holds other files; give an empty or new folder")
    fresh, old = output.with_name(f".{output.name}.new"), output.with_name(f".{output.name}.old")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, rows in made.splits.items():
        _write_parquet(rows, fresh / f"{name}.parquet")
    manifest = _manifest(made, fresh)
    (fresh / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if output.exists():
        output.rename(old)
    fresh.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return manifest


def _is_own(folder: Path) -> bool:
    """True for an empty folder, or one that holds what this command writes and nothing else."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    if not names:
        return True
    try:
        splits = json.loads((folder / MANIFEST).read_text("utf-8"))["splits"]
        return names <= {MANIFEST, *(f"{name}.parquet" for name in splits)}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write_parquet(rows: Sequence[Row], path: Path) -> None:
    import datasets  # takes a second to import, and only this command needs it here
    from datasets import Features, List, Value

    text = Value("string")
    number = Value("float64")
    mention = {key: Value("int64") if key in ("start", "end") else text for key in MENTION_KEYS}
    facts = dict.fromkeys(("signed_projects", "signed_amount", "total_projects", "total_amount"), number)
    strings = ("id", "title", "text", "summary", "source", "url", "published", "origin", "text_sha256", "group", "split")
    features = Features(dict.fromkeys(strings, text) | {"activity": List(text), "industry": List(text), "facts": facts, "mentions": List(mention)})
    datasets.disable_progress_bars()
    datasets.Dataset.from_list([{key: row[key] for key in features} for row in rows], features=features).to_parquet(str(path))


def _manifest(made: Prepared, folder: Path) -> dict[str, Any]:
    taxonomy = load_taxonomy()
    splits = {
        name: {
            "articles": len(rows), "sha256": _sha256(folder / f"{name}.parquet"), "origin": dict(Counter(row["origin"] for row in rows)),
            "activity": {key: sum(key in row["activity"] for row in rows) for key in taxonomy.activity},
            "industry": {key: sum(key in row["industry"] for row in rows) for key in taxonomy.industry},
        }
        for name, rows in made.splits.items()
    }  # fmt: skip
    return {
        "format": FORMAT, "taxonomy": taxonomy.version, "clean_version": CLEAN_VERSION, "splits": splits, "annotations": made.sources,
        "left_out": {"without_text": len(made.without_text), "near_evaluation": made.near_evaluation, "reprints": made.reprints},
        "related_pairs": made.n_related,
    }  # fmt: skip


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _counted(rows: Sequence[Row], key: str) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(Counter(row[key] for row in rows).items()))
