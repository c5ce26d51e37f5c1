"""Crawl noise for training: a clean article into one as crawls deliver it.

``add_noise(text, rng)`` draws which kinds of noise an article gets, by ``CRAWL``; each kind is a function in ``NOISES`` and can be used alone.
``UNDONE`` lists the kinds that ``data.clean`` takes back: for them ``clean_text(noise(text)).text == text`` on a clean text. The
others lose or move something, and the labels must hold all the same. Of ``traditional`` and ``pinyin`` an article gets one: pinyin stands in a text
that is traditional already.

What the kinds look like, and how dense they are inside an article, was counted on five articles as crawled: a converter had made all five
traditional, with pinyin behind 42 to 57 % of the converted characters (always the same characters of an article), ASCII commas throughout, and at
most one slipped full stop; one had a page's comment counter at its tail. How many articles of a crawl are hit is not known from five: ``CRAWL`` is a choice.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from opencc import OpenCC
from pypinyin import Style, pinyin

from data.clean import clean_text
from data.traditional import to_simplified

Noise = Callable[[str, random.Random], str]

PINYIN_SHARE = 0.5  # of an article's distinct converted characters that carry pinyin
DOUBLED_SHARE = 0.04  # of commas and full stops
ZERO_WIDTH_SHARE = 0.004  # of the places between characters
MIN_CUT = 400  # characters: a shorter article has no background to lose
_HALF_PUNCTUATION = str.maketrans("，；：？！（）", ",;:?!()")
_FULL_WIDTH = {code: code + 0xFEE0 for code in (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B))}
_SLIPPED = ("?，F", "?，", "?!?」", "?，?", "\ufffd\ufffd")
_HEADS = ("发布时间：2023-05-17 09:26 来源：本网 浏览次数：135", "来源：融媒体中心 字号：大 中 小", "您当前的位置：首页 > 新闻中心 > 政务要闻")
_TAILS = (
    "已有0人发表了评论",
    "责任编辑：陈晓",
    "上一篇：没有了\n下一篇：没有了",
    "分享到：微信 微博 QQ空间\n打印本页 关闭窗口",
    "编辑：林一 审核：周全 监制：许文",
)


@dataclass(frozen=True)
class Rates:
    """Share of the articles that get each kind of noise; the kinds of one article are drawn independently."""

    rates: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check names and shares.

        Raises:
            ValueError: an unknown kind, or a share outside [0, 1].

        """
        for name, share in self.rates.items():
            if name not in NOISES or not 0 <= share <= 1:
                raise ValueError(f"rates: {name}={share} must be one of {', '.join(NOISES)} with a share in [0, 1]")


def add_noise(text: str, rng: random.Random, rates: Rates | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the text with drawn noise, and the kinds it got, in the order of ``NOISES``."""
    wanted = (rates or CRAWL).rates
    drawn = [name for name in NOISES if rng.random() < wanted.get(name, 0.0)]
    # ``pinyin`` makes the text traditional itself, and marks only the characters that it converts.
    kinds = tuple(name for name in drawn if name != "traditional" or "pinyin" not in drawn)
    for name in kinds:
        text = NOISES[name](text, rng)
    return text, kinds


# --- what is lost or moved -------------------------------------------------------------------------------------------


def cut_off(text: str, rng: random.Random) -> str:
    """Return the text without its end: the last tenth to third of a long one, wherever that falls."""
    return text if len(text) < MIN_CUT else text[: int(len(text) * rng.uniform(0.67, 0.9))]


def glue_paragraphs(text: str, rng: random.Random) -> str:
    """Return the text with its line ends gone, or a blank in place of each."""
    return text.replace("\n", rng.choice(("", "", " ")))


def lose_bytes(text: str, rng: random.Random) -> str:
    """Return the text with one full stop and the character behind it turned into the mark of a slipped converter."""
    places = [match.start() for match in re.finditer("。(?=[\u4e00-\u9fff])", text)]
    if not places:
        return text
    at = rng.choice(places)
    return text[:at] + rng.choice(_SLIPPED) + text[at + 2 :]


# --- what cleaning takes back ----------------------------------------------------------------------------------------


def double_commas(text: str, rng: random.Random) -> str:
    """Return the text with some commas and full stops doubled; those of a mark of lost bytes (?，) would stay so."""
    return re.sub("(?<![?？])[，。](?![，、；：。])", lambda match: match[0] * (2 if rng.random() < DOUBLED_SHARE else 1), text)


def indent_paragraphs(text: str, rng: random.Random) -> str:
    """Return the text with two ideographic spaces before each paragraph and blanks behind it."""
    return "\n".join("\u3000\u3000" + line + rng.choice(("", " ", "\u00a0")) for line in text.split("\n"))


def halve_punctuation(text: str, rng: random.Random) -> str:
    """Return the text with the commas, colons and brackets that stand between Chinese characters in ASCII."""
    return re.sub("(?<=[\u4e00-\u9fff])[，；：？！（）](?=[\u4e00-\u9fff])", lambda match: match[0].translate(_HALF_PUNCTUATION), text)


def widen_digits(text: str, rng: random.Random) -> str:
    """Return the text with full-width digits and letters; a digit before a comma and a digit stays, lest both be read as one figure (10:40，110)."""
    return re.sub("[0-9A-Za-z](?![，：][0-9])", lambda match: match[0].translate(_FULL_WIDTH), text)


def make_traditional(text: str, rng: random.Random) -> str:
    """Return the text in traditional characters, where these lead back to the same simplified ones.

    What a character leads back to hangs on its neighbours and on the whole text's being traditional, so the whole text is asked. A text that holds a
    character which traditional text would not keep (第一批覆盖 comes back as 第一批复盖, 於 of a name as 于) stays as it is.
    """
    wanted, converted = to_simplified(text), list(_aligned(text))
    # 1. Put back the characters that come back as others; each round puts back one at least, or ends.
    while lost := [i for i in _differences(to_simplified("".join(converted)), wanted) if converted[i] != text[i]]:
        for i in lost:
            converted[i] = text[i]
    # 2. Hold the rest to the promise of ``UNDONE``.
    made = "".join(converted)
    return made if clean_text(made).text == clean_text(text).text else text


def add_pinyin(text: str, rng: random.Random) -> str:
    """Return the text in traditional characters with pinyin in brackets behind half of the converted ones."""
    converted = make_traditional(text, rng)
    changed = sorted({new for old, new in zip(text, converted, strict=True) if old != new})
    marked = {char: _pinyin(char) for char in changed if rng.random() < PINYIN_SHARE}
    return "".join(f"{char}({marked[char]})" if marked.get(char) else char for char in converted)


def add_zero_width(text: str, rng: random.Random) -> str:
    """Return the text with zero-width characters strewn in, as copied pages have them."""
    return "".join(char + (rng.choice("\u200b\u200c\ufeff") if rng.random() < ZERO_WIDTH_SHARE else "") for char in text)


def add_residue(text: str, rng: random.Random) -> str:
    """Return the text with what a page leaves at its head, its tail, or both."""
    where = rng.choice(("head", "tail", "tail", "both"))
    head = rng.choice(_HEADS) + "\n" if where != "tail" else ""
    tail = "\n" + rng.choice(_TAILS) if where != "head" else ""
    return head + text + tail


@cache
def _converter() -> OpenCC:
    return OpenCC("s2t")


def _traditional(text: str) -> str:
    converted: str = _converter().convert(text)
    return converted


def _aligned(text: str) -> str:
    """Return the conversion, character by character where words of the text get another length."""
    converted = _traditional(text)
    if len(converted) == len(text):
        return converted
    return "".join(new if len(new) == 1 else old for old, new in ((char, _traditional(char)) for char in text))


def _differences(a: str, b: str) -> list[int]:
    return [i for i, (one, other) in enumerate(zip(a, b, strict=True)) if one != other]


@cache
def _pinyin(char: str) -> str:
    """Return the toned pinyin of a character, empty where it has none with a tone mark."""
    syllable: str = pinyin(char, style=Style.TONE)[0][0]
    return syllable if any(ord(letter) > 0x7F for letter in syllable) and syllable != char else ""


# In the order in which they happen to a page: what is written, what a converter does, what the site and the crawler add.
NOISES: dict[str, Noise] = {
    "cut_off": cut_off,
    "glued": glue_paragraphs,
    "lost_bytes": lose_bytes,
    "doubled": double_commas,
    "full_width": widen_digits,
    "traditional": make_traditional,
    "pinyin": add_pinyin,
    "punctuation": halve_punctuation,
    "zero_width": add_zero_width,
    "indent": indent_paragraphs,
    "residue": add_residue,
}
UNDONE = ("doubled", "full_width", "traditional", "pinyin", "punctuation", "zero_width", "indent", "residue")
CRAWL = Rates(
    {"cut_off": 0.1, "glued": 0.15, "lost_bytes": 0.15, "doubled": 0.1, "full_width": 0.1, "traditional": 0.1, "pinyin": 0.15, "punctuation": 0.2,
     "zero_width": 0.1, "indent": 0.3, "residue": 0.3}
)  # fmt: skip
