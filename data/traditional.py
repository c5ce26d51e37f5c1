"""Traditional characters to simplified ones, characters only: no word is exchanged for a mainland one.

Takes a text, gives one of the same length. OpenCC's ``t2s`` does the work; the tables below list the characters it
would get wrong in news. Simplified text is not touched: characters that occur in it as part of a name stay.
"""

import re
from dataclasses import dataclass
from functools import cache

from opencc import OpenCC

from data.width import CJK


@dataclass(frozen=True)
class Kept:
    """A character that stays, except inside the words the pattern ``unless`` matches."""

    character: str
    unless: str | None
    why: str


# Stay in every text.
KEPT = (
    Kept(
        "乾",
        "[饼餅烘风風晒曬吹擦晾烤阴陰豆肉鱼魚果萄笋筍]乾(?!坤)|乾[净淨燥旱杯脆货貨粮糧洗果枯涸电電粉式冰草湿濕物料酪重]",
        "干 only where it means dry; else a name: 乾县, 乾隆, 乾坤, 康乾, given names",
    ),
    Kept(
        "昇",
        "[提上晋晉飙飆攀回爬抬拉跃躍]昇|昇[级級值起华華温溫高降格任学學迁遷空旗天压壓幅势勢级級]",
        "升 only as the verb rise; else a name: 毕昇, 昇腾 chips, given names",
    ),
    Kept("濛", "[迷空溟灰]濛|濛濛", "蒙 only as drizzle or haze; else a name: 王濛, 濛溪河"),
    Kept("吒", "叱吒", "咤 only in 叱咤; the common word is 哪吒"),
    Kept("薹", None, "蒜薹, 菜薹, 芸薹 are written so in simplified text; 苔 is moss"),
    Kept("劏", None, "劏房 is written so everywhere; OpenCC's 㓥 is in no news font"),
    Kept("噁", "噁心", "噁 of chemistry (二噁英, 噁唑) is a standard character; 恶 only in 恶心"),
    Kept("瞭", "瞭[解如若然]|明瞭|[一]目瞭", "了 only as to understand; 瞭望, 瞭哨 stay"),
)
# Stay in simplified text, where they are names or accepted variants; change in a text that is traditional throughout.
KEPT_IN_SIMPLIFIED = (
    Kept("於", None, "surname 於, 樊於期, 於潜; in traditional text almost always the preposition 于"),
    Kept("徵", None, "魏徵, the note in 宫商角徵羽, given names; in traditional text 徵求, 特徵"),
    Kept("崑", None, "given names (梁靖崑); in traditional text 崑山, 崑崙"),
    Kept("峯", None, "given names"),
    Kept("樑", None, "given names; in traditional text 橋樑"),
    Kept("樸", None, "given names, and 朴 would be read as the surname Piao"),
    Kept("夥", None, "甚夥 (many); in traditional text 夥伴"),
    Kept("拚", None, "accepted variant (拚搏) in mainland papers"),
    Kept("捱", None, "accepted variant of 挨"),
    Kept("摺", None, "存摺, 奏摺 and pleating"),
    Kept("醣", None, "a term of chemistry beside 糖"),
    Kept("袷", None, "袷袢, a coat, is not 夹"),
    Kept("麴", None, "surname 麴"),
    Kept("榘", None, "given names"),
    Kept("陞", None, "given names (杨联陞)"),
    Kept("谿", None, "place and given names"),
    Kept("脩", None, "束脩, given names"),
    Kept("祕", None, "surname 祕, 祕鲁 in older papers"),
    Kept("氾", None, "surname 氾, 氾水"),
    Kept("劄", None, "given names, 目劄"),
    Kept("篠", None, "Japanese surnames as papers print them"),
    Kept("塚", None, "Japanese surnames as papers print them"),
    Kept("鉅", None, "company names, where 巨 would be another company"),
)
# The particle is 着 in simplified text; t2s leaves 著 alone because 著 (to write, outstanding) is a character of its own.
_PARTICLE = re.compile("(?<![显顯卓名专專原编編合论論巨钜鉅土昭遗遺译譯彰较較共])著(?![名作称稱述书書录錄者])")
_QUOTES = str.maketrans("「」『』", "“”‘’")
_MIN_SHARE = 0.03  # of the Chinese characters; a simplified article with a stray traditional name stays below
_CHINESE = re.compile(f"[{CJK}]")
_IN_WORDS = frozenset("瞭藉")  # OpenCC changes these only in words; others like them (坏 in 土坏) are sound simplified characters
_KEPT = {row.character: row for row in KEPT}
_NAMES = frozenset(row.character for row in KEPT_IN_SIMPLIFIED)


def to_simplified(text: str, characters: frozenset[str] | None = None) -> str:
    """Return ``text`` in simplified characters; same length.

    The quotation marks 「」『』 become “”‘’ where any character changes: they belong to the script. ``characters`` are
    those of the text, where the caller has them already.
    """
    return _convert(text) if not changing().isdisjoint(characters or frozenset(text)) else text


@cache
def changing() -> frozenset[str]:
    """Return every character that changes somewhere: what ``t2s`` changes, without those it turns into a rare one.

    Simplified forms beyond U+FFFF (𫖯 for 頫) are in few fonts and in no vocabulary; papers print the old form.
    """
    ranges = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32400))
    every = "\n".join(chr(code) for low, high in ranges for code in range(low, high))
    alone = zip(every, _t2s().convert(every), strict=True)
    return frozenset(old for old, new in alone if old != new and ord(new) <= 0xFFFF) | _IN_WORDS


def is_traditional(text: str) -> bool:
    """Say whether a text is traditional throughout, leaving out the characters that simplified text uses in names."""
    sure = changing() - _NAMES - _KEPT.keys()
    count = sum(text.count(c) for c in frozenset(text) & sure)
    return count > 0 and count >= _MIN_SHARE * len(_CHINESE.findall(text))


@cache
def _t2s() -> OpenCC:
    """Return the converter, loaded once."""
    return OpenCC("t2s")


def _convert(text: str) -> str:
    """Return the conversion with the kept characters put back."""
    traditional = is_traditional(text)
    new = list(_aligned(text))
    for place in _kept_places(text, new, traditional):
        new[place] = text[place]
    if traditional:
        for match in _PARTICLE.finditer(text):
            new[match.start()] = "着"
    simplified = "".join(new)
    return simplified.translate(_QUOTES) if simplified != text else text


def _kept_places(text: str, new: list[str], traditional: bool) -> list[int]:
    """Return the places of changed characters that the tables keep."""
    changed = [i for i, (old, c) in enumerate(zip(text, new, strict=True)) if old != c]
    present = frozenset(text[i] for i in changed)
    spoken = {i for c in present & _KEPT.keys() for i in _word_places(text, _KEPT[c])}
    return [i for i in changed if _is_kept(text[i], new[i], traditional, i in spoken)]


def _is_kept(old: str, new: str, traditional: bool, in_word: bool) -> bool:
    """Say whether the tables keep ``old``, which OpenCC made ``new``."""
    if ord(new) > 0xFFFF or (old in _KEPT and not in_word):
        return True
    return not traditional and (old in _NAMES or old not in changing())


def _word_places(text: str, row: Kept) -> list[int]:
    """Return where the character stands in one of the words in which it changes."""
    return [i for match in re.finditer(row.unless, text) for i in range(*match.span())] if row.unless else []


def _aligned(text: str) -> str:
    """Return OpenCC's conversion, character by character where it would change a line's length."""
    whole: str = _t2s().convert(text)
    if len(whole) == len(text):
        return whole
    return "\n".join(_aligned_line(line) for line in text.split("\n"))


def _aligned_line(line: str) -> str:
    """Return the conversion of a line, or of each of its characters alone where the lengths differ."""
    new: str = _t2s().convert(line)
    return new if len(new) == len(line) else "".join(_aligned_character(c) for c in line)


def _aligned_character(c: str) -> str:
    """Return the conversion of one character, or itself."""
    new: str = _t2s().convert(c)
    return new if len(new) == 1 else c
