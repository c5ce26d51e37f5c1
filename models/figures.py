"""Figures of Chinese news text: amounts, counts, dates, percentages, areas and other quantities, with offsets.

Text comes in (cleaned or as submitted; offsets are on what was given), ``find_figures(text)`` gives a sorted,
non-overlapping list of ``Figure`` with ``text[start:end] == figure.text``. Values are the lower end in the plain unit: 160多亿元 is
16000000000 CNY ``over``. Role, scope and status need the sentence around: ``models.outcomes``.

The text is read once from left to right; every look around a number is bounded, so time is linear.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from data.schema import Figure, FigureKind, Qualifier, plain
from data.width import to_half_width
from models.dates import match_date
from models.numerals import NUMBER_START, POWERS, Number, match_number, parse_han
from models.units import CURRENCY_BEFORE, Unit, match_unit

# Words before a number, longest first. 约 belongs to 签约 and 上 to 会上 more often than to a number.
_QUALIFIERS_BEFORE: tuple[tuple[Qualifier, str], ...] = (
    ("under", "不超过|不高于|不多于|不足|不到|低于|少于|小于|至多|最多"),
    ("over", "不低于|不少于|不下于|不小于|超过|超出|突破|高于|多于|大于|至少|逾|超"),
    ("over", "(?<!突)破|(?<![通经超路渡走度不])过|(?<![会以网线场市晚早础路陆桌台船车身手地史历])上"),
    ("nearly", "将近|接近|逼近|(?<![附最临靠邻亲远])近"),
    ("about", "大约|约为|约合|大概|(?<![签契节邀条合公履违特])约"),
)
_BEFORE = re.compile("(?:" + "|".join(f"(?P<q{i}>{words})" for i, (_, words) in enumerate(_QUALIFIERS_BEFORE)) + r")\s?$")
_QUALIFIERS_AFTER: tuple[tuple[Qualifier, str], ...] = (
    ("about", "左右(?!手|岸)|上下(?!游)"),
    ("over", "及以上|以上|[多余](?![个家项元年])"),
    ("under", "及以下|以下|以内|之内"),
    ("about", "级"),
)
_AFTER = re.compile("|".join(f"(?P<q{i}>{words})" for i, (_, words) in enumerate(_QUALIFIERS_AFTER)))
_TO = re.compile(r"\s?(?:至|到|-|—{1,2}|–|~|～)\s?")
_PERCENT_WORD = re.compile(r"百分之(?P<number>[\d〇零一二两三四五六七八九十百几]+(?:[点.][\d〇零一二两三四五六七八九]+)?)")
_PAIR_WORDS = re.compile("(?P<two>俩|仨)(?=项目|企业|公司|协议|园区|产业|县|市|村)")
_START = re.compile(f"{NUMBER_START.pattern}|[俩仨]")

# 8亿 and 四千万 without 元 are money near these words.
_MONEY_BEFORE = re.compile(
    "投资|引资|资金|资本|金额|产值|营收|收入|销售|税|利润|授信|贷款|融资|注资|成交|贸易|采购|出资|斥资|补贴|奖励|成本|总额|额(?:度|达|为)?"
)
_MONEY_AFTER = re.compile(r"\s?(?:的(?:总?投资|资金)|收购|投资|入股|注资|资金|买下|拿下|贷款|授信|融资|投建|建设)")
_MONEY_ENDS = re.compile(r"$|[，。；、！？）)》”\s]|的|左右|及?以[上下内]|上下|用于|在|建|打造|到|至|-|—")
_PEOPLE_AFTER = re.compile("用户|人|消费|粉丝|居民|网民|观众|游客|客流|市民|农民|农户|册|次|吨|度|立方|平方|斤|株|双")
# 亿元项目, 百亿企业: a power without a digit stands for a size class.
_CLASS_AFTER = re.compile("级|及?以上|项目|企业|产业|集群|工程|园区|目标|规模|大关|基金|投资")
_CENTS = re.compile(r"(?P<jiao>\d)角(?:(?P<fen>\d)分)?")


@dataclass(frozen=True)
class _Quantity:
    """A number, or a range of two, with its unit."""

    start: int
    end: int
    low: Decimal
    high: Decimal | None
    qualifier: Qualifier
    unit: Unit


def find_figures(text: str) -> list[Figure]:
    """Return the figures of ``text`` in order."""
    plain = to_half_width(text)
    figures: list[Figure] = []
    position = floor = 0  # a qualifier may not reach back into the figure before: floor is that one's end
    while (found := _START.search(plain, position)) is not None:
        figure, position = _read_figure(plain, found.start(), floor)
        if figure is not None:
            figures.append(replace(figure, text=text[figure.start : figure.end]))
            floor = position = figure.end
    return figures


def _read_figure(text: str, start: int, floor: int) -> tuple[Figure | None, int]:
    """Return the figure whose number starts at ``start`` (None where there is none) and where to read on."""
    pair = _PAIR_WORDS.match(text, start)
    if pair is not None or text[start] in "俩仨":
        return (_figure(text, start, start + 1, "count", Decimal(2 if text[start] == "俩" else 3), "个") if pair else None), start + 1
    money = CURRENCY_BEFORE.search(text, max(floor, start - 4), start)
    if _is_ordinal(text, start) or (money is None and _follows_latin(text, start)):
        return None, match_number(text, start)[1]
    date = match_date(text, start)
    if date is not None:
        return Figure(text[start : date.end], start, date.end, "date", date.low, date.high, date.unit, "range" if date.high else "exact"), date.end
    percent = _PERCENT_WORD.match(text, start)
    if percent is not None:
        return _read_percent_word(text, percent, floor)
    number, end = match_number(text, start)
    quantity = None if number is None else _read_quantity(text, number, money)
    if quantity is None:
        return None, end
    return _qualified(text, quantity, start if money is None else money.start(), floor), max(end, quantity.end)


def _read_percent_word(text: str, match: re.Match[str], floor: int) -> tuple[Figure | None, int]:
    word = match["number"].replace("点", ".")
    whole, _, rest = word.partition(".")
    reading = (Decimal(whole), None, "exact") if whole.isdecimal() else parse_han(whole)
    if reading is None or reading[1] is not None:
        return None, match.end()
    digits = "".join(
        c if c.isdecimal() else str(int(parsed[0])) for c in rest if (parsed := parse_han(c) if not c.isdecimal() else (Decimal(c), None, "exact"))
    )
    value = reading[0] + (Decimal(f"0.{digits}") if digits else 0)
    quantity = _Quantity(match.start(), match.end(), value, None, "over" if reading[2] == "over" else "exact", Unit("percent", "%"))
    return _qualified(text, quantity, match.start(), floor), match.end()


def _read_quantity(text: str, number: Number, money: re.Match[str] | None) -> _Quantity | None:
    """Return the number with its unit; 30-50亿元 and 30亿至50亿元 are one quantity."""
    first = _unit_after(text, number, money)
    after = first[1] if first else number.end
    to = _TO.match(text, after)
    if to is not None and text[max(0, number.start - 1) : number.start] != "从":
        second = match_number(text, to.end())[0] if NUMBER_START.match(text, to.end()) else None
        joined = _join(text, number, first, second, money) if second is not None else None
        if joined is not None:
            return joined
    if first is None or not _is_quantity(text, number, *first, money is not None):
        return None
    unit, end = first
    low, high = number.low * unit.factor, None if number.high is None else number.high * unit.factor
    cents = _CENTS.match(text, end) if unit.name == "CNY" and number.arabic else None
    if cents is not None:
        low, end = low + Decimal(f"0.{cents['jiao']}{cents['fen'] or 0}"), cents.end()
    return _Quantity(number.start, end, low, high, number.vague, unit)


def _join(text: str, low: Number, first: tuple[Unit, int] | None, high: Number, money: re.Match[str] | None) -> _Quantity | None:
    second = _unit_after(text, high, money)
    if second is None or (first is not None and (first[0].kind, first[0].name) != (second[0].kind, second[0].name)):
        return None
    shared = high.scale if first is None and low.scale == 1 else 1
    bottom, top = low.low * shared * (first or second)[0].factor, high.low * second[0].factor
    if bottom >= top or high.power_only or low.power_only:
        return None
    return _Quantity(low.start, second[1], bottom, top, "range", second[0])


def _unit_after(text: str, number: Number, money: re.Match[str] | None) -> tuple[Unit, int] | None:
    if money is not None:
        written = match_unit(text, number.end)
        currency = CURRENCY_BEFORE.fullmatch(money[0])
        name = next(key for key, value in currency.groupdict().items() if value) if currency else "CNY"
        return Unit("amount", name), written[1] if written and written[0].kind == "amount" else number.end
    found = match_unit(text, number.end)
    if found is not None:
        return found
    return (Unit("amount", "CNY"), number.end) if _is_bare_money(text, number) else None


def _is_bare_money(text: str, number: Number) -> bool:
    """8亿 without 元 is money by the words around it; 百亿级 always is."""
    if number.scale < 10**4 and number.low < 10**4:
        return False
    after = text[number.end : number.end + 6]
    if number.power_only or after.startswith("级"):
        return "亿" in text[number.start : number.end] and _CLASS_AFTER.match(after) is not None
    if "个亿" in text[number.start : number.end]:
        return True
    if _PEOPLE_AFTER.match(after):
        return False
    clause = re.split("[，。；！？\n]", text[max(0, number.start - 14) : number.start])[-1]
    return (_MONEY_BEFORE.search(clause) is not None and _MONEY_ENDS.match(after) is not None) or _MONEY_AFTER.match(after) is not None


def _is_quantity(text: str, number: Number, unit: Unit, end: int, has_currency: bool) -> bool:
    """Chinese digits are half of the language: 一家亲, 三位一体, 千家万户 are no figures."""
    if number.arabic:
        return True
    if number.low == 0 or ((unit.arabic_only or unit.kind == "amount") and number.end - number.start == 1 and number.low < 10):
        return False
    if number.power_only:
        company = _words_before(text, number.start, 0) or (unit.kind == "amount" and _CLASS_AFTER.match(text, end))
        return bool(company) or has_currency or (unit.kind == "amount" and number.end - number.start > 1)
    if number.low == 1 and number.end - number.start == 1:
        return unit.name in ("个", "家", "项", "份") and re.compile("项目|企业|协议|公司|合同").match(text, end) is not None
    return True


def _qualified(text: str, quantity: _Quantity, start: int, floor: int) -> Figure:
    """Return the figure with the qualifying words around it as part of its span."""
    before = _words_before(text, start, floor)
    after = _AFTER.match(text, quantity.end)
    if after is not None and after[0] == "级" and quantity.unit.kind != "amount":
        after = None
    qualifier = quantity.qualifier
    if qualifier != "range":
        words = _named(before, _QUALIFIERS_BEFORE) or _named(after, _QUALIFIERS_AFTER)
        qualifier = words or qualifier
    begin, end = before.start() if before else start, after.end() if after else quantity.end
    return Figure(
        text[begin:end],
        begin,
        end,
        quantity.unit.kind,
        _tidy(quantity.low),
        None if quantity.high is None else _tidy(quantity.high),
        quantity.unit.name,
        qualifier,
    )


def _words_before(text: str, start: int, floor: int) -> re.Match[str] | None:
    """Return the qualifying word that ends at ``start``; 上 and 过 qualify powers only (上百家, 过亿元)."""
    before = _BEFORE.search(text, max(floor, start - 5), start)
    return None if before is None or (before[0] in ("上", "过") and text[start] not in POWERS) else before


def _named(match: re.Match[str] | None, table: tuple[tuple[Qualifier, str], ...]) -> Qualifier | None:
    return None if match is None else next(table[i][0] for i in range(len(table)) if match[f"q{i}"])


def _is_ordinal(text: str, start: int) -> bool:
    """第3届, 前10名, 〔2024〕 and so on count nothing."""
    return text[max(0, start - 1) : start] in ("第", "〔") or re.match(r"(?:前|top)\d+[名位强]", text[max(0, start - 1) : start + 5]) is not None


def _follows_latin(text: str, start: int) -> bool:
    """G60 and A320 are names; so is a number with a hyphen behind letters (J-20)."""
    before = text[max(0, start - 2) : start]
    return re.search(r"[A-Za-z](?:-)?$|[A-Za-z0-9][._/]$", before) is not None


def _tidy(value: Decimal) -> Decimal:
    """Return the value without trailing zeros, to the nearest 0.01 where 亩 made it endless."""
    rounded = value.quantize(Decimal("0.01")) if value.adjusted() < 20 and -int(value.as_tuple().exponent) > 12 else value
    return Decimal(plain(rounded))


def _figure(text: str, start: int, end: int, kind: FigureKind, value: Decimal, unit: str) -> Figure:
    return Figure(text[start:end], start, end, kind, value, None, unit)
