"""Texts that are none: binary data, or bytes decoded wrongly beyond repair.

In: the text of one article as submitted, by whatever route. Out: whether it is refused as ``not_text``.
"""

import re

from data.mojibake import repair_mojibake

# Control characters that no text holds, the replacement character, non-characters.
_GARBAGE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufffd\ufffe\uffff]")
GARBAGE_SHARE = 0.03  # of the characters, as for the bytes of files (data.encodings); a few stray ones of a crawl stay text
GARBAGE_FLOOR = 4


def is_garbage(text: str) -> bool:
    """Return whether more than 3% of ``text`` (and more than 4) are characters that text does not hold.

    UTF-8 read as Latin-1 is full of control characters and loses nothing: what cleaning repairs is judged repaired.
    """
    if not _is_riddled(text):
        return False
    repair = repair_mojibake(text)
    return repair is None or _is_riddled(repair.text)


def _is_riddled(text: str) -> bool:
    return len(_GARBAGE.findall(text)) > max(GARBAGE_FLOOR, GARBAGE_SHARE * len(text))
