"""Strict JSON for bodies of strangers: UTF-8 only, no NaN, no key twice, bounded depth, no lone surrogates left.

``parse_json(body)`` gives the value, or a ``Problem`` that says what is wrong.
"""

import json
import re
from typing import Any, NoReturn

from serving.problems import Problem

MAX_DEPTH = 32  # of nested lists and objects; ours need 3
# Bytes outside strings. A request of 64 documents has a few thousand; eight megabytes of "[]," would hold the
# interpreter for seconds, probes included.
MAX_STRUCTURE_BYTES = 2**18
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LONE = re.compile("[\ud800-\udfff]")


def parse_json(body: bytes) -> Any:
    """Return the value of a request body.

    Raises:
        Problem: ``bad_json`` or ``bad_encoding``.

    """
    if not body.strip():
        raise Problem("bad_json", "the body is empty")
    if len(body) > MAX_STRUCTURE_BYTES and len(_STRING.sub(b"", body)) > MAX_STRUCTURE_BYTES:
        raise Problem("bad_json", "it holds far more values than a request can")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("bad_encoding", f"the body is not UTF-8 (byte {error.start})") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise Problem("bad_json", f"nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        raise Problem("bad_json", f"{error.msg} (line {error.lineno}, column {error.colno})") from None
    except ValueError as error:  # our own refusals, and integers of thousands of digits
        raise Problem("bad_json", str(error)) from None
    _check_depth(value, MAX_DEPTH)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise ValueError("an object holds the same key twice")
    return row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not left:
        raise Problem("bad_json", f"nested deeper than {MAX_DEPTH} levels")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, left - 1)


def has_lone_surrogate(text: str) -> bool:
    r"""Return whether ``text`` holds half of a surrogate pair (``\ud800``), which no UTF-8 answer can carry."""
    return not text.isascii() and _LONE.search(text) is not None


def without_surrogates(value: Any) -> Any:
    """Return a JSON value with every lone surrogate, in keys too, as U+FFFD."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value) if has_lone_surrogate(value) else value
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
    return value
