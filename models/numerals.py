"""Number words of Chinese text as decimals: ``160多亿``, ``一百二十亿``, ``三五十``, ``1,256.8``, ``5个亿``, ``1亿2000万``.

Text with half-width digits comes in; ``match_number(text, position)`` gives the number that starts there, without any
unit. Every pattern is possessive, so a run of number characters is read once: linear time.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

Vague = Literal["exact", "over", "about", "range"]
Reading = tuple[Decimal, Decimal | None, Vague]

DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
POWERS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
SOME = "几数"  # 几十, 数十: an unknown digit, read as 1 (the lower end)

# 千瓦, 千米 and 百分之 are no powers: 22万千瓦 is 22万 of 千瓦.
_POWER = "(?:[十万亿]|百(?!分)|千(?![瓦米克伏赫卡安]))"
_DIGIT = f"[{''.join(DIGITS)}]"
# 5个亿 is a number; 5个亿元以上项目 are five projects.
_OF_YI = "个(?=亿(?!元?(?:及?以上|级|项目|企业|产业|园区|工程)))"
_NUMBER = re.compile(
    rf"(?P<arabic>\d++(?:,\d{{3}}(?!\d))*+(?:\.\d++)?+)(?P<more>[多余来几])?+(?:{_OF_YI})?+(?P<powers>{_POWER}{{0,4}}+)(?P<after>[多余])?+"
    rf"|(?P<han>(?:[{''.join(DIGITS)}{SOME}]|{_POWER})++)(?P<point>点{_DIGIT}++)?+(?P<han_more>[多余来])?+(?:{_OF_YI})?+"
    rf"(?P<han_powers>(?<=[多余来个{''.join(DIGITS)}]){_POWER}{{1,4}}+)?+(?P<han_after>[多余])?+"
)
NUMBER_START = re.compile(rf"[\d{''.join(DIGITS)}{''.join(POWERS)}{SOME}]")
_MAX_LENGTH = 24  # a longer run of number characters is no number of a news text


@dataclass(frozen=True)
class Number:
    """A number at ``[start, end)``; ``high`` is set where the word itself is a range (三五十).

    ``scale`` is the power written behind the digits (10**8 in 30亿): the lower end of 20-30亿 shares it.
    ``power_only`` marks 百, 千亿 and so on without a digit: a quantity only in company (近百家, 亿元以上).
    """

    start: int
    end: int
    low: Decimal
    high: Decimal | None = None
    vague: Vague = "exact"
    arabic: bool = True
    power_only: bool = False
    scale: int = 1


def match_number(text: str, position: int) -> tuple[Number | None, int]:
    """Return the number at ``position`` (None where malformed) and the end of what was read, at least one character on."""
    match = _NUMBER.match(text, position)
    if match is None:
        return None, position + 1
    if match.end() - position > _MAX_LENGTH:
        return None, match.end()
    number = _read_arabic(match) if match["arabic"] else _read_han(match)
    return (None if number is None else _join_lower(text, number)), match.end()


def parse_han(word: str) -> Reading | None:
    """Return (low, high, vagueness) of a Chinese number word, None where it is none.

    十二 -> 12; 二〇二四 -> 2024; 三五十 -> 30 to 50; 数十亿 -> about 10**9; 十几 -> over 10; 一百二 -> 120.
    """
    if any(char in SOME for char in word):
        return _read_some(word)
    if len(word) >= 3 and all(char in DIGITS for char in word):  # digit by digit
        return Decimal("".join(str(DIGITS[char]) for char in word)), None, "exact"
    pairs = [i for i in range(len(word) - 1) if DIGITS.get(word[i], 0) > 0 and word[i + 1] in DIGITS]
    if pairs:
        return _read_pair(word, pairs[0])
    value = _integer(word)
    return None if value is None else (Decimal(value), None, "exact")


def power_of(word: str) -> int:
    """Return the product of the power characters of ``word``: 万亿 -> 10**12."""
    product = 1
    for char in word:
        product *= POWERS.get(char, 1)
    return product


def _read_arabic(match: re.Match[str]) -> Number:
    scale = power_of(match["powers"])
    vague: Vague = "over" if match["more"] or match["after"] else "exact"
    return Number(match.start(), match.end(), Decimal(match["arabic"].replace(",", "")) * scale, None, vague, scale=scale)


def _read_han(match: re.Match[str]) -> Number | None:
    reading = _with_point(match["han"], match["point"]) if match["point"] else parse_han(match["han"])
    if reading is None:
        return None
    low, high, vague = reading
    scale = power_of(match["han_powers"] or "")
    if match["han_more"] or match["han_after"]:
        high, vague = None, "over"
    return Number(
        match.start(),
        match.end(),
        low * scale,
        None if high is None else high * scale,
        vague,
        arabic=False,
        power_only=all(char in POWERS for char in match["han"]) and match["han"] != "十" and not match["han_more"],
        scale=scale * power_of(match["han"].lstrip("".join(DIGITS) + SOME + "十百千")),
    )


def _join_lower(text: str, number: Number) -> Number:
    """Return 1亿2000万 as one number: a second one of a lower power follows directly."""
    second = _NUMBER.match(text, number.end)
    if not number.arabic or number.scale < 10**4 or number.vague != "exact" or second is None or not second["arabic"]:
        return number
    lower = _read_arabic(second)
    if not 1 < lower.scale < number.scale or lower.low >= number.scale:
        return number
    return replace(number, end=lower.end, low=number.low + lower.low, vague=lower.vague, scale=lower.scale)


def _with_point(whole: str, point: str) -> Reading | None:
    reading = parse_han(whole)
    if reading is None or reading[1] is not None:
        return None
    return reading[0] + Decimal("0." + "".join(str(DIGITS[char]) for char in point[1:])), None, "exact"


def _read_some(word: str) -> Reading | None:
    if word[-1] == "几" and word[-2:-1] in ("十", "百"):  # 十几, 二十几
        value, vague = _integer(word[:-1]), "over"
    elif len(word) > 1 and word[1] in POWERS:  # 几十, 数百万
        value, vague = _integer("一" + word[1:]), "about"
    else:
        return None
    return None if value is None else (Decimal(value), None, "over" if vague == "over" else "about")


def _read_pair(word: str, i: int) -> Reading | None:
    """Return the range of two neighbouring digits: 两三 is 2 to 3, 十七八 is 17 to 18, 三五十 is 30 to 50."""
    if DIGITS[word[i + 1]] - DIGITS[word[i]] != 1 and word[i : i + 2] != "三五":
        return None
    low, high = _integer(word[: i + 1] + word[i + 2 :]), _integer(word[:i] + word[i + 1 :])
    return None if low is None or high is None else (Decimal(low), Decimal(high), "range")


def _integer(word: str) -> int | None:
    """Return the integer of a well-formed number word: parts of 亿, of 万, and the rest; None where it is not."""
    total = 0
    for mark in "亿万":
        if mark not in word:
            continue
        head, _, word = word.rpartition(mark)
        part = _integer(head) if mark == "亿" and "万" in head else _below_10000(head)
        if part is None:
            return None
        total += part * POWERS[mark]
        if word in DIGITS:  # 一万二 is 12000
            return total + DIGITS[word] * POWERS[mark] // 10
    if total and word[:1] in POWERS:  # 一亿千
        return None
    rest = _below_10000(word) if word else 0
    return None if rest is None else total + rest


def _below_10000(word: str) -> int | None:
    """Return the integer of a word of 千, 百, 十 and digits in falling order; an empty one is 1 (亿 alone is 10**8)."""
    if not word:
        return 1
    total, digit, power, zero = 0, -1, 10**4, False
    for char in word:
        if char in DIGITS:
            if digit > 0:
                return None
            digit, zero = DIGITS[char], zero or char in "零〇"
        elif char not in POWERS or POWERS[char] >= power:
            return None
        else:
            power = POWERS[char]
            total, digit, zero = total + max(digit, 1) * power, -1, False
    if digit > 0:
        total += digit * (power // 10 if 100 <= power < 10**4 and not zero else 1)
    return total
