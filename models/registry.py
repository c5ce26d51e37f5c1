"""Checkpoint folders: what is in them, that it is what was saved, and nothing else is loaded.

A checkpoint is a folder of safetensors, JSON, a tokenizer and a card, with ``manifest.json``:
hashes of every file, taxonomy and cleaning version, thresholds, metrics, training config. ``open_checkpoint``
refuses a folder whose files, labels or versions do not match, and anything that could run code when read.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from data.clean import CLEAN_VERSION
from data.errors import CheckpointRefused
from data.taxonomy import Taxonomy

FORMAT = 1
MANIFEST = "manifest.json"
# A config names its class; these are the ones we run. No auto_map, so no code from a checkpoint.
CLASSIFIER_TYPES = frozenset({"modernbert", "bert", "roberta", "electra", "ernie", "xlm-roberta", "deberta-v2", "albert"})
SUMMARIZER_TYPES = frozenset({"t5", "mt5", "bart", "mbart", "pegasus", "copy-decoder"})  # the last is our own, see models/copynet.py
OUTCOMES_TYPES = frozenset({"fact-ranker"})  # our own, see models/factrank.py
SELECTION_TYPES = frozenset({"clause-selector"})  # our own, see models/selector.py
ALLOWED_SUFFIXES = frozenset({".json", ".safetensors", ".txt", ".md", ".model"})
Kind = Literal["classifier", "summarizer", "outcomes", "selection"]


@dataclass(frozen=True)
class Manifest:
    """What ``manifest.json`` says of one checkpoint."""

    kind: Kind
    name: str
    version: str
    taxonomy: Taxonomy
    clean_version: int
    decoding: dict[str, Any]  # thresholds and temperatures, or generation settings
    metrics: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """Return NAME@VERSION."""
        return f"{self.name}@{self.version}"

    @property
    def sha256(self) -> str:
        """Return one hash over the hashes of all files."""
        listed = "".join(f"{path}:{entry['sha256']}\n" for path, entry in sorted(self.files.items()))
        return hashlib.sha256(listed.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``manifest.json``."""
        return {
            "format": FORMAT, "kind": self.kind, "name": self.name, "version": self.version, "clean_version": self.clean_version,
            "taxonomy": {**self.taxonomy.to_json(), "sha256": self.taxonomy.sha256}, "decoding": self.decoding,
            "metrics": self.metrics, "config": self.config, "files": self.files,
        }  # fmt: skip


def hash_file(path: Path) -> str:
    """Return the sha256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def label_names(taxonomy: Taxonomy) -> list[str]:
    """Return the classifier's outputs in order: ``activity/…``, ``industry/…``, ``main/…``."""
    groups = (("activity", taxonomy.activity), ("industry", taxonomy.industry), ("main", taxonomy.activity))
    return [f"{group}/{key}" for group, keys in groups for key in keys]


def save_checkpoint(folder: Path, manifest: Manifest, write: Callable[[Path], None], card: str) -> Manifest:
    """Write a checkpoint beside its place and swap it in at once; a stop on the way leaves the old one whole.

    Args:
        folder: where the checkpoint shall be.
        manifest: everything but ``files``, which is filled here.
        write: puts model and tokenizer files into the folder it is given.
        card: the model card, Markdown.

    Returns:
        The manifest with the hashes of every file.

    """
    _restore(folder)
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write(fresh)
    (fresh / "README.md").write_text(card, "utf-8")
    for path in fresh.rglob("*.json"):
        _drop_local_paths(path)
    for path in fresh.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # safetensors writes 0600: a server's own user could not read it
    files = {p.relative_to(fresh).as_posix(): {"sha256": hash_file(p), "bytes": p.stat().st_size} for p in sorted(fresh.rglob("*")) if p.is_file()}
    complete = Manifest(**{**manifest.__dict__, "files": files})
    (fresh / MANIFEST).write_text(json.dumps(complete.to_json(), ensure_ascii=False, indent=1) + "\n", "utf-8")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)
    return complete


def write_config(folder: Path, settings: dict[str, Any]) -> None:
    """Write the ``config.json`` of a checkpoint that is not a ``transformers`` model."""
    (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n", "utf-8")


def _restore(folder: Path) -> None:
    """Bring back the old checkpoint where a stop fell between the two renames of ``save_checkpoint``."""
    old = folder.with_name(folder.name + ".old")
    if old.exists() and not folder.exists():
        old.replace(folder)


def _drop_local_paths(path: Path) -> None:
    """Remove the paths of this machine that ``transformers`` writes into configs."""
    if path.name in ("config.json", "tokenizer_config.json"):
        row = json.loads(path.read_text("utf-8"))
        if row.pop("_name_or_path", None) is not None or row.pop("name_or_path", None) is not None:
            path.write_text(json.dumps(row, ensure_ascii=False, indent=1) + "\n", "utf-8")


def open_checkpoint(folder: Path, kind: Kind) -> Manifest:
    """Check a checkpoint folder completely and return its manifest; nothing of it has been loaded before.

    Raises:
        CheckpointRefused: no manifest, another format or kind, a file missing, added, changed or of a forbidden
            type, labels that differ from the taxonomy, another cleaning version, a model class we do not run.

    """
    _restore(folder)
    manifest = _read_manifest(folder)
    if manifest.kind != kind:
        raise CheckpointRefused(f"{folder}: a {manifest.kind} checkpoint, expected a {kind}")
    _check_files(folder, manifest)
    _check_config(folder, manifest)
    if manifest.clean_version != CLEAN_VERSION:
        raise CheckpointRefused(f"{folder}: made for cleaning version {manifest.clean_version}, this is version {CLEAN_VERSION}; retrain it")
    return manifest


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise CheckpointRefused(f"{folder}: no checkpoint here ({MANIFEST} is missing)")
    try:
        row = json.loads(path.read_text("utf-8"))
        if row["format"] != FORMAT:
            raise CheckpointRefused(f"{folder}: checkpoint format {row['format']}, this program reads {FORMAT}")
        taxonomy = Taxonomy.from_json(row["taxonomy"])
        if taxonomy.sha256 != row["taxonomy"]["sha256"]:
            raise CheckpointRefused(f"{folder}: the taxonomy does not match its hash")
        keys = ("kind", "name", "version", "clean_version", "decoding", "metrics", "config", "files")
        manifest = Manifest(taxonomy=taxonomy, **{key: row[key] for key in keys})
        for key in ("decoding", "metrics", "config", "files"):
            if not isinstance(row[key], dict):
                raise TypeError(f"{key} must be an object")
        if any(not isinstance(entry["sha256"], str) for entry in manifest.files.values()):
            raise TypeError("sha256 must be a string")
        return manifest
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointRefused(f"{path}: not a manifest of format {FORMAT} ({type(error).__name__}: {error})") from error


def _check_files(folder: Path, manifest: Manifest) -> None:
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {MANIFEST}
    missing, added = sorted(set(manifest.files) - present), sorted(present - set(manifest.files))
    if missing:
        raise CheckpointRefused(f"{folder}: files are missing: {', '.join(missing)}")
    if added:
        raise CheckpointRefused(f"{folder}: files that the manifest does not list: {', '.join(added)}")
    for name, entry in manifest.files.items():
        if Path(name).suffix not in ALLOWED_SUFFIXES:
            raise CheckpointRefused(f"{folder}: {name} is not allowed (safetensors, JSON and text only; nothing pickled)")
        found = hash_file(folder / name)
        if found != entry["sha256"]:
            raise CheckpointRefused(f"{folder}: {name} has changed (sha256 {found[:12]}…, expected {entry['sha256'][:12]}…)")


def _check_config(folder: Path, manifest: Manifest) -> None:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        named = config.get("id2label", {})
        labels = [named.get(str(i)) for i in range(len(named))]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CheckpointRefused(f"{folder}: config.json cannot be read ({type(error).__name__}: {error})") from error
    types = {"classifier": CLASSIFIER_TYPES, "summarizer": SUMMARIZER_TYPES, "outcomes": OUTCOMES_TYPES, "selection": SELECTION_TYPES}
    allowed = types[manifest.kind]
    if config.get("model_type") not in allowed:
        raise CheckpointRefused(f"{folder}: model type {config.get('model_type')!r} is not one of {', '.join(sorted(allowed))}")
    if "auto_map" in config:
        raise CheckpointRefused(f"{folder}: config.json names code of its own (auto_map)")
    if manifest.kind == "classifier" and labels != label_names(manifest.taxonomy):
        raise CheckpointRefused(f"{folder}: the labels of config.json are not those of the taxonomy, in its order")
