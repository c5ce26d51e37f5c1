"""Public corpora outside the repository: ``.jsonl.zst`` files of articles that annotations refer to by ``id``.

``iter_raw_rows(file)`` reads one in constant memory; ``join_texts(rows, folder)`` gives annotations their texts.
"""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import zstandard

from data.errors import InputError
from data.schema import content_hash
from data.streams import ZSTD_WINDOW

logger = logging.getLogger(__name__)


def iter_raw_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one ``.jsonl.zst`` file as they are, in constant memory.

    Lines end at a line feed only: some texts hold U+2028, which ``str.splitlines`` would break at.

    Raises:
        InputError: a line that is no JSON, or a damaged file.

    """
    with path.open("rb") as raw:
        number = 0
        stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).stream_reader(raw)
        try:
            for line in io.TextIOWrapper(stream, encoding="utf-8", newline="\n"):
                yield json.loads(line)
                number += 1
        except (ValueError, zstandard.ZstdError, EOFError) as error:
            raise InputError(f"{path}, behind line {number}: {error}") from error


def join_texts(rows: Mapping[str, dict[str, Any]], corpora: Path) -> list[str]:
    """Fill title, text, date and source of annotations (by id) from the corpora, in place; return the ids left without a text.

    A text whose hash is not the annotation's ``text_sha256`` is another article, and is not taken.

    Raises:
        InputError: the folder holds no ``.jsonl.zst`` file, or a broken one.

    """
    files = sorted(corpora.glob("*.jsonl.zst"), key=lambda p: p.stat().st_size)  # the annotated pool is the smallest file
    if not files:
        raise InputError(f"no .jsonl.zst file in {corpora}")
    changed = 0
    wanted = set(rows)
    for path in files:
        if not wanted:
            break
        for found in iter_raw_rows(path):
            if found.get("id") not in wanted:
                continue
            wanted.discard(found["id"])
            row = rows[found["id"]]
            if row.get("text_sha256") not in (None, content_hash(found["text"])):
                changed += 1
                continue
            row |= {"title": found.get("title"), "text": found["text"], "published": found.get("date"), "source": found.get("source")}
    missing = [id for id, row in rows.items() if not row.get("text")]
    if missing:
        logger.warning("%d annotations were not found in the corpora (%d with another text): they are left out", len(missing), changed)
    return missing
