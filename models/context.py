"""What a figure is of: the role, scope and status its sentence gives it, and what a count counts.

Text comes in with its figures, ``read_mentions(text)`` gives each figure with its sentence and the words around read. A word
rules a figure by nearness: within the clause before, then within the clause behind, then further back in the sentence. Every
look is bounded by the sentence (``models.sentences`` cuts long ones), so time is linear in the text.
"""

import re
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from data.schema import Figure, Role, Scope, Status
from models.figures import find_figures
from models.sentences import Span, split_sentences

Noun = Literal["project", "agreement", "company", "other"]
Period = Literal["event", "period", "past"]

_ROLES: tuple[tuple[Role, str], ...] = (
    ("fixed_assets", "固定资产(?:投资)?"),
    (
        "paid_in",
        "到位|到账|实际(?:利用|使用)(?:市外|省外|境外|国外|境内|县外)?(?:外资|内资|外商投资|港资|台资|资金)?|实际投资|完成投资|累计投资|已投资|已完成|实缴|实施投资",
    ),
    ("credit", "授信|贷款|融资|信贷|放款|担保"),
    ("output", "产值|营收|营业收入|销售收入|销售额|开票|主营业务|收入|利润|生产总值|增加值|GDP|营业额"),
    ("tax", "利税|税(?:收|金|额)?(?:收入)?"),
    ("trade", "进出口|贸易|采购|成交|交易额|货值|订单|外贸|出口|进口|零售|销售"),
    ("other", "补贴|补助|奖补|奖励|扶持|注册资本|注册资金|资产|租金|运费|成本|节省|节约|门槛|工资|罚款|捐|市值|估值|单价|门票|保费"),
    ("investment", "投资|引资|签约金额|签约额|协议额|协议金额|合同金额|合同额|增资|出资|注资|拟投|项目资金|外资|利用内资|参股|入股"),
)
_GENERIC_AMOUNT = "总金额|金额|总额|额度|规模|合计"  # the sentence says of what
# Words that plan what stands behind them. 完成年度目标任务的90% plans nothing.
_AIMS = "储备|谋划|策划|目标(?!企业|客商|客户|市场|产业)|定下|任务是|届时"
_BEHIND_ONLY = re.compile(f"{_AIMS}|.*(?:竣工|投产|建成)")  # plans that rule no earlier clause
_AIM_MET = re.compile("(?:完成|占|达|超)[^，。；]{0,10}目标$")
_STATUSES: tuple[tuple[Status, str], ...] = (
    ("talks", "(?:没有|尚未|暂未|未能?|暂不|不)签约|未签|洽谈|在谈|商谈|对接|磋商|座谈"),
    (
        "planned",
        "(?:拟|将|(?<![主只重需])要(?=新|再|力争|确保)|预计|计划|有望|力争|争取|待|即将|目标)(?:于|在|再|新|集中|现场|正式)?[^，。；、]{0,3}?(?:签|开工|动工|竣工|投产|建成|引进|推出|发布)"
        f"|{_AIMS}|拟(?=总?投资|新增投资|新建|建设)|(?:没有|尚未|还未|未)(?:开工|动工|落地|投产)",
    ),
    ("intent", "意向(?!书|协议|性?合作协议|性?框架)"),
    ("started", "签约开工|签约(?:、|并|及|和|暨)?(?:开工|动工)|开工|奠基|动工|破土|启动建设|开建|开挖"),
    ("signed", "签约(?!前|率|方|后|的?企业家)|签署|签订|签下|签定|签成|签字|缔约|落笔|牵手|揽约|签(?=了?\\d)|补签|签上"),
    ("completed", "竣工|投产|建成|揭牌|投用|投运|投入使用|投入运营|并网|试产|试车|封顶|开业|点火"),
    ("promoted", "推介|推出|发布|推荐|待招|列出|公布|发放"),
)
_EVENT_NOUN = re.compile("会|仪式|活动|大会|环节|团|座谈会|中心|平台|日|周")  # 推介会, 签约仪式: names of events say less of a figure
_NOUN_WORDS = {"project": "项目", "agreement": "协议|合同|备忘录|意向书|契约", "company": "企业|公司|客商|机构|商会|银行|厂家|投资商|协会"}
_LISTED = re.compile("包括|涉及|涵盖|含有?")
_PART = re.compile(
    "其中|包括|年度计划|年内计划|今年计划|首期|一期|二期|三期|单个|每个|平均|另有|其余|最大|单体|从产业看|按产业|从投资|从行业|涉及|涵盖|含有?(?=工业|制造|服务)|分别"
)
_PAST = re.compile(
    "去年|上年|前年|往年|此前|早先|曾经|(?<![长记席任理人裁员])曾(?=[于在是有与被为获到赴签引达])|上届|往届|上一届|前一年|历届|历史(?!文化|街区|名城|建筑|性)|过去|原先|“?十[二三四]五”?期间|同期"
)
_PERIOD = re.compile(
    "截至(?!中午|当天|当日|当晚|发稿|闭幕)|截止|累计|以来|年来|年下来|年间|年里|目前已|目前[，,]?|上半年|下半年|前[一二三四两]?个?季度|前三季度|[一二三四]季度|全年|近[一二两三四五六七八九十\\d]+年|今年[，,]?(?:全|共|已|前|1|一)"
    "|\\d{1,2}[至-]\\d{1,2}月|至目前|至今|一年(?:多|来)|如今|现有|已有|拥有|已入驻|(?:19|20)\\d\\d年(?!\\d{1,2}月\\d)"
)
_NOW = re.compile("此次|本次|本届|当天|当日|现场|会上|仪式|活动|这次|今天|昨天|集中")
# What a past figure is compared with is of now again: 由去年的80亿元增加到100亿元; 32个，比去年多5个，总投资368亿元.
_COMPARED = re.compile(
    f"[由从](?:{_PAST.pattern})[^，。；]{{0,24}}?[增提升扩涨跃降减][^，。；\\d]{{0,3}}[到至为]|[比较](?:{_PAST.pattern})[^，。；]{{0,24}}"
)
_CLAUSE = re.compile("[，；：。！？\n,;]")
_NOUN_BEHIND = re.compile(
    "(?:(?!板块|问题|方面|领域|汇报|负责|来自|园区|专班|环节|方向|省市)[^，。；、：（）县镇部国市]){0,16}?(?:(项目)|(协议|合同|备忘录|意向书)|(企业|公司|机构|客商|部门|单位))"
)
# Adjectives of a project in which a word of places stands: 329个新型城镇化项目, 86个国际、国内投资合作项目.
_ADJECTIVE = re.compile("新型城镇化|城镇|国际|国内|国家级|国家重[点大]|国企|国有|市级|县级|市域|县域|市政|部级|部省")
_CLOSING = re.compile("(?:总投资额?|总金额|总额|合计|共计|金额共)(?:约?为|达到?|约)?$")
_BARE = re.compile("(?:签约|开工|竣工|投产)(?:了|达到?|共计?)?$")  # 当天签约9个，: projects
_BOUND_CHARS = 24
_MAX_PARTS = 60  # figures between semicolons that one 其中 may rule
_COUNT_UNITS = frozenset("个项宗份笔单")


@dataclass(frozen=True)
class Mention:
    """A figure with its context read: ``sentence`` is its index, ``noun`` what a count counts, ``clause`` the span around."""

    figure: Figure
    sentence: int
    clause: Span
    noun: Noun = "other"
    period: Period = "event"
    is_total: bool = False  # 总投资, 合计, 共: told to be of the whole
    role_told: bool = False  # by a word of its own clause
    is_bound: bool = False  # the word that gave the status stands close by
    closes_parts: bool = False  # an amount of the whole behind the list of its parts: 其中A类30个、B类12个，总金额568亿元

    @property
    def counts_projects(self) -> bool:
        """Projects or agreements, never companies."""
        return self.figure.kind == "count" and self.noun in ("project", "agreement")


def read_mentions(text: str) -> list[Mention]:
    """Return the figures of ``text`` with role, scope and status, in order."""
    mentions: list[Mention] = []
    last: list[Mention] = []
    figures = iter(find_figures(text))
    figure = next(figures, None)
    for index, (start, end) in enumerate(split_sentences(text)):
        inside: list[Figure] = []
        while figure is not None and figure.start < end:
            inside.append(figure)
            figure = next(figures, None)
        read = list(_read_sentence(text, index, (start, max(end, inside[-1].end)), inside)) if inside else []
        read = _close_parts(text, start, read)
        if text[max(0, start - 3) : start].rstrip().endswith("；") and len(last) < _MAX_PARTS:
            read = _continue_parts(last, read)
            last = last + read
        else:
            last = read
        mentions.extend(read)
    return mentions


def _read_sentence(text: str, index: int, span: Span, figures: list[Figure]) -> Iterator[Mention]:
    sentence = text[span[0] : span[1]]
    taken = {i - span[0] for figure in figures for i in range(figure.start, figure.end)}  # 1,256.8 has no clause end
    bounds = [0, *(m.end() for m in _CLAUSE.finditer(sentence) if m.start() not in taken), len(sentence)]
    words = _build_words(sentence, bounds)
    last: Mention | None = None
    for i, figure in enumerate(figures):
        start, end = figure.start - span[0], figure.end - span[0]
        left = figures[i - 1].end - span[0] if i else 0
        right = figures[i + 1].start - span[0] if i + 1 < len(figures) else len(sentence)
        mention = words.read(figure, index, (start, end), (left, right), last)
        clause = (mention.clause[0] + span[0], mention.clause[1] + span[0])
        last = replace(mention, clause=clause)
        yield last


def _close_parts(text: str, start: int, mentions: list[Mention]) -> list[Mention]:
    """Give a total told behind the parts back to the whole, unless the whole has its amount or the parts may be no full list."""
    whole, parts = _whole_and_parts(mentions)
    for i, mention in enumerate(mentions):
        if whole is None or mention.figure.kind != "amount" or mention.figure.start < whole.figure.end:
            continue
        if mention.figure.scope in ("batch", "project", "background"):  # 42个，总投资568亿元，其中
            return mentions
        before = [part for part in parts if part.figure.end <= mention.figure.start]
        listed = len(before) > 1 and all(m.figure.scope != "threshold" for m in mentions if whole.figure.end <= m.figure.start)
        if mention.figure.scope != "part" or not _CLOSING.search(text, max(start, mention.figure.start - 8), mention.figure.start):
            continue
        if listed or sum(part.figure.value for part in before) == whole.figure.value:
            role: Role = "credit" if mention.figure.role == "credit" else "investment"
            figure = replace(mention.figure, scope=whole.figure.scope, role=role, status=whole.figure.status)
            return [*mentions[:i], replace(mention, figure=figure, is_total=True, closes_parts=True), *mentions[i + 1 :]]
    return mentions


def _continue_parts(last: list[Mention], mentions: list[Mention]) -> list[Mention]:
    """Keep 其中 ruling behind a semicolon: 30个，其中合同项目22个；协议项目8个. The parts must not outgrow the whole."""
    whole, parts = _whole_and_parts(last)
    first = next((m for m in mentions if m.figure.kind == "count"), None)
    if whole is None or not parts or first is None or first.figure.scope != "batch" or first.figure.unit != whole.figure.unit:
        return mentions
    total = sum(part.figure.value for part in parts) + first.figure.value
    told = first.figure.status not in ("unknown", whole.figure.status)
    if told or total > whole.figure.value or (first.figure.status != "unknown" and total < whole.figure.value):
        return mentions
    return [replace(m, figure=replace(m.figure, scope="part")) if m.figure.scope in ("batch", "project") else m for m in mentions]


def _whole_and_parts(mentions: list[Mention]) -> tuple[Mention | None, list[Mention]]:
    """Return the batch before the first part of a sentence, and the counts of its parts in the same measure word."""
    first = next((i for i, m in enumerate(mentions) if m.figure.scope == "part"), 0)
    whole = next((m for m in reversed(mentions[:first]) if m.counts_projects and m.figure.scope in ("batch", "background")), None)
    if whole is None:
        return None, []
    return whole, [m for m in mentions[first:] if m.figure.scope == "part" and m.figure.kind == "count" and m.figure.unit == whole.figure.unit]


@dataclass(frozen=True)
class _Words:
    """One sentence with its clause bounds; reads what the words say of a figure at a span of the sentence."""

    sentence: str
    bounds: list[int]
    periods: list[tuple[int, Period]]  # (end of the word, what it says), in order
    statuses: list[tuple[Span, Status, int]]  # (span, what it says, dearness of its place)
    roles: list[tuple[int, Role]]  # (end of the word, what it says)

    def read(self, figure: Figure, index: int, at: Span, between: Span, last: Mention | None) -> Mention:
        clause = self._clause(at[0])
        before, after = self.sentence[max(clause[0], between[0]) : at[0]], self.sentence[at[1] : min(max(clause[1], at[1]), between[1])]
        noun = _noun(figure, before, after)
        period = self._period(at[0])
        is_total = re.search("总|合计|共|协议|合同|签约金额|签约额|集中", before[-12:]) is not None or re.match("的?总投资", after) is not None
        distance, told = _BOUND_CHARS + 1, False
        if figure.kind in ("amount", "count"):
            role = self._role(figure, at, before, after, last) if figure.kind == "amount" else None
            scope = self._scope(figure, at, before, after, noun, period, is_total, last)
            told = _last_word(before) is not None or _first_word(after[:10]) is not None
            status, distance = self._status(at, clause)
            figure = replace(figure, role=role, scope=scope, status=status)
        return Mention(figure, index, clause, noun, period, is_total, told, distance <= _BOUND_CHARS)

    def _clause(self, position: int) -> Span:
        i = bisect_right(self.bounds, position)
        return self.bounds[i - 1], self.bounds[i] if i < len(self.bounds) else len(self.sentence)

    def _role(self, figure: Figure, at: Span, before: str, after: str, last: Mention | None) -> Role:
        role = _last_word(before)
        if role is None and re.search(_GENERIC_AMOUNT, before):
            role = self._told_before(at[0], special=True) or "investment"
        role = role or _first_word(after[:10])
        if role is None and last is not None and last.figure.kind == "amount":
            return last.figure.role or "other"
        return role or self._told_before(at[0], special=False) or "other"

    def _scope(self, figure: Figure, at: Span, before: str, after: str, noun: Noun, period: Period, is_total: bool, last: Mention | None) -> Scope:
        if figure.kind == "amount" and _is_threshold(figure, before, after):
            return "threshold"
        if period == "past":
            return "background"
        parts = [match[0] for match in _PART.finditer(self.sentence, self.sentence.rfind("；", 0, at[0]) + 1, at[0])]  # 其中 rules to a semicolon
        closes_list = before.endswith(("等", "等共", "在内的", "等在内的"))  # 包括甲、乙等24个项目: the whole
        # 项目29个，涉及科技服务等领域，总金额560亿元: a list of fields has no figures, and what closes it is of the whole
        closes_list = closes_list or (figure.kind == "amount" and is_total and (last is None or last.figure.scope not in ("part", "threshold")))
        if parts and not (closes_list and all(_LISTED.fullmatch(part) for part in parts)):
            return "part"
        if period == "period":
            return "background"
        if figure.kind == "count":
            return "batch"
        return "batch" if is_total and not re.match("的[^，。；]{0,20}项目", after) else "project"

    def _period(self, position: int) -> Period:
        """The last word of time before the figure decides."""
        i = bisect_right(self.periods, position, key=lambda word: word[0])
        return self.periods[i - 1][1] if i else "event"

    def _told_before(self, position: int, special: bool) -> Role | None:
        """The last word of the sentence before the figure that tells a role; ``special`` leaves investment out."""
        i = bisect_right(self.roles, position, key=lambda word: word[0])
        return next((role for _, role in reversed(self.roles[:i]) if not (special and role == "investment")), None)

    def _status(self, at: Span, clause: Span) -> tuple[Status, int]:
        """Return the status of the nearest word that tells one, and how far it is."""
        best: tuple[Status, int] = ("unknown", 10**6)
        for span, status, dearness in self.statuses:
            later = span[0] >= clause[1]
            if (span[1] <= at[0] or span[0] >= at[1]) and not (later and status == "planned" and _BEHIND_ONLY.fullmatch(self.sentence, *span)):
                distance = self._distance(span, at, clause) + dearness
                best = (status, distance) if distance < best[1] else best
        return best

    def _distance(self, span: Span, at: Span, clause: Span) -> int:
        """Characters between, dearer across clauses, and dearest in a later clause."""
        gap = at[0] - span[1] if span[1] <= at[0] else span[0] - at[1]
        crossed = abs(bisect_right(self.bounds, span[0]) - bisect_right(self.bounds, at[0]))
        return gap + 15 * crossed + 40 * (span[0] >= clause[1])


def _build_words(sentence: str, bounds: list[int]) -> _Words:
    tables: tuple[tuple[Period, re.Pattern[str]], ...] = (("past", _PAST), ("period", _PERIOD), ("event", _NOW))
    periods = sorted((m.end(), period) for period, words in tables for m in words.finditer(sentence))
    for compared in _COMPARED.finditer(sentence):
        before = [period for end, period in periods if end <= compared.start() + 1]
        insort(periods, (compared.end(), before[-1] if before else "event"))
    statuses = [
        (m.span(), _STATUSES[_row(m)][0], 30 * bool(_EVENT_NOUN.match(sentence, m.end())))
        for m in _STATUS_WORDS.finditer(sentence)
        if not _AIM_MET.search(sentence, max(0, m.start() - 14), m.end())
    ]
    roles = [(m.end(), _ROLES[_row(m)][0]) for m in _ROLE_WORDS.finditer(sentence)]
    return _Words(sentence, bounds, periods, statuses, roles)


def _table(words: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?P<w{i}>{pattern})" for i, (_, pattern) in enumerate(words)))


_ROLE_WORDS = _table(_ROLES)
_STATUS_WORDS = _table(_STATUSES)


def _row(match: re.Match[str]) -> int:
    return int(str(match.lastgroup)[1:])


def _last_word(text: str) -> Role | None:
    found = list(_ROLE_WORDS.finditer(text))
    return _ROLES[_row(found[-1])][0] if found else None


def _first_word(text: str) -> Role | None:
    match = _ROLE_WORDS.search(text)
    return _ROLES[_row(match)][0] if match else None


def _is_threshold(figure: Figure, before: str, after: str) -> bool:
    if figure.text.endswith("级") or (
        figure.text.endswith(("以上", "以下")) and re.match("的?[^，。；\\d]{0,8}?(?:项目|企业|产业|工业|的|集群|基金)|[（(]", after)
    ):
        return True
    if figure.qualifier in ("over", "nearly") and re.match("的(?:有|项目|企业|重大|工业|共|达)", after):
        return True
    # 亿元项目, 百亿元产业: a power without a digit is a size class unless it is told as an amount
    return re.fullmatch("[十百千万亿]+元?", figure.text) is not None and not re.search("投资额?|金额|达到?|(?<!签)约|资$", before[-4:])


def _noun(figure: Figure, before: str, after: str) -> Noun:
    """What a count counts: the noun behind it, or right before it (签约项目32个)."""
    if figure.kind != "count":
        return "other"
    if figure.unit in ("家", "户"):
        return "project" if figure.unit == "家" and re.match("(?:重点|重大|产业|优质|招商|投资)*项目", after) else "company"
    if figure.unit not in _COUNT_UNITS:
        return "other"
    after = _ADJECTIVE.sub(lambda match: "新" * len(match[0]), after).replace("新、新", "新新新")
    after = re.sub("^由[^，。；：\\d]{2,24}的(?=[^，。；：、\\d]{0,12}项目)", "", after)
    behind = _NOUN_BEHIND.match(after)
    if behind is not None and not re.match("的?(?:经理|工地|专班|现场(?!签)|资金)", after[behind.end() :]):
        return "project" if behind[1] else "agreement" if behind[2] else "company"
    ahead = re.search("(?:(项目)|(协议|合同|备忘录|意向书)|(企业|公司))(?:数量?|总数|共计?|合计|已?达到?|共有|超过|突破|，共|，)?$", before)
    if ahead is not None:
        return "project" if ahead[1] else "agreement" if ahead[2] else "company"
    return "project" if figure.unit == "个" and _BARE.search(before) and re.match("[，。；：、（]|$", after) else "other"
