"""Whole texts that were decoded wrongly: UTF-8 read as Latin-1 / Windows-1252, or as GBK.

Takes a text, gives the right one with the source span of each character, and only where nothing was lost: the round
trip must be exact and the result clearly Chinese. Anything less stays as it is and is flagged by ``data.damage``.
"""

import re
from dataclasses import dataclass

from data.width import CJK

_CHINESE = re.compile(f"[{CJK}]")
# 的 。 ， 在 是 中 人 工 项 招 目 as UTF-8 read as GBK: no Chinese text of twenty characters goes without all of them.
_GBK_TELLING = frozenset("鐨銆锛鍦鏄涓浜宸椤鎷鐩")
_MIN_SHARE = 0.3  # of the repaired characters that must be Chinese
_CP1252 = {byte: bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xA0)}
_LATIN_BYTES = {c: byte for byte, c in _CP1252.items()} | {chr(byte): byte for byte in range(256)}


@dataclass(frozen=True)
class Repair:
    """The repaired text; its character i was made from characters [starts[i], ends[i]) of the broken one."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def repair_mojibake(text: str, characters: frozenset[str] | None = None) -> Repair | None:
    """Return the repair of a text that is mojibake from end to end, or None.

    ``characters`` are those of the text, where the caller has them already.
    """
    characters = characters or frozenset(text)
    return _repair(text, _latin_bytes(text, characters)) or _repair(text, _gbk_bytes(text, characters))


def _latin_bytes(text: str, characters: frozenset[str]) -> list[bytes] | None:
    """Return the byte of each character read as Latin-1 or Windows-1252; None where the text holds anything else."""
    if text.isascii() or not characters <= _LATIN_BYTES.keys():
        return None
    return [bytes((_LATIN_BYTES[c],)) for c in text]


def _gbk_bytes(text: str, characters: frozenset[str]) -> list[bytes] | None:
    """Return the bytes of each character read as GBK; None where the text does not look like that."""
    if sum(text.count(c) for c in characters & _GBK_TELLING) * 40 < len(text):
        return None
    try:
        return [c.encode("gbk") for c in text]
    except UnicodeEncodeError:
        return None


def _repair(text: str, encoded: list[bytes] | None) -> Repair | None:
    """Return the UTF-8 reading of the bytes where it is valid and clearly Chinese."""
    if not encoded:
        return None
    try:
        repaired = b"".join(encoded).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if len(_CHINESE.findall(repaired)) < _MIN_SHARE * len(repaired) or len(repaired) >= len(text):
        return None
    return _align(repaired, encoded)


def _align(repaired: str, encoded: list[bytes]) -> Repair:
    """Return the repair with the characters that hold each new character's first and last byte."""
    owner = [i for i, piece in enumerate(encoded) for _ in piece]  # byte -> character of the broken text
    starts, ends, at = [], [], 0
    for c in repaired:
        size = len(c.encode("utf-8"))
        starts.append(owner[at])
        ends.append(owner[at + size - 1] + 1)
        at += size
    return Repair(repaired, tuple(starts), tuple(ends))
