"""Names in Chinese text by rule, for the check of summaries: organisations, places, people, quoted and Latin words.

No list knows every name, so a name is found by what stands beside it: a suffix (公司, 市, 项目), a title before a surname, quotation
marks. ``iter_names(summary)`` gives candidates with the strictness their kind allows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from data.places import KNOWN_PLACE

NameKind = Literal["organisation", "place", "loose", "literal", "person"]

_ORGANISATIONS = "有限责任公司|股份有限公司|有限公司|公司|集团|银行|大学|学院|研究院|研究所|实验室|设计院|协会|商会|联合会|基金会|医院|证券|保险|资本"
_ZONES = "经济技术开发区|高新技术产业开发区|高新区|经开区|开发区|自贸区|自贸试验区|保税区|示范区|集聚区|合作区|科技城|产业园|工业园|科技园|园区|项目"
_PLACES = "自治区|自治州|新区|[市县区省州旗镇乡]"
_SUFFIX = re.compile(
    rf"(?P<organisation>{_ORGANISATIONS})|(?P<loose>{_ZONES})|(?P<place>(?:{_PLACES})(?<![小社城老园景街辖片矿林牧灾库郊地]区)(?!场|长|域|级|直|际|会|间|别|块|委会|民|值|容|价|面|情|花|道))"
)
# Words that end to the left of a name; single characters first.
_STOPS = set("与和同及由在赴到对为是的了等向从将把被于至或以并让给跟经按就去、，。；：！？（）“”《》〈〉—-·,.;:!?() \n\t该各全本我贵两还送")
_TITLE = re.compile("(?:市长|县长|区长|州长|省长|书记|主席|董事长|总经理|总裁|会长|主任|部长|局长|院长|秘书长|理事长|总监|创始人|总领事|大使)")
_SURNAMES = set(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦柳邢岳齐梅莫庄辛管祝左涂谷祁耿牟卜"
)
_COMPOUND_SURNAMES = "欧阳|司马|上官|诸葛|慕容|皇甫|尉迟|公孙|令狐|端木|东方"
# A person told by what he does: 王明率队 at the start of a clause, or behind a place, an office or 由.
_ACTOR = re.compile(
    f"(?:(?<![\u4e00-\u9fff])|(?<=[由和与及市县区省州镇乡人理员导师]))"
    f"(?P<name>(?:{_COMPOUND_SURNAMES}|[{''.join(sorted(_SURNAMES))}])[\u4e00-\u9fff]{{1,2}}?)"
    "(?=率队|率团|率领|带队|带领|表示|说|指出|强调|介绍|主持)"
)
# 双方表示 begins with no surname, but 方面, 高校, 许多人 do.
_NOT_GIVEN = re.compile(
    "[^\u4e00-\u9fff]|方[面案]|高[管层校院]|许多|白皮|万[人元]|金融|石化|文[件章旅]|安[委监]|史料|段落|钱款|牛[奶肉]|.{1,2}[方会办局委院部厅司组团]$"
)
_QUOTED = re.compile(r"[“”]([^“”]{2,40})”|《([^《》]{2,40})》")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+&.\-][A-Za-z0-9]+)*")
_MAX_NAME = 24
_MAX_LOOSE = 10


@dataclass(frozen=True)
class Name:
    """A candidate at ``[start, end)`` of the summary; ``core`` is the length of its suffix, which alone names nothing."""

    start: int
    end: int
    kind: NameKind
    suffix: int = 0


def iter_names(text: str, stops: set[int]) -> Iterator[Name]:
    """Yield the candidates of a text; ``stops`` are positions that belong to no name (its figures)."""
    for match in _SUFFIX.finditer(text):
        kind: NameKind = "organisation" if match["organisation"] else "place" if match["place"] else "loose"
        start = _left_edge(text, match.start(), stops, _MAX_LOOSE if kind == "loose" else _MAX_NAME)
        if match.start() - start >= (1 if kind == "place" else 2):
            yield Name(start, match.end(), kind, match.end() - match.start())
    for match in (*_QUOTED.finditer(text), *_LATIN.finditer(text)):
        start, end = match.span() if match.lastindex is None else match.span(match.lastindex)
        if end - start > 1 and start not in stops:
            yield Name(start, end, "literal")
    for match in KNOWN_PLACE.finditer(text):
        yield Name(match.start(), match.end(), "literal")
    for match in _TITLE.finditer(text):
        if text[match.end() : match.end() + 1] in _SURNAMES and len(text) >= match.end() + 2:
            yield Name(match.end(), min(match.end() + 3, len(text)), "person")
    for match in _ACTOR.finditer(text):
        if not _NOT_GIVEN.match(match["name"]) and not KNOWN_PLACE.fullmatch(match["name"]):
            yield Name(*match.span("name"), "literal")


def _left_edge(text: str, position: int, stops: set[int], longest: int) -> int:
    start = position
    while start > 0 and position - start < longest and text[start - 1] not in _STOPS and start - 1 not in stops:
        start -= 1
    return start
