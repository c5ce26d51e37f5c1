"""The four facts of an article from its figures and their context, by the annotation guide's Facts rules.

``build_outcomes(text, title, activity)`` takes the text (offsets are on it), the title (read, but without mentions) and, where
known, the activity labels, main first. Precision first: where two batches compete and none leads, a fact is None.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from data.schema import Facts, Figure, Outcomes, plain
from models.context import Mention, read_mentions
from models.factrank import FactRanker, find_candidates
from models.sentences import split_sentences

Side = Literal["signed", "total"]

YI = Decimal(10**8)  # facts are in 亿元
_PERIOD_ACTIVITIES = frozenset({"results_review", "press_conference", "work_meeting"})
_PERIOD_WORDS = re.compile("发布会|综述|调度会|推进会|通报|盘点|成效|以来|上半年|季度")
_LEAD_CHARS = 220
_PAIR_CHARS = 60  # an amount further behind its count is another thing's
_TOTAL_STATUSES = frozenset({"started", "completed", "promoted"})
_MATCHED = re.compile("对接|面对面|融资需求")
_VISITED = re.compile("察看|查看|调研|观摩|走访|督导|看了|走了|跑了|检查|考察|实地")
_TOTAL_ACTIVITIES = frozenset({"field_inspection", "work_meeting", "project_progress", "results_review", "promotion_conference", "press_conference"})
_BROUGHT = re.compile("引进|落地|落户|引入|招引|实施|推进|建设|续建|在建|谋划|融资需求|列入|集中")
_DEAL = re.compile(
    "(?:签署|签订|签下|签定|签成|补签|缔结|签了|签上)[^。；！？]{0,60}?(?:协议|合同|备忘录|意向书|合约|契约|投资合作|项目)|"
    "(?:正式|成功|现场|云|顺利)签约(?!前|率|方|后)|签约(?:落户|落地|入驻)|(?:项目|合作)[^，。；]{0,8}签约(?!前|率|方|后|仪式[将于])"
)
_SIGNS = re.compile("签约|签署|签订|签下")
_MANY_PARTIES = re.compile(
    "分别|首批|一批|多个|(?:等[\\d两三四五六七八九十]+[家个]|[\\d两三四五六七八九十]家[^，。]{0,10}?(?:企业|公司|机构|单位))[^，。；]{0,8}签"
)
_MANY_PROJECTS = re.compile("一批[^，。]{0,8}项目|批项目|多个项目|系列项目")
_NOT_A_DEAL = re.compile("未签|没有签|尚未|暂不签|拟签|将签|计划签|待签|去年|此前|曾|上年|签约前")
_JOINT = re.compile("[^，。；！？\n]{0,16}?(?:和|及|与|并|暨|、)[^，。；！？\n]{0,8}")
_SUMMED = re.compile("共|总计|合计|总数")
_STARTED = re.compile("开工|奠基|动工|破土|开建|开挖|竣工|投产|建成|揭牌|投用|投运|并网|试产|试车|封顶|点火|投料|合龙|下线|建设")


@dataclass(frozen=True)
class Batch:
    """A count of projects with the amount that belongs to the whole of it, if any; ``rank`` is smaller where it leads."""

    side: Side
    count: int | None  # None where counts are joined (7份备忘录和3个协议) and the article gives no sum
    amount: Decimal | None
    rank: tuple[int, int]
    mention: Mention


def tells_fact(figure: Figure, fact: str, value: float) -> bool:
    """Return whether a figure says a fact (a field of ``Facts``): a count of that many, or an amount of that many 亿元."""
    if fact.endswith("projects"):
        return figure.kind == "count" and figure.value == value
    return figure.kind == "amount" and figure.unit == "CNY" and figure.value == Decimal(str(value)) * YI


def build_outcomes(text: str, title: str | None = None, activity: Sequence[str] | None = None, ranker: FactRanker | None = None) -> Outcomes:
    """Return facts, mentions and contradictions of an article; facts by the rules, or by a ranker that knows what the rules say."""
    mentions = read_mentions(text)
    article = _Article(text, title or "", mentions, tuple(activity or ()))
    signed, total = article.lead_batch("signed"), article.lead_batch("total")
    signed_pair = _pair(signed) if signed else article.single_deal()
    total_pair = _pair(total) if total else article.single_project(signed_pair[0] is not None)
    facts = Facts(signed_pair[0], _in_yi(signed_pair[1]), total_pair[0], _in_yi(total_pair[1]))
    if ranker is not None and not article.outside:
        facts = ranker.choose(find_candidates(text, article.title, mentions, read_mentions(article.title), facts, article.activity))[0]
    return Outcomes(facts, tuple(mention.figure for mention in mentions), tuple(article.conflicts(signed, total)))


def _pair(batch: Batch) -> tuple[int | None, Decimal | None]:
    return batch.count, batch.amount


def _in_yi(amount: Decimal | None) -> float | None:
    return None if amount is None else float(plain(amount / YI))


@dataclass(frozen=True)
class _Article:
    """An article with its figures in context."""

    text: str
    title: str
    mentions: list[Mention]
    activity: tuple[str, ...]

    @property
    def outside(self) -> bool:
        """True where the labels say that nothing here is an outcome."""
        return self.activity[:1] == ("other",)

    @property
    def reports_period(self) -> bool:
        """True where a period's result is the article's own (guide, Facts)."""
        if self.activity:
            return bool(_PERIOD_ACTIVITIES & set(self.activity))
        return _PERIOD_WORDS.search(self.title + self.text[:80]) is not None

    def has(self, label: str) -> bool:
        """True where the label is given, or no labels are."""
        return not self.activity or label in self.activity

    def batches(self, side: Side) -> list[Batch]:
        """Return every batch of a side that may be a fact, in the order of the text."""
        found: list[Batch] = []
        if self.outside:
            return found
        in_title = {m.figure.value for m in read_mentions(self.title) if m.figure.kind == "count"}
        for i, mention in enumerate(self.mentions):
            rank = 0 if mention.figure.value in in_title else 1 if mention.figure.start < _LEAD_CHARS else 2
            if mention.counts_projects and self._side(i) == side and self._counts(i, rank == 0):
                found.append(Batch(side, int(mention.figure.value), self._amount_of(i), (rank, mention.figure.start), mention))
        return self._join(found)

    def _join(self, batches: list[Batch]) -> list[Batch]:
        """Make one of batches told in one breath, 7份备忘录和3个协议: their sum where the article gives it, else no count."""
        groups: list[list[Batch]] = []
        for batch in batches:
            if groups and self._is_joint(groups[-1][-1].mention, batch.mention):
                groups[-1].append(batch)
            else:
                groups.append([batch])
        return [group[0] if len(group) == 1 else self._summed(group) for group in groups]

    def _is_joint(self, a: Mention, b: Mention) -> bool:
        gap = self.text[a.figure.end : min(b.figure.start, a.figure.end + 30)]
        return a.sentence == b.sentence and a.figure.status == b.figure.status and _JOINT.fullmatch(gap) is not None

    def _summed(self, group: list[Batch]) -> Batch:
        first, last = group[0].mention, group[-1].mention
        total = sum(batch.mention.figure.value for batch in group)
        told = any(
            mention.figure.kind == "count"
            and mention.figure.value == total
            and _SUMMED.search(text, max(0, mention.figure.start - 8), mention.figure.start)
            for text, mentions in ((self.text, self._near(first, last)), (self.title, read_mentions(self.title)))
            for mention in mentions
        )
        in_title = any(mention.counts_projects and mention.figure.value == total for mention in read_mentions(self.title))
        amount = next((batch.amount for batch in reversed(group) if batch.amount is not None), None)
        return replace(group[0], count=int(total) if told or in_title else None, amount=amount, rank=min(batch.rank for batch in group))

    def _near(self, first: Mention, last: Mention) -> list[Mention]:
        """Return the mentions of the sentences around."""
        i, j = self.mentions.index(first), self.mentions.index(last)
        return [m for m in self.mentions[max(0, i - 6) : j + 7] if first.sentence - 1 <= m.sentence <= last.sentence + 1]

    def lead_batch(self, side: Side) -> Batch | None:
        """Return the batch that the headline or the lead gives, or the only one; None where several compete."""
        batches = self.batches(side)
        if not batches:
            return None
        first = min(batch.rank[0] for batch in batches)
        leading = [batch for batch in batches if batch.rank[0] == first]
        best = leading[0]
        if best.count is None:
            return None
        leading = [batch for batch in leading if batch.count is not None]
        if best.rank[0] > 0 and len({batch.count for batch in leading}) > 1 and not self._leads(best, leading):
            return None
        return next((batch for batch in batches if batch.count == best.count and batch.amount is not None), best)

    def _leads(self, best: Batch, batches: list[Batch]) -> bool:
        """The first batch leads where the others are smaller, or the article reports a period."""
        return self.reports_period or max(batch.count or 0 for batch in batches) == best.count

    def _counts(self, i: int, in_title: bool) -> bool:
        figure = self.mentions[i].figure
        if figure.max is not None or figure.value != int(figure.value) or figure.status in ("planned", "intent"):
            return False
        if figure.value < 2 and not figure.text[0].isdigit():
            return False
        if in_title:
            return self.mentions[i].period != "past"
        if figure.scope == "background":
            return self.mentions[i].period == "period" and (self.reports_period or self._so_far(figure.start))
        return figure.scope == "batch" and not self._is_size_class(i)

    def _so_far(self, start: int) -> bool:
        """An event still going on tells its own result: 目前，已签约项目315个, in the lead of an article on an expo."""
        lately = re.search("目前|截至[^，。；]{0,8}(?:日|时|发稿|记者)", self.text[max(0, start - 24) : start])
        return start < _LEAD_CHARS and self.activity[:1] in (("expo_forum",), ("signing",), ("promotion_conference",)) and lately is not None

    def _is_size_class(self, i: int) -> bool:
        """10亿元以上项目8个 behind another count of the sentence is a part of that one."""
        if i == 0 or self.mentions[i - 1].figure.scope != "threshold" or self.mentions[i - 1].sentence != self.mentions[i].sentence:
            return False
        return any(
            other.counts_projects and other.sentence in (self.mentions[i].sentence, self.mentions[i].sentence - 1)
            for other in self.mentions[max(0, i - 8) : i - 1]
        )

    def _side(self, i: int) -> Side | None:
        """Say whether a batch was signed, or is the other headline batch; None where the words do not tell."""
        mention = self.mentions[i]
        status, start, end = mention.figure.status, mention.figure.start, mention.figure.end
        around = self.text[max(0, start - 40) : end + 30]
        clause = self.text[mention.clause[0] : max(mention.clause[1], end)]
        leads = start < _LEAD_CHARS
        if re.search("签约(?:、|并|及|和|暨)?(?:开工|动工)", around):
            return "total"
        main_signing = self.activity[:1] == ("signing",)
        if status == "signed" and (mention.is_bound or main_signing or (leads and self.reports_period)):
            return "signed"
        if status in ("signed", "unknown") and "signing" in self.activity and (leads or not main_signing) and self._amount_of(i) is not None:
            return "signed"
        if status == "promoted" and main_signing:
            return None
        if status in _TOTAL_STATUSES or _MATCHED.search(clause) or _BROUGHT.search(clause):
            return "total" if mention.is_bound or leads or self.reports_period else None
        if mention.noun == "agreement" or (leads and main_signing):
            return "signed"
        if _VISITED.search(around) and self.has("field_inspection"):
            return "total"
        if status in ("unknown", "intent") and self.activity[:1] in (("expo_forum",), ("promotion_conference",)) and "达成" in clause:
            return "total"
        leads = leads and i == next(j for j, other in enumerate(self.mentions) if other.counts_projects)
        return "total" if leads and status == "unknown" and set(self.activity) & _TOTAL_ACTIVITIES else None

    def _amount_of(self, i: int) -> Decimal | None:
        """Return the amount of the whole batch: behind the count (，总投资X亿元), or before it (总投资X亿元的12个项目)."""
        count = self.mentions[i]
        closing = next((m for m in self.mentions[i + 1 : i + 12] if m.closes_parts and m.sentence == count.sentence), None)
        if closing is not None and count.figure.scope != "part" and closing.figure.unit == "CNY" and closing.figure.max is None:
            return closing.figure.value
        for other in self.mentions[i + 1 : i + 4]:
            between = self.text[count.figure.end : other.figure.start]
            if (
                other.figure.start - count.figure.end > _PAIR_CHARS
                or other.counts_projects
                or re.search("其中|大到|最大|[；！？\n]|。(?!(?:协议|计划|合同)?总?(?:投资|金额))|包括", between)
            ):
                break
            if self._is_whole(other, signed=count.noun == "agreement" or "签" in self.text[max(0, count.figure.start - 20) : count.figure.end + 20]):
                return other.figure.value
        if i > 0:
            other = self.mentions[i - 1]
            if (
                re.fullmatch("(?:人民币)?(?:（[^）]{1,14}）)?的[^，。；]{0,6}", self.text[other.figure.end : count.figure.start])
                and other.figure.role == "investment"
                and other.figure.unit == "CNY"
            ):
                return other.figure.value if other.figure.scope != "threshold" and other.is_total else None
        return None

    def _is_whole(self, mention: Mention, signed: bool) -> bool:
        figure = mention.figure
        if figure.kind != "amount" or figure.unit != "CNY" or figure.max is not None or figure.scope not in ("batch", "project", "background"):
            return False
        if re.match("的(?!总?投资)|以上|建设", self.text[figure.end : figure.end + 6]):
            return False
        return figure.role in ("investment", "fixed_assets") or (signed and figure.role == "trade")

    def single_deal(self) -> tuple[int | None, Decimal | None]:
        """Return (1, its amount) where one named project or agreement is signed in this event; an agreement and a memorandum are 2."""
        signs = "signing" in self.activity if self.activity else _SIGNS.search(self.title + self.text[:_LEAD_CHARS]) is not None
        if not signs or self.outside or self.activity[:1] in (("promotion_conference",), ("expo_forum",)) or self._has_signed_batch():
            return None, None
        spans = [span for span in split_sentences(self.text) if self._is_deal(*span)]
        deals = [self.text[start:end] for start, end in spans]
        counted = [m for m in self.mentions if m.counts_projects and m.figure.value > 1 and any(a <= m.figure.start < b for a, b in spans[:20])]
        if not deals or counted or any(_MANY_PARTIES.search(deal) for deal in deals):
            return None, None
        papers = {match[0] for deal in deals for match in re.finditer("备忘录|协议|合同|意向书", deal)}
        if len(deals) > 1 and "备忘录" in papers and len(papers) == 2:
            return 2, None
        return (1, self._single_amount()) if len(deals) == 1 or len(papers) <= 1 else (None, None)

    def _has_signed_batch(self) -> bool:
        return any(
            m.counts_projects and m.figure.value > 1 and m.figure.status == "signed" and m.period != "past"
            for m in (*self.mentions, *read_mentions(self.title))
        )

    def _is_deal(self, start: int, end: int) -> bool:
        sentence = self.text[start:end]
        return _DEAL.search(sentence) is not None and _NOT_A_DEAL.search(sentence) is None

    def single_project(self, has_deal: bool) -> tuple[int | None, Decimal | None]:
        """Return (1, its amount) where one named project starts, runs or opens."""
        if self.activity[:1] != ("project_progress",) or has_deal:
            return None, None
        lead = self.title + self.text[:_LEAD_CHARS]
        counts = [m for m in self.mentions if m.counts_projects and m.figure.value > 1 and m.figure.scope == "batch"]
        if any(m.is_bound or m.figure.start < _LEAD_CHARS for m in counts) or _MANY_PROJECTS.search(lead):
            return None, None
        apart = {m.figure.value for m in self._investments() if re.match("的[^，。；]{0,10}项目", self.text[m.figure.end : m.figure.end + 13])}
        if not _STARTED.search(lead) or len(self._told_totals() | apart) > 1:
            return None, None
        return 1, self._single_amount()

    def _told_totals(self) -> set[Decimal]:
        return {
            m.figure.value
            for m in self._investments()
            if m.figure.scope != "part" and re.search("总投资|总额|总规模|计划投资|投资总额", self.text[max(0, m.figure.start - 8) : m.figure.start])
        }

    def _investments(self) -> list[Mention]:
        return [
            m
            for m in self.mentions
            if m.figure.role in ("investment", "fixed_assets") and m.figure.scope != "threshold" and m.period != "past" and m.figure.max is None
        ]

    def _single_amount(self) -> Decimal | None:
        """Return the amount of one project: told as total, or the only investment of the article; None in other currencies."""
        investments = self._investments()
        whole = {m.figure.value for m in investments if m.figure.scope != "part"}
        for values in (self._told_totals(), whole, {m.figure.value for m in investments}):
            if values:
                return next(iter(values)) if len(values) == 1 and all(m.figure.unit == "CNY" for m in investments) else None
        return None

    def conflicts(self, signed: Batch | None, total: Batch | None) -> list[str]:
        """Return plain sentences about figures that contradict one another."""
        found = [sentence for batch in (signed, total) if batch for sentence in self._part_conflicts(batch)]
        for batch, word in ((signed, "签约"), (total, "开工")):
            found.extend(self._title_conflict(batch, word))
        return found

    def _part_conflicts(self, batch: Batch) -> list[str]:
        i = self.mentions.index(batch.mention)
        same = [m for m in self.mentions[i + 1 : i + 30] if m.sentence == batch.mention.sentence]
        parts = [m for m in same if m.figure.scope == "part" and m.figure.kind == "count" and m.figure.unit == batch.mention.figure.unit]
        listed = len(parts) > 1 and all(_is_list_gap(self.text[a.figure.end : b.figure.start]) for a, b in pairwise(parts))
        total = sum(int(part.figure.value) for part in parts)
        found = [f"分项合计{total}{parts[0].figure.unit}，超过总数{batch.mention.figure.text}。"] if listed and total > (batch.count or total) else []
        for part in same:
            amount = batch.amount
            if (
                amount is not None
                and part.figure.scope == "part"
                and part.figure.role == "investment"
                and part.figure.unit == "CNY"
                and part.figure.value > amount
            ):
                found.append(f"分项金额{part.figure.text}超过总金额{plain(amount / YI)}亿元。")
        return found

    def _title_conflict(self, batch: Batch | None, word: str) -> list[str]:
        """The headline counts the same kind of batch with a number that the text never gives."""
        if batch is None or word not in self.title:
            return []
        for mention in read_mentions(self.title):
            value = mention.figure.value
            if mention.counts_projects and mention.figure.status in ("signed", "started") and all(value != m.figure.value for m in self.mentions):
                return [f"标题为{mention.figure.text}{'项目'}，正文为{batch.mention.figure.text}。"]
        return []


def _is_list_gap(gap: str) -> bool:
    """26个、预制菜19个、饮料14个: parts of one list."""
    return re.fullmatch("[、，和及][^，。；、]{1,16}", gap) is not None and not re.search("以上|来自|省外|外资|民营|制造业", gap)
