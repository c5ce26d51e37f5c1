"""Pinyin that a site or a converter put behind characters: ``產(chǎn)業(yè)`` -> ``產業``.

Takes a text, gives the spans of the brackets to drop. Real bracketed Latin (``(AI)``, ``(km)``, ``(gross)``) stays:
what stands in the bracket must be Mandarin syllables, and must carry a tone mark. Without a tone mark (neutral tone:
``的(de)``) it counts only in a text that has toned brackets, directly behind a Chinese character.
"""

import re
import unicodedata
from functools import lru_cache

from data.width import CJK

# Final -> the initials it goes with ("-" is no initial). v stands for ü. Together the 410 syllables of the standard,
# the interjections (hm, ng, ...) left out.
_TABLE = """
a:- b p m f d t n l g k h zh ch sh z c s | o:- b p m f l | e:- m d t n l g k h zh ch sh r z c s
ai:- b p m d t n l g k h zh ch sh z c s | ei:- b p m f d t n l g k h zh sh z c | ao:- b p m d t n l g k h zh ch sh r z c s
ou:- p m f d t n l g k h zh ch sh r z c s | an:- b p m f d t n l g k h zh ch sh r z c s | en:- b p m f d n g k h zh ch sh r z c s
ang:- b p m f d t n l g k h zh ch sh r z c s | eng:- b p m f d t n l g k h zh ch sh r z c s
ong:d t n l g k h zh ch r z c s | i:b p m d t n l j q x zh ch sh r z c s y | ia:d l j q x | iao:b p m d t n l j q x | ie:b p m d t n l j q x
iu:m d n l j q x | ian:b p m d t n l j q x | in:b p m n l j q x y | iang:n l j q x | ing:b p m d t n l j q x y | iong:j q x
u:b p m f d t n l g k h zh ch sh r z c s j q x y w | ua:g k h zh ch sh r | uo:d t n l g k h zh ch sh r z c s | uai:g k h zh ch sh
ui:d t g k h zh ch sh r z c s | uan:d t n l g k h zh ch sh r z c s j q x y | un:d t n l g k h zh ch sh r z c s j q x y | uang:g k h zh ch sh
v:n l | ve:n l | ue:n l j q x y | er:-
a:y w | o:y w | e:y | ai:w | ei:w | ao:y | ou:y | an:y w | en:w | ang:y w | eng:w | ong:y
"""
SYLLABLES = frozenset(
    ("" if initial == "-" else initial) + final.strip()
    for cell in _TABLE.replace("\n", "|").split("|")
    if cell.strip()
    for final, _, initials in [cell.partition(":")]
    for initial in initials.split()
)
_TONES = frozenset("\u0304\u0301\u030c\u0300\u0306")  # the last, breve, is what people type for the third tone
_UNITS = frozenset(("ha", "pa", "mu"))  # hectare, pascal, mu: bracketed units that happen to be syllables
_LETTER = "a-zA-Z\u00c0-\u0233\u0251\u0261\u0300-\u030c\u1e00-\u1eff"
# At most 40 characters inside, so a text of nothing but opening brackets stays linear.
_BRACKET = re.compile(f"[(（]([ {_LETTER}]{{1,40}})[)）]")
_ORPHAN = re.compile(f"[{_LETTER}]{{1,9}}[)）]")
_CHINESE = re.compile(f"[{CJK}]")


def find_pinyin(text: str) -> list[tuple[int, int]]:
    """Return the spans of pinyin brackets, in order."""
    found = [(match, _kind(match[1])) for match in _BRACKET.finditer(text)]
    if not any(kind == "toned" and _follows_something(text, match.start()) for match, kind in found):
        return []
    return [match.span() for match, kind in found if _is_annotation(text, match.start(), kind)]


def match_orphan(text: str, start: int) -> int | None:
    """Return the end of toned pinyin with a closing bracket only (``jié)``) at ``start``: its opening half was lost."""
    match = _ORPHAN.match(text, start)
    return match.end() if match and _kind(match.group()[:-1]) == "toned" else None


def _is_annotation(text: str, start: int, kind: str) -> bool:
    """Say whether a bracket of that kind, opening at ``start``, annotates what stands before it."""
    if kind == "toned":
        return _follows_something(text, start)
    return kind == "plain" and start > 0 and _CHINESE.match(text, start - 1) is not None


def _follows_something(text: str, start: int) -> bool:
    """Say whether the bracket is glued to a character; that is a letter where the annotated one was lost: ``F(xiàn)``."""
    return start > 0 and not text[start - 1].isspace()


@lru_cache(maxsize=4096)
def _kind(content: str) -> str:
    """Return ``toned``, ``plain`` (one lower-case syllable without tone) or ``other``."""
    letters = unicodedata.normalize("NFD", content.replace("ɑ", "a").replace("ɡ", "g"))
    bare = "".join(c for c in letters if c not in _TONES).replace("u\u0308", "v")
    syllables = bare.lower().split()
    if not 1 <= len(syllables) <= 4 or not SYLLABLES.issuperset(syllables):
        return "other"
    if any(c in _TONES for c in letters):
        return "toned"
    plain = len(syllables) == 1 and bare.islower() and len(syllables[0]) > 1 and syllables[0] not in _UNITS
    return "plain" if plain else "other"
