"""What users name (files, folders, globs) to the files that hold articles.

In: one input as given. Out: ``InputFile`` records in a stable order, ``RecordError`` for what looks like an article
file and cannot be one. An input that does not exist or holds nothing is an ``InputError`` at the call.
"""

import glob
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from data.errors import InputError, RecordError

FORMATS = {".jsonl": "jsonl", ".json": "json", ".csv": "csv", ".txt": "txt", ".html": "html", ".htm": "html"}
LATER = (".xlsx", ".parquet", ".warc")
COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
_READ = f"{', '.join(FORMATS)} (each also .gz or .zst) and folders of these are read"


@dataclass(frozen=True)
class InputFile:
    """A file of articles.

    ``path`` is as given (or below the folder as given), ``name`` the path below the input, with slashes, which is the same on
    every machine; ``format`` a value of ``FORMATS``; ``compression`` '', 'gz' or 'zst'.
    """

    path: Path
    name: str
    format: str
    compression: str

    @property
    def stem(self) -> str:
        """The name without its suffixes: the id of an article that is a file."""
        name = self.name.rpartition(".")[0] if self.compression else self.name
        return name.rpartition(".")[0]


def find_files(given: str | Path, ignored: Counter[str] | None = None) -> Iterator[InputFile | RecordError]:
    """Return the files of one input: itself, or what lies in a folder or matches a glob, in the order of names.

    ``ignored`` counts files of folders and globs that are no input, by suffix. Hidden files and links to folders
    are passed over. Names are relative to the folder, or to the folder above a glob's first wildcard.

    Raises:
        InputError: at the call: the input does not exist, holds no article file, or is of a format we do not read.

    """
    path = Path(given)
    try:
        if path.is_file():
            return iter([_check_format(path)])
        roots, base = ([path], path) if path.is_dir() else _expand_glob(str(given))
    except OSError as error:
        raise InputError(f"cannot read {given}: {error.strerror}") from error
    _check_any(given, roots, base)
    counter = ignored if ignored is not None else Counter[str]()
    return (found for root in roots for found in _walk(root, base, counter))


def _check_format(path: Path) -> InputFile:
    suffix, compression = _suffixes(path)
    if suffix not in FORMATS:
        what = "are not read by this version" if suffix in LATER else "hold no articles"
        raise InputError(f"cannot read {path}: {suffix or path.suffix or 'files without suffix'} {what}; {_READ}")
    return InputFile(path, path.name, FORMATS[suffix], compression)


def _suffixes(path: PurePath) -> tuple[str, str]:
    """Return (suffix before compression, compression), in lower case."""
    compression = COMPRESSIONS.get(path.suffix.lower(), "")
    return (PurePath(path.stem).suffix if compression else path.suffix).lower(), compression


def _expand_glob(pattern: str) -> tuple[list[Path], Path]:
    """Return the matches of a glob and the folder above its first wildcard."""
    if not glob.has_magic(pattern):
        raise InputError(f"input does not exist: {pattern}")
    matches = {Path(match) for match in glob.glob(pattern, recursive=True)}  # noqa: PTH207  Path.glob takes no absolute pattern
    if not matches:
        raise InputError(f"nothing matches {pattern}")
    parts = PurePath(pattern).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    # ** matches a folder and what lies in it: the folder is enough.
    return sorted(match for match in matches if not matches.intersection(match.parents)), Path(*parts[:fixed])


def _check_any(given: str | Path, roots: list[Path], base: Path) -> None:
    """Check that at least one file can be read, as far as names tell."""
    refused = ""
    for root in roots:
        for found in _walk(root, base, Counter()):
            if isinstance(found, InputFile):
                return
            refused = refused or f" ({found.source}: {found.message})"
    raise InputError(f"no articles in {given}{refused}; {_READ}")


def _walk(path: Path, base: Path, ignored: Counter[str]) -> Iterator[InputFile | RecordError]:
    suffix, compression = _suffixes(path)
    if path.is_dir():
        if path.is_symlink() and path != base:  # may lead in circles
            ignored["(links to folders)"] += 1
        else:
            yield from _walk_folder(path, base, ignored)
    elif suffix in FORMATS:
        yield InputFile(path, path.relative_to(base).as_posix(), FORMATS[suffix], compression)
    elif suffix in LATER:
        yield RecordError("unreadable_file", f"{suffix} files are not read by this version", str(path))
    else:
        ignored[path.suffix or "(no suffix)"] += 1


def _walk_folder(path: Path, base: Path, ignored: Counter[str]) -> Iterator[InputFile | RecordError]:
    """Yield the files below a folder; one named like a file (as Spark writes ``out.json/``) must hold some."""
    try:
        children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    except OSError as error:
        yield RecordError("unreadable_file", f"cannot be listed: {error.strerror}", str(path))
        return
    empty = True
    for child in children:
        for found in _walk(child, base, ignored):
            empty = False
            yield found
    if empty and path != base and _suffixes(path)[0] in FORMATS:
        yield RecordError("unreadable_file", "is an empty folder, though named like a file", str(path))


def parse_columns(given: Sequence[str]) -> dict[str, str]:
    """Return field -> column of ``--column`` options, each ``field=NAME``.

    Raises:
        InputError: one is not of that form.

    """
    pairs = [entry.partition("=") for entry in given]
    if wrong := [entry for entry, (name, _, column) in zip(given, pairs, strict=True) if not (name and column)]:
        raise InputError(f"--column takes field=NAME, as text=内容; got {wrong[0]!r}")
    return {name.strip(): column for name, _, column in pairs}
