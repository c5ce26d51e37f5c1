"""What a summary claims that its article does not hold: figures and names.

``check_summary(summary, text, title)`` gives the surface strings, in order, that have no support. A figure is supported where the
article has one of the same kind, unit, value, range and qualifier (160亿元 for 160多亿元 is another claim) whose role, where both
sides tell one, is the same, and which is no part, threshold or earlier figure told as the result. A name is supported where it stands in the article; what no rule can tell from ordinary words
(before 项目, 园区) must at least be made of the article's words. Deterministic; no model.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from data.schema import Facts, Figure, plain
from data.width import to_full_punctuation, to_half_width
from models.context import Mention, read_mentions
from models.names import Name, iter_names

_SIGNS = str.maketrans(
    {'"': "”", "「": "“", "」": "”", "『": "“", "』": "”", "【": "（", "】": "）", "［": "（", "］": "）", "‘": "“", "’": "”", "•": "·", "・": "·"}
)
_BRACKETED = re.compile("（[^（）\n]{1,30}）")
_DIGITS = re.compile(r"\d+(?:\.\d+)?[十百千万亿]*")  # 320万 of no unit is held to its 万
_ORDINAL = re.compile("第[〇零一二三四五六七八九十百\\d]+[届次批期季个名位]")
# Words a summary may join names with although the article does not write them.
_JOINTS = re.compile(
    "会见|会谈|考察|走访|拜访|举行|举办|召开|签约|签署|签订|投资|建设|前往|率队|带队|带领|来到|组织|邀请|介绍|推介|参观|调研|座谈|洽谈|引进|落户|携手|联合|共建|成立|现场|集中|分别|其中|以及|主要|代表团|代表|一行|项目|企业|多家|"
    "合作|协议|框架|战略|达成|完成|实现|计划|涉及|包括|涵盖|围绕|聚焦|支持|要求|强调|指出|负责人|领导|有关|相关|多个|重点|产业|新|总|该市|该县|该区|当地|开展|推进|加快|服务|落地|入驻|开工|投产|启动|总投资|方面|领域|学习|推动|累计|指定|拆除|带动|听取|参加|访问|报道|今年|去年|当日|当天|上半年|下半年|前三季度|季度|类|余|多|家|个|年|月|日"
)
# Words of a context that tell no part: whatever is signed, of however much.
_SAY_NOTHING = re.compile(
    "签约|签署|签订|签下|引进|项目|总?投资额?|总?金额|总额|合同|协议|引资|资金|亿元|万元|其中|包括|分别|共计|合计|集中|现场|成功|达成|达到|完成|实现|新增|会上|重点|预计|计划|意向|企业"
)
_CLASS_BEHIND = re.compile(r"\|的?[^，。；]{0,8}?(?:项目|企业|产业|集群|工程)")
_TO_DATE = re.compile("累计|截至|截止|以来|年来|至今|目前")
_PERIOD_TOLD = re.compile("累计|截至|以来|今年|目前|年来|已|共|全|\\d年|季度|半年|[1-9]月")
_DAYS = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日?(?:(?:至|到|-|—)(?:(\d{1,2})月)?(\d{1,2})日)?")
_HAN_ONES = "〇一二三四五六七八九"
_HAN_DIGITS = "一二三四五六七八九十百千万两几数"
_CUT_WORDS = {
    "对接",
    "同意",
    "参与",
    "以及",
    "同时",
    "全面",
    "全力",
    "由此",
    "在建",
    "在谈",
    "从事",
    "及其",
    "到位",
    "并购",
}  # cut by a stop of names
_AFTER_FIGURES = set("间里内中后前来起")  # 三年间, 两年里
_PERSON_ENDS = set("带率主出参会介说表赴到与和、，。在等一及为从指强调就向对陪作先致宣要，及分听深现见（；的座洽考走检实视督察同签")


@dataclass(frozen=True)
class Source:
    """An article made ready to be asked: its figures in context, and its text without differences of typesetting."""

    mentions: tuple[Mention, ...]
    text: str
    contexts: tuple[str, ...] = ()  # what stands around each mention in its sentence

    def holds(self, word: str) -> bool:
        """True where the word stands in the article."""
        return word in self.text


def read_source(text: str, title: str | None = None) -> Source:
    """Return the article as a source to check several summaries against."""
    parts = [part for part in (text, title) if part]
    read = [(mention, part) for part in parts for mention in read_mentions(part)]
    plain = _plain("\n".join(parts))
    contexts = tuple(_context(mention, part) for mention, part in read)
    return Source(tuple(mention for mention, _ in read), plain + "\n" + _BRACKETED.sub("", plain), contexts)


def check_summary(summary: str, text: str, title: str | None = None) -> tuple[str, ...]:
    """Return each figure or name of the summary that the article does not hold, as the summary writes it."""
    return check_against(summary, read_source(text, title))


def check_against(summary: str, source: Source) -> tuple[str, ...]:
    """Return what ``check_summary`` does, for an article that was read before (beams of one article)."""
    mentions = read_mentions(summary)
    plain = _plain(summary, keep_length=True)
    covered = _covered(mentions)
    spans = [(m.figure.start, m.figure.end) for m in mentions if not is_supported(m, source, _context(m, summary))]
    spans += [match.span() for match in _DIGITS.finditer(plain) if match.start() not in covered and not _holds_digits(match[0], source.text)]
    spans += [match.span() for match in _ORDINAL.finditer(plain) if not source.holds(match[0])]
    spans += [(name.start, name.end) for name in iter_names(plain, covered) if not _is_named(name, plain, source)]
    return tuple(dict.fromkeys(summary[start:end] for start, end in _outermost(spans)))


def _covered(mentions: Iterable[Mention]) -> set[int]:
    """Return the positions of the figures: they belong to no name."""
    return {i for mention in mentions for i in range(mention.figure.start, mention.figure.end)}


def count_names(summary: str, source: Source) -> tuple[int, int]:
    """Return how many names a summary holds, and how many of them the article supports; what is no name for sure (before 项目, 园区) does not count."""
    plain = _plain(summary, keep_length=True)
    told = {
        (name.start, name.end): _is_named(name, plain, source) for name in iter_names(plain, _covered(read_mentions(summary))) if name.kind != "loose"
    }
    names = _outermost(told)
    return len(names), sum(all(fits for (a, b), fits in told.items() if start <= a and b <= end) for start, end in names)


def is_supported(mention: Mention, source: Source, context: str = "") -> bool:
    """True where the article holds the figure with the same value, unit, qualifier and, where both tell it, role and scope.

    ``context`` is what stands around the figure in the summary.
    """
    if mention.figure.kind == "date" and _is_told_date(_plain(mention.figure.text), source):
        return True
    same = [i for i, other in enumerate(source.mentions) if _is_same(mention, other)]
    return any(_keeps_scope(mention, context, source, i) for i in same) or (not same and _is_spelled(mention, source))


def _is_same(mention: Mention, other: Mention) -> bool:
    a, b = mention.figure, other.figure
    if (a.kind, a.unit, a.value, a.max, a.qualifier) != (b.kind, b.unit, b.value, b.max, b.qualifier):
        return False
    if a.kind == "amount" and mention.role_told and other.role_told and "other" not in (a.role, b.role):
        return a.role == b.role
    return not (a.kind == "count" and {mention.noun, other.noun} in ({"project", "company"}, {"agreement", "company"}))


def _context(mention: Mention, text: str) -> str:
    """Return the words around a figure: from 其中 or 40 characters before, but within its sentence, to the clause's end."""
    start, end = mention.figure.start, mention.figure.end
    before = re.split("[。！？；\n]|其中", text[max(0, start - 40) : start])[-1]
    return before + "|" + text[end : min(max(mention.clause[1], end), end + 16)]


def _keeps_scope(mention: Mention, context: str, source: Source, i: int) -> bool:
    """False where a part, a threshold or an earlier figure of the article is told as the result of the event.

    A part may lose its 其中 where the words that tell which part stay: 工业项目8个.
    """
    other, source_context = source.mentions[i], source.contexts[i]
    if mention.figure.scope not in ("batch", "project") or mention.figure.role == "other":
        return True
    if mention.figure.kind == "count" and not (mention.counts_projects or other.counts_projects):
        return True
    match other.figure.scope:
        case "background" if other.period == "past":
            return False
        case "background":
            return _TO_DATE.search(source_context) is None or _PERIOD_TOLD.search(context) is not None
        case "threshold":
            return _CLASS_BEHIND.search(context) is not None
        case "part":
            return not (_has_whole(i, source) and _telling(context).isdisjoint(_telling(source_context)))
    return True


def _has_whole(i: int, source: Source) -> bool:
    """True where the article tells a batch before its part, in the same sentence or, behind a semicolon, the one before."""
    part = source.mentions[i]
    before = [m for m in source.mentions[max(0, i - 12) : i] if part.sentence - 1 <= m.sentence <= part.sentence]
    return any(m.figure.scope in ("batch", "background") and (m.counts_projects or m.figure.kind == "amount") for m in before)


def _telling(context: str) -> set[str]:
    """Return the pairs of characters of a context that may tell which part of a batch it is."""
    words = re.sub(r"[^\u4e00-\u9fff]+", " ", _SAY_NOTHING.sub(" ", context))
    return {words[i : i + 2] for i in range(len(words) - 1) if " " not in words[i : i + 2]}


def _is_told_date(date: str, source: Source) -> bool:
    """True where the article writes the date, or the day alone (23日) and the month elsewhere; of a span, both days.

    A span with one end of the article's own span and another one is a changed span.
    """
    if re.search(rf"(?<!\d){re.escape(date)}", source.text):
        return True  # 5月11日 of 2024年5月11日
    match = _DAYS.fullmatch(date)
    if match is None:
        return False
    year, month, day, last_month, last = match.groups()
    if year and not _tells(f"{year}年", source):
        return False
    if last and re.search(rf"(?<!\d){day}日?(?:至|到|-|—)|(?:至|到|-|—){last}日", source.text):
        return False
    return _tells_day(month, day, source) and (last is None or _tells_day(last_month or month, last, source))


def _tells_day(month: str, day: str, source: Source) -> bool:
    return _tells(f"{month}月{day}日", source) or (_tells(f"{month}月", source) and re.search(rf"(?<![\d月]){day}日", source.text) is not None)


def _tells(date: str, source: Source) -> bool:
    return re.search(rf"(?<!\d){date}", source.text) is not None


def _is_spelled(mention: Mention, source: Source) -> bool:
    """True where the article writes a small number with the same measure word in the other digits: 4名 and 四名, 2处 and 两处."""
    figure = mention.figure
    if figure.kind not in ("count", "other") or figure.qualifier != "exact" or not (1 <= figure.value < 100 and figure.value == int(figure.value)):
        return False
    if any((m.figure.unit, m.figure.value) == (figure.unit, figure.value) for m in source.mentions):
        return False  # read as a figure, of something else
    if figure.text[0] == "1" and figure.value == 1:
        return False  # 一家 stands in every article
    spellings = "|".join((str(figure.value), *_han(int(figure.value))))
    return (
        re.search(
            rf"(?<![第前近超逾约过于\d.{_HAN_DIGITS}])(?:{spellings})\s?{re.escape(figure.unit)}(?!以[上下内]|左右|多?月|百分|工作日|小时)",
            source.text,
        )
        is not None
    )


def _han(value: int) -> tuple[str, ...]:
    """Return the Chinese spellings of 1 to 99."""
    tens, ones = divmod(value, 10)
    if value == 2:
        return "二", "两"
    return (("" if tens == 0 else "十" if tens == 1 else _HAN_ONES[tens] + "十") + (_HAN_ONES[ones] if ones else ""),)


def _holds_digits(digits: str, text: str) -> bool:
    return re.search(rf"(?<![\d.]){re.escape(digits)}(?!\.?\d|[十百千万亿])", text) is not None


def _is_named(name: Name, summary: str, source: Source) -> bool:
    word = summary[name.start : name.end]
    if source.holds(word):
        return True
    if name.kind == "literal":
        return False
    if name.kind == "person":
        return source.holds(word[:2]) and (not word[2:] or word[2] in _PERSON_ENDS or word[2].isascii())
    rest = _uncovered(word, source, _least_tail(name), name.kind == "loose")
    return not rest or _is_cut_word(name, rest, summary) or (name.kind == "place" and _is_short_place(word, name.suffix, source))


def _is_short_place(word: str, suffix: int, source: Source) -> bool:
    """上饶市 for 上饶 says nothing new, unless the article calls it something else (上饶县)."""
    core, end = word[:-suffix], word[-suffix:]
    if len(core) >= 2 and end in "州县旗" and re.search(f"{re.escape(core)}[\u4e00-\u9fff]{{0,10}}自治{end}", source.text):
        return True  # 大理州 for 大理白族自治州
    return len(core) >= 2 and source.holds(core) and not any(source.holds(core + other) for other in "市县区省州旗镇乡" if other != end)


def _least_tail(name: Name) -> int:
    """How much of the name's end must stand in the article in one piece."""
    if name.kind == "loose":
        return 2
    return name.suffix + (2 if name.kind == "organisation" else 1)


def _is_cut_word(name: Name, rest: str, summary: str) -> bool:
    """True where what is left over is the end of a word that was cut off before the name: 对|接, 三年|间."""
    before = summary[max(0, name.start - 1) : name.start]
    return before + rest in _CUT_WORDS or (rest in _AFTER_FIGURES and before in ("年", "月", "天", "日"))


def _uncovered(word: str, source: Source, tail: int, is_loose: bool) -> str:
    """Return what is left of the word, empty for a covered one. Cover the word from its end by pieces of the article, two characters at least, and by joining words.

    陪同考察柳州高新区 is covered by 柳州高新区 and 考察; 梧州银行 is not covered by 梧州 and 银行: the end piece must
    reach over the suffix.
    """
    rest, least = word, min(tail, len(word))
    while rest:
        piece = next((rest[i:] for i in range(len(rest) - least + 1) if source.holds(rest[i:])), "")
        if not piece and least == 2:
            piece = next((rest[i:] for i in range(max(0, len(rest) - 4), len(rest)) if _JOINTS.fullmatch(rest, i)), "")
        if not piece:
            return rest
        rest, least = rest[: -len(piece)], 2
        if len(rest) == 1 and (is_loose or rest in "新总多余类年月日家个市县省区州" or source.holds(rest + piece[:1])):
            return ""
    return ""


def _outermost(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans in order without those inside another."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(set(spans), key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _plain(text: str, keep_length: bool = False) -> str:
    """Return the text with one way of writing widths, quotes and brackets, and without case."""
    plain = to_full_punctuation(to_half_width(text)).translate(_SIGNS)
    plain = "".join(char.lower() if len(char.lower()) == 1 else char for char in plain).replace("“", "”")
    return plain if keep_length else re.sub(r"[ \t]+", "", plain)


# --- annotations -----------------------------------------------------------------------------------------------------

_LISTED = 10  # up to so many things a person may count in the article's own list
_NOT_A_PLACE = re.compile("乡(?=[贤友亲情村音镇愁])|(?<=[城家返回同老])乡|(?<=[入出本全跨级各])[市县区省]|(?<=[片小城社园厂校山库地])区|村镇")


def check_annotation(summary: str, facts: Facts, text: str, title: str | None = None) -> tuple[str, ...]:
    """Return what a person's summary and facts claim that the article does not hold.

    Unlike ``check_summary``, which must catch what a model invents, this one trusts the reader with scope and wording: an amount needs its value
    and currency, a count over ten its value, a place or organisation its name in the article. Fact counts of up to ten may be counted
    from a list.
    """
    source = read_source(text, title)
    plain = _plain(summary, keep_length=True)
    mentions = read_mentions(summary)
    covered = _covered(mentions)
    claims = [m.figure.text for m in mentions if not _is_read(m, source)]
    claims += [plain[name.start : name.end] for name in iter_names(plain, covered) if not _is_written(name, plain, source)]
    return tuple(dict.fromkeys(claims)) + tuple(_unread_facts(facts, source))


def _is_read(mention: Mention, source: Source) -> bool:
    figure = mention.figure
    if figure.kind not in ("amount", "count"):
        return True
    if source.holds(_plain(figure.text)) or (figure.kind == "count" and figure.value <= _LISTED):
        return True
    return any(_is_value(m.figure, figure) for m in source.mentions)


def _is_value(told: Figure, claimed: Figure) -> bool:
    """True where both have the value; counts may have another measure word (16家 of 16个), but a date is no count."""
    kinds = ("count", "other") if claimed.kind == "count" else (claimed.kind,)
    return (told.value, told.max) == (claimed.value, claimed.max) and told.kind in kinds and (claimed.kind == "count" or told.unit == claimed.unit)


def _is_written(name: Name, summary: str, source: Source) -> bool:
    """True where the name stands in the article, or its end does: what rules put before it may be the sentence's own words."""
    word = summary[name.start : name.end]
    if name.kind in ("loose", "person") or source.holds(word) or _is_named(name, summary, source):
        return True
    if name.kind == "literal":
        return False
    if name.kind == "place" and _NOT_A_PLACE.search(summary, max(0, name.end - 1 - 2), name.end + 1):
        return True
    least = name.suffix + 2
    return any(source.holds(word[i:]) for i in range(1, len(word) - least + 1))


def _unread_facts(facts: Facts, source: Source) -> list[str]:
    return [f"{key} {value:g}" for key, value in facts.to_json().items() if value is not None and not _is_fact(key, value, source)]


def _is_fact(key: str, value: float, source: Source) -> bool:
    """True where the article gives the number: as a figure, or written in a way the grammar does not read as one (十六案, 1万多亿)."""
    if key.endswith("projects"):
        if value <= _LISTED or any(m.figure.kind in ("count", "other") and m.figure.value == value for m in source.mentions):
            return True
        return value < 100 and any(source.holds(spelled) for spelled in _han(int(value)))
    if any(m.figure.kind == "amount" and m.figure.unit == "CNY" and m.figure.value == Decimal(str(value)) * 10**8 for m in source.mentions):
        return True
    spelled = re.escape(plain(Decimal(str(value))))
    wide = f"|{re.escape(plain(Decimal(str(value)) / 10**4))}万[多余]?亿" if value >= 10**4 else ""
    return re.search(rf"(?<![\d.])(?:{spelled}[多余]?亿{wide})(?:元(?!/)|人民币|(?=[，。；、\s]))", source.text) is not None
