"""Crawled Chinese text into clean simplified text, with a map of offsets back to what was submitted.

``clean_text`` runs ordered named steps over one article and says which of them changed or flagged something. A clean
article passes byte-identical. Cleaning is idempotent: the steps are repeated until none finds anything, since one may
uncover work for an earlier one (full-width pinyin brackets); a second round is the rule for dirty text, a third rare.
"""

import html.entities
import re
from collections.abc import Callable
from dataclasses import dataclass

from data.damage import Span, find_damage, shield, unshield
from data.mojibake import repair_mojibake
from data.offsets import Edit, OffsetMap, TrackedText
from data.pinyin import find_pinyin
from data.residue import find_residue
from data.traditional import to_simplified
from data.width import CJK, to_full_punctuation, to_half_width

CLEAN_VERSION = 1  # checkpoints carry it; raise it with every change that alters any cleaned text
MAX_ROUNDS = 12

_LINE_ENDS = "\r\x0b\x0c\u0085\u2028\u2029"
_SPACES = "\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_DROPPED = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U0010ffff"
_CONTROL = re.compile(f"\r\n?|[{_LINE_ENDS[1:]}]|[{_DROPPED}{_PRIVATE}]+|[\ud800-\udfff]")
_BLANK_RUN = re.compile(f"[ \n{_SPACES}]+")
_ENTITY = re.compile(r"&(?:amp;){0,8}(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,11});")
_CLOSING = "，。；：！？、）》】"
_OPENING = "，、（《【"
# A space before a closing mark or behind an opening one is typesetting. One behind a sentence end, a colon or a
# semicolon marks a lost line break, and one between characters may separate names, so those stay.
_INNER_SPACE = re.compile(f" (?=[{_CLOSING}])")
# Eight letter-spaced characters or more (招 商 引 资 …) are typesetting; fewer may be a list of names.
_SPACED_OUT = re.compile(f"(?<![{CJK}])[{CJK}](?: [{CJK}](?![{CJK}])){{7,}}")
_DOUBLED = re.compile("[，、；：。]{2,}")
_REPEATED = re.compile("([，、；：。])\\1+")


@dataclass(frozen=True)
class Cleaned:
    """A cleaned text; ``steps`` changed or flagged something, ``damage`` are spans of ``text`` where bytes were lost."""

    text: str
    steps: tuple[str, ...]
    damage: tuple[Span, ...]
    offsets: OffsetMap

    def to_source(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the submitted text that ``text[start:end]`` came from.

        Raises:
            ValueError: the span does not lie inside the text.

        """
        return self.offsets.to_source(start, end)


def clean_text(text: str) -> Cleaned:
    """Return the article cleaned; linear in its length."""
    draft, fired = _run(text, STEPS)
    damage = find_damage(draft.text, draft.characters)
    if damage:
        fired.add("lost_bytes")
    return Cleaned(draft.text, tuple(step for step in STEPS if step in fired), damage, draft.offsets)


def clean_title(title: str | None) -> str | None:
    """Return a title cleaned onto one line, or None where nothing is left of it."""
    if title is None:
        return None
    steps = {name: step for name, step in STEPS.items() if name != "residue"}
    draft, _ = _run(title, steps)
    if "\n" in draft.text:  # joining lines may put a space before a mark, so the steps look once more
        draft, _ = _run(draft.text.replace("\n", " "), steps)
    return draft.text or None


def _run(text: str, steps: "dict[str, Step]") -> tuple[TrackedText, set[str]]:
    """Run the steps in rounds until nothing changes; return the text and the names of the steps that changed it."""
    draft, fired = TrackedText(text), set[str]()
    for _ in range(MAX_ROUNDS):
        before = draft.text
        for name, step in steps.items():
            at_step = draft.text
            step(draft)
            if draft.text != at_step and name != "lost_bytes":
                fired.add(name)
        if _is_shielded(draft):
            draft.substitute(unshield(draft.text))
        if draft.text == before:
            break
    return draft, fired


def _is_shielded(draft: TrackedText) -> bool:
    """Say whether the text holds marks that ``_shield_damage`` put out of reach."""
    return max(draft.characters, default="") >= "\U000f0000"


def _repair_mojibake(draft: TrackedText) -> None:
    """Read a wholly mis-decoded text again."""
    if repair := repair_mojibake(draft.text, draft.characters):
        draft.rebuild(repair.text, repair.starts, repair.ends)


def _resolve_entities(draft: TrackedText) -> None:
    """Put the character for HTML entities left in the text (``&nbsp;``, ``&ldquo;``, ``&amp;quot;``)."""
    if "&" in draft.characters:
        edits = [(match.start(), match.end(), _entity(match)) for match in _ENTITY.finditer(draft.text)]
        draft.edit(edit for edit in edits if edit[2] is not None)  # type: ignore[misc]


def _entity(match: re.Match[str]) -> str | None:
    """Return the character of an entity, or None for a name that does not exist."""
    name = match[1]
    if not name.startswith("#"):
        return html.entities.html5.get(name + ";")
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    return chr(code) if code <= 0x10FFFF else None


def _remove_control(draft: TrackedText) -> None:
    """Drop characters without a glyph, make every line end LF, every lone surrogate U+FFFD."""
    if _CONTROL.search("".join(draft.characters)):
        draft.edit((*match.span(), _control(match.group())) for match in _CONTROL.finditer(draft.text))


def _control(found: str) -> str:
    """Return what a control character or a run of them becomes."""
    if found[0] in _LINE_ENDS:
        return "\n"
    return "\ufffd" if "\ud800" <= found <= "\udfff" else ""


def _normalise_spaces(draft: TrackedText) -> None:
    """Collapse blanks: one space within a line, none at line ends, at most one empty line; drop those of typesetting."""
    if _has_odd_spaces(draft):
        draft.edit(_blank_edits(draft.text))
    if " " in draft.characters:
        draft.edit(_typeset_edits(draft.text))


def _has_odd_spaces(draft: TrackedText) -> bool:
    """Say whether any run of blanks is not in its normal form."""
    text = draft.text
    odd = any(pair in text for pair in ("  ", " \n", "\n ", "\n\n\n")) or text[:1].isspace() or text[-1:].isspace()
    return odd or _ODD_SPACE.search("".join(draft.characters)) is not None


_ODD_SPACE = re.compile(f"[{_SPACES}]")


def _blank_edits(text: str) -> list[Edit]:
    """Return the edits that bring each run of blanks into its normal form."""
    edits = []
    for match in _BLANK_RUN.finditer(text):
        start, end = match.span()
        inner = "\n" * min(match.group().count("\n"), 2) or " "
        blank = inner if start and end < len(text) else ""
        if blank != match.group():
            edits.append((start, end, blank))
    return edits


def _typeset_edits(text: str) -> list[Edit]:
    """Return the edits that drop spaces which only typesetting put there."""
    drop = {match.start() for match in _INNER_SPACE.finditer(text) if match.start()}
    drop |= {i + 1 for opening in _OPENING for i in _places(text, opening + " ")}
    for match in _SPACED_OUT.finditer(text):
        drop |= {i for i in range(*match.span()) if text[i] == " "}
    return [(i, i + 1, "") for i in sorted(drop)]


def _places(text: str, part: str) -> list[int]:
    """Return where ``part`` begins, each time."""
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1)
    return found


def _drop_pinyin(draft: TrackedText) -> None:
    """Drop pinyin in brackets behind characters."""
    if not draft.characters.isdisjoint("(（"):
        draft.edit((start, end, "") for start, end in find_pinyin(draft.text))


def _shield_damage(draft: TrackedText) -> None:
    """Put marks of lost bytes out of reach of the steps that follow; the round's end puts them back."""
    if damage := find_damage(draft.text, draft.characters):
        draft.substitute(shield(draft.text, damage))


def _narrow(draft: TrackedText) -> None:
    """Make full-width digits, letters and figure signs ASCII."""
    draft.substitute(to_half_width(draft.text))


def _widen_punctuation(draft: TrackedText) -> None:
    """Make ASCII punctuation next to Chinese full-width."""
    if not draft.characters.isdisjoint(",;:?!()"):
        draft.substitute(to_full_punctuation(draft.text))


def _collapse_doubled(draft: TrackedText) -> None:
    """Collapse doubled punctuation: ``，，`` -> ``，``, ``，。`` -> ``。``; three full stops are an ellipsis."""
    runs = ((*match.span(), _collapsed(match.group())) for match in _DOUBLED.finditer(draft.text))
    draft.edit(edit for edit in runs if edit[2] != draft.text[edit[0] : edit[1]])


def _collapsed(run: str) -> str:
    """Return a run of separators without repeats, and without commas before a full stop."""
    if len(run) > 2 and set(run) == {"。"}:
        return "……"
    single = _REPEATED.sub("\\1", run)
    while (shorter := _REPEATED.sub("\\1", re.sub("[，、；]+。", "。", single))) != single:
        single = shorter
    return single


def _simplify(draft: TrackedText) -> None:
    """Make traditional characters simplified."""
    draft.substitute(to_simplified(draft.text, draft.characters))


def _drop_residue(draft: TrackedText) -> None:
    """Drop what the page left at head and tail."""
    draft.edit((start, end, "") for start, end in find_residue(draft.text))


Step = Callable[[TrackedText], None]
STEPS: dict[str, Step] = {
    "mojibake": _repair_mojibake,  # first: control characters are part of the misread bytes
    "entities": _resolve_entities,
    "control": _remove_control,
    "spaces": _normalise_spaces,
    "pinyin": _drop_pinyin,
    "lost_bytes": _shield_damage,  # behind pinyin, which may stand inside a mark; before all that would repair a mark
    "full_width": _narrow,
    "punctuation": _widen_punctuation,
    "doubled": _collapse_doubled,
    "traditional": _simplify,
    "residue": _drop_residue,  # last: its patterns are written in simplified characters
}
