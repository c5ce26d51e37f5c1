"""Marks that lost bytes leave in a text: found and shown, never guessed at.

Takes a text, gives the spans of the marks. What is known to leave them:

- a decoder that met an impossible byte: ``\N{REPLACEMENT CHARACTER}``, and ``锟斤拷`` where two of them were read again as GBK;
- memory that was never written, read as GBK: ``烫烫烫``, ``屯屯屯``;
- UTF-8 read as Latin-1 (``Ã¤Â¸``) or as GBK (``銆``), where it is not the whole text (that is ``data.mojibake``);
- a byte-wise GBK converter that slipped: the full stop 。 is A1 A3; its first byte became ``?``, its second took the
  next character's first, and so on until the reading fell into step again. ``。現`` becomes ``?，F`` (or ``?,F``),
  ``。「`` becomes ``?！?``, and longer stretches become rare characters behind ``?！``. All of a stretch is unreliable.
"""

import re
from functools import lru_cache

from data.pinyin import match_orphan
from data.width import CJK

Span = tuple[int, int]

_CP1252 = "\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122"
_LOST = re.compile("\ufffd+")
_PLAIN = re.compile(f"(?:锟斤拷|斤拷锟|拷锟斤)[锟斤拷]*|烫{{3,}}|屯{{3,}}|葺{{3,}}|锘[挎匡]|銆\\S?|\\?{{4,}}|(?<=[{CJK}])〓(?=[{CJK}])")
_LATIN = re.compile(f"[\u00c2-\u00f4][\u0080-\u00bf{_CP1252}][\u0080-\u00ff{_CP1252}]+")
_LATIN_PAIR = re.compile(f"[\u00c2-\u00f4][\u0080-\u00bf{_CP1252}]")
_LATIN_TRIPLE = re.compile(f"[\u00e2-\u00ef][\u0080-\u00bf{_CP1252}]{{2}}")
_LATIN_LEADS = frozenset(map(chr, range(0xC2, 0xF5)))
_TELLING = frozenset("?\ufffd拷烫屯葺锘銆〓") | _LATIN_LEADS
_BROKEN_TAIL = frozenset("，、；：．？,;:")  # never behind a half-width question mark in sound text
_MAYBE_TAIL = frozenset("！!?")  # emphasis, unless what follows is broken too
_WIDE_LATIN = re.compile("[\uff02-\uff07\uff0a\uff0b\uff0d-\uff19\uff1c-\uff1e\uff20-\uff5e]")  # what 。 plus most first bytes turns into
_CLOSERS = frozenset("」』”’》】）")
_REACH, _GAP = 48, 7  # longest slipped stretch, and sound-looking characters in a row inside one
_LOOK = 10  # characters that are read shifted to see whether they make more sense
_USUAL = frozenset(
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    "十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重"
    "新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联"
    "這個國來時們會說對後過發經現實關開業產點從還與長門見學進區資體動員應機間為總強場題當無設將導極"
)
_SHIFT = 0xF0000


def find_damage(text: str, characters: frozenset[str] | None = None) -> tuple[Span, ...]:
    """Return the spans of the marks of lost bytes, in order, neighbours joined.

    ``characters`` are those of the text, where the caller has them already: most texts are done with that.
    """
    return _find(text) if not _TELLING.isdisjoint(characters or frozenset(text)) else ()


def shield(text: str, spans: tuple[Span, ...]) -> str:
    """Return ``text`` with the characters in ``spans`` moved to private use, where no cleaning step touches them."""
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += (text[at:start], "".join(chr(ord(c) + _SHIFT) if ord(c) < 0xFFFE else c for c in text[start:end]))
        at = end
    return "".join((*pieces, text[at:]))


def unshield(text: str) -> str:
    """Undo ``shield``."""
    return _SHIELDED.sub(lambda match: "".join(chr(ord(c) - _SHIFT) for c in match.group()), text)


_SHIELDED = re.compile(f"[{chr(_SHIFT)}-{chr(_SHIFT + 0xFFFD)}]+")


def _find(text: str) -> tuple[Span, ...]:
    """Return the joined spans of every kind of mark."""
    spans = [match.span() for match in _PLAIN.finditer(text)]
    spans += [(match.start(), _letter(text, _stretch_end(text, match.end()))) for match in _LOST.finditer(text)]
    spans += [span for match in _LATIN.finditer(text) if (span := _latin_span(match))]
    spans += [(i, end) for i in _question_marks(text) if (end := _slip_end(text, i))]
    return _join(sorted(spans))


def _join(spans: list[Span]) -> tuple[Span, ...]:
    """Return sorted spans with touching and overlapping ones joined."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)


def _latin_span(match: re.Match[str]) -> Span | None:
    """Return the span of UTF-8 read as Latin-1, or None for an accented word before a punctuation mark."""
    run = match.group().rstrip("“”‘’…—")
    sure = _LATIN_TRIPLE.search(run) or len(_LATIN_PAIR.findall(run)) > 1
    return (match.start(), match.start() + len(run)) if sure else None


def _question_marks(text: str) -> list[int]:
    """Return the places of half-width question marks glued to something that is not Latin."""
    return [match.start() for match in re.finditer(r"\?", text) if match.start() and ord(text[match.start() - 1]) > 0x036F]


def _slip_end(text: str, mark: int) -> int | None:
    """Return where the slipped stretch that begins with the ``?`` at ``mark`` ends, or None if it is a real question."""
    start = mark + 1
    if _reads_better_shifted(text, start):
        return _letter(text, _word_end(text, start + 1))
    follower = text[start : start + 1]
    if follower in _MAYBE_TAIL or (follower.isascii() and follower.isalnum()):
        return _orphan_end(text, start) or _doubtful_end(text, start + 1)
    if follower in _BROKEN_TAIL or _WIDE_LATIN.match(follower):
        return _letter(text, _stretch_end(text, start + 1))
    if follower and _is_rare_letter(follower):
        return _stretch_end(text, start)
    return _orphan_end(text, start)


def _reads_better_shifted(text: str, start: int) -> bool:
    """Say whether what follows a ``?`` turns into usual Chinese when the lost byte of a full stop is put before it."""
    head, rest = text[start : start + 1], text[start + 1 : start + _LOOK]
    wide = chr(ord(head) + 0xFEE0) if "!" <= head <= "~" else head
    if not "！" <= wide <= "～":
        return False
    shifted = (b"\xa1" + (wide + rest).encode("gbk", "ignore")).decode("gbk", "ignore")
    usual = sum(c in _USUAL for c in shifted)
    return shifted.startswith("。") and usual > 1 and usual > sum(c in _USUAL for c in rest)


def _word_end(text: str, at: int) -> int:
    """Return the end of the characters from ``at`` on that can be garbled ones; at most ``_REACH`` of them."""
    for i in range(at, min(at + _REACH, len(text))):
        if not _is_word(text[i]):
            return i
    return min(at + _REACH, len(text))


def _orphan_end(text: str, at: int) -> int | None:
    """Return the end of a stretch that begins with half a pinyin bracket (``?jié)``), or None."""
    orphan = match_orphan(text, at)
    return _stretch_end(text, orphan) if orphan else None


def _doubtful_end(text: str, at: int) -> int | None:
    """Return the end of a stretch behind ``?！``: ``?！?」`` or rare characters; None behind real emphasis."""
    if text[at - 1] in "！!" and text[at : at + 1] == "?":
        return at + 2 if text[at + 1 : at + 2] in _CLOSERS else at + 1
    end = _stretch_end(text, at)
    return end if end > at else None


def _stretch_end(text: str, at: int) -> int:
    """Return the end of the garbled characters from ``at`` on, or ``at`` where the text goes on soundly.

    A slipped stretch mixes rare characters with usual ones, so up to ``_GAP`` usual ones are bridged. It has to begin
    with a rare one among its first three.
    """
    end, limit = at, at + 3
    for i in range(at, min(at + _REACH, len(text))):
        if i >= limit or not _is_word(text[i]):
            break
        if _is_garbled(text[i]):
            end, limit = i + 1, i + 2 + _GAP
    return end if end == at else _letter(text, end)


def _letter(text: str, at: int) -> int:
    """Return ``at``, or one more where a lone ASCII letter, the half of a character, ends the stretch (``?，F場``)."""
    alone = "@" <= text[at : at + 1] <= "~" and "\u2e80" <= text[at + 1 : at + 2] <= "\ufaff"
    return at + 1 if alone else at


def _is_word(c: str) -> bool:
    """Say whether a character can stand inside a slipped stretch (no ASCII, space or usual punctuation)."""
    return _is_garbled(c) or (c.isalpha() and ord(c) > 0x2E80)


@lru_cache(maxsize=8192)
def _is_garbled(c: str) -> bool:
    """Say whether a character hardly occurs in Chinese news: Greek, boxes, circled numbers, kana, rare ideographs."""
    code = ord(c)
    return _is_rare_letter(c) or 0x2460 <= code <= 0x25FF or 0x3040 <= code <= 0x33FF


@lru_cache(maxsize=8192)
def _is_rare_letter(c: str) -> bool:
    """Say whether a character is Greek, Cyrillic, or an ideograph outside GB 2312 and outside the common half of Big5."""
    code = ord(c)
    if 0x0370 <= code <= 0x052F:
        return True
    if not (0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF):
        return False
    gb, big5 = c.encode("gb2312", "ignore"), c.encode("big5", "ignore")
    return not gb and not (big5 and 0xA4 <= big5[0] <= 0xC6)
