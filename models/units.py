"""Units of figures: currencies, measure words, areas, percentages and technical units.

``match_unit(text, position)`` gives the unit that starts there with the factor that brings a number into the plain
unit of its kind (公顷 -> 10000 m2), longest unit first. What may not follow a measure word is written behind it as a negative
lookahead: 3家 is a count, 五家渠 a city.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from data.schema import FigureKind

AMOUNTS = {
    "CNY": "人民币|元(?!月|素|旦|宇|件|器)",
    "USD": "美元|美金|USD",
    "HKD": "港元|港币|港幣",
    "EUR": "欧元|EUR",
    "JPY": "日元|日币",
    "GBP": "英镑",
    "TWD": "新台币|台币",
    "MOP": "澳门元|澳门币",
    "SGD": "新加坡元|新加坡币|新元",
    "KRW": "韩元|韩币",
    "RUB": "卢布",
    "AUD": "澳元|澳大利亚元",
    "CAD": "加元|加拿大元",
    "THB": "泰铢",
    "CHF": "瑞士法郎|瑞郎",
    "MYR": "马来西亚林吉特|林吉特|令吉",
    "VND": "越南盾",
    "KZT": "坚戈",
    "INR": "印度卢比|卢比",
}
PERCENTS = r"个?百分点|%|成(?![立功为员本都交绩效长果熟就份品不])"
AREAS = {
    "平方公里|平方千米|km2|km²": "1000000",
    "公顷": "10000",
    "平方米|平米|㎡|m2(?![A-Za-z])|m²": "1",
}
MU = "亩(?!均)"  # 1亩 is 2000/3 m2: rounded to the nearest 0.01 m2 of the whole figure
# Measure words, each with what must not follow. The first group may stand behind a single Chinese digit.
COUNTS = (
    "个(?!月|多月|百分点|工作日|小时|性|体|别|确立|意识|自信|维护|全面|坚持|文明|代表(?!团|队)|务必|结合|一批|不|轮子|百年)"
    "|家(?!渠|庭|电|具|居|长|乡|纺|政|装|禽|园|口)|项(?!目经理)|名(?!录|单|称|额|列|牌|城)|位(?!数|一体|于|居|列|次)"
    "|场次|场(?!馆|地|所|外|内|景|面|均)|座(?!谈|落)|条(?!件|例|款|约)|台套|台(?!湾|州|山|县|商|资|企|胞|风|河|区|市)|辆|艘|套(?!餐|利|班子)"
    "|件(?!套)|份(?!额)|宗(?!旨|教)|笔(?!记|试|者)|架次|架(?!构)|所(?!有|在|以|谓|属|需|长)|处(?!理|置|级|于|在)|类(?!别)|种(?!植|子|养|业|苗)"
    "|款(?!项|式)|颗|株|棵|栋|幢|批次|批(?!准|发|复|量|示)|轮(?!胎|船|毂|椅|值)|班次|列次"
)
COUNTS_ARABIC = (
    "人次|户次|家次|车次|户(?!籍|外|型)|人(?!民|才|工|均|力|气|大|社|造|形|脸|文|物|体|行|参(?![加会与观赛展训演评]))|吨(?!公里|级)|吨(?=级)|次(?!产业|性|年|日|月|级|区域|新|元|数)"
    "|标箱|标准箱|TEU|头(?!部|条|脑|等|企)|只(?!有|要|需|能|是|为)|支(?!持|撑|付|出|行|部|线)|班(?!子|列)|列(?!车|入|席|为|出|举)|间(?!隔|接)"
    "|组(?!织|成|建|团|长)|对(?!接|于|外|口|标|照)|张(?!家|三)|单(?!位|元|个|项|体)|道(?!路)|枚|篇|册|瓶|箱|桶|盒|公斤|千克|斤|克(?!拉|州|服)|双(?!方|向|边|百|新|碳)|根|片(?!区)|块(?!链)|门(?!类|店|户|诊|票)|部(?!门|分|队|长|委|省|级)|机柜|床(?!位)|床位|车位|户"
)
OTHERS = (
    "个月|个多月|个工作日|个小时|工作日|年(?!代|级|轻|货|会|度)|天(?!津|然|府|河|水|门|山|长|台|空)|周(?!边|年|期|口|岁|围|末)|小时|分钟|岁|倍"
    "|千瓦时|万千瓦|兆瓦时|兆瓦|吉瓦时|吉瓦|千瓦|GWh|MWh|kWh|GWp|MWp|GW|MW|kW|KW|千伏安|千伏|kV|KV|公里|千米|海里|km|KM|立方米|立方|纳米|微米|毫米|厘米|nm|mm|cm|寸|英寸"
    "|米(?!兰|粉|线|业|面)|升(?!级|温|至|到|为|值|高|规)|毫升|摄氏度|℃|度(?!假|过|量)|TB|GB|PB|EFLOPS|PFLOPS|P(?![A-Za-z0-9])|Gbps|吨公里|赫兹"
)


@dataclass(frozen=True)
class Unit:
    """A unit of a kind; ``factor`` brings the written number into it."""

    kind: FigureKind
    name: str
    factor: Decimal = Decimal(1)
    arabic_only: bool = False  # a single Chinese digit before it is a word: 三人行, 二门


CURRENCY_BEFORE = re.compile(
    r"(?P<USD>US\$|USD|美元)\s?$|(?P<HKD>HK\$|HKD|港币)\s?$|(?P<EUR>€|EUR|欧元)\s?$|(?P<GBP>£)\s?$|(?P<CNY>RMB|CNY|人民币|[￥¥])\s?$|(?P<_USD>\$)\s?$"
)
_LATIN_END = r"(?![A-Za-z])"
_UNIT = re.compile(
    r"\s?(?:"
    + "|".join(f"(?P<{code}>{words})" for code, words in AMOUNTS.items())
    + f"|(?P<percent>{PERCENTS})"
    + "|"
    + "|".join(f"(?P<area{i}>{words})" for i, words in enumerate(AREAS))
    + f"|(?P<mu>{MU})|(?P<count>{COUNTS})|(?P<other>{OTHERS})|(?P<arabic>{COUNTS_ARABIC}))"
)


def match_unit(text: str, position: int) -> tuple[Unit, int] | None:
    """Return the unit at ``position`` and its end, or None."""
    match = _UNIT.match(text, position)
    if match is None:
        return None
    word, after = match[0].strip(), text[match.end() : match.end() + 1]
    if word.isascii() and word.isalpha() and after.isascii() and after.isalnum():  # MW of MWh2
        return None
    return _named_unit(str(match.lastgroup), word), match.end()


@cache
def _named_unit(group: str, word: str) -> Unit:
    if group in AMOUNTS:
        return Unit("amount", group)
    if group == "percent":
        return Unit("percent", "%", Decimal(10 if word == "成" else 1))
    if group == "mu":
        return Unit("area", "m2", Decimal(2000) / 3)
    if group.startswith("area"):
        return Unit("area", "m2", Decimal(list(AREAS.values())[int(group[4:])]))
    if group == "count":
        return Unit("count", word)
    return Unit("count", word, arabic_only=True) if group == "arabic" else Unit("other", word)
