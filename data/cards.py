"""Fact cards: what an article written for the training set is to be about, drawn by program.

``python -m data cards --n 60 --seed 3 --output cards.jsonl`` writes one card a line; a writer makes an article of each. Drawing
instead of thinking up keeps the set spread over places, publishers, years, lengths and ways to write a figure. Sources: the lists
of ``cards.yaml``. The same seed gives the same cards.
"""

import functools
import random
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from data.taxonomy import load_taxonomy

CARDS_PATH = Path(__file__).with_name("cards.yaml")
_DIGITS = "零一二三四五六七八九"
_FIRST_YEAR, _LAST_YEAR, _LAST_MONTH = 2008, 2026, 10  # no card is dated after 2026-10-28
_AWAY = ("港澳台", "境外")  # places that a delegation from anywhere in the country goes to, or comes from
_AWAY_LEVELS = ("county", "county", "county", "city", "city", "zone", "province")
_HOME_LEVELS = ("county", "county", "county", "city", "city", "zone")  # every place of a province is a county, a district, a city or a zone
_ZONE = re.compile("(?:开发区|新区|新片区)$")
NO_AMOUNTS = "不给任何投资额，只讲做法"
_NO_AMOUNTS_SHARE = 0.08
_OF_AMOUNTS = re.compile("额|到位资金")  # in distractors that would have the writer give one


@dataclass(frozen=True)
class FactCard:
    """One drawn card; strings are for the writer, ``activity`` and ``industry`` are taxonomy keys.

    ``length`` is the wished number of characters of the body; ``figures`` are surface forms to use for what they say.
    """

    number: int
    place: str
    level: str
    publisher: str
    manner: str
    published: str
    activity: tuple[str, ...]
    moment: str
    industry: tuple[str, ...]
    parties: tuple[str, ...]
    figures: tuple[str, ...]
    distractors: tuple[str, ...]
    structure: str
    length: int
    titled: bool

    def to_json(self) -> dict[str, Any]:
        """Return the card as a JSON object."""
        return asdict(self)


@functools.cache
def _lists() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(CARDS_PATH.read_text("utf-8"))
    return loaded


def draw_cards(n: int, seed: int) -> list[FactCard]:
    """Return ``n`` cards; the same ``seed`` gives the same ones."""
    rng = random.Random(seed)
    return [_draw_card(rng, number) for number in range(1, n + 1)]


def _draw_card(rng: random.Random, number: int) -> FactCard:
    lists = _lists()
    main = rng.choices(list(lists["activities"]), [entry["weight"] for entry in lists["activities"].values()])[0]
    entry = lists["activities"][main]
    activity = (main, *(label for label, share in entry["with"].items() if rng.random() < share))
    province = rng.choice(list(lists["places"]))
    publisher = rng.choice(lists["publishers"])
    band = rng.choices(lists["lengths"], [entry["weight"] for entry in lists["lengths"]])[0]
    length = rng.randrange(band["low"], band["high"])
    dense = length > 220  # a flash holds one or two figures, not distractors
    place = rng.choice(lists["places"][province])
    figures = _draw_figures(rng, activity, 4 if length > 850 else 2 if dense else 1)
    return FactCard(
        number=number,
        place=f"{province} {place}",
        level=_draw_level(rng, province, place),
        publisher=publisher["style"],
        manner=publisher["manner"],
        published=_draw_date(rng),
        activity=activity,
        moment=rng.choice(entry["moments"]),
        industry=_draw_industries(rng, main),
        parties=tuple(rng.sample(lists["parties"], rng.choice((1, 1, 2, 2, 3)))) if main != "other" else (),
        figures=figures,
        distractors=_draw_distractors(rng, length, figures) if dense else (),
        structure=rng.choice(lists["structures"]) if dense else "一段到底的短讯",
        length=length,
        titled=rng.random() < 0.85,
    )


def _draw_level(rng: random.Random, province: str, place: str) -> str:
    """Return the level of who acts: that of the place, any where the place is away."""
    if province in _AWAY:
        return rng.choice(_AWAY_LEVELS)
    return "zone" if _ZONE.search(place) else rng.choice(_HOME_LEVELS)


def _draw_date(rng: random.Random) -> str:
    year = rng.randint(_FIRST_YEAR, _LAST_YEAR)
    return f"{year}-{rng.randint(1, _LAST_MONTH if year == _LAST_YEAR else 12):02d}-{rng.randint(1, 28):02d}"


def _draw_distractors(rng: random.Random, length: int, figures: tuple[str, ...]) -> tuple[str, ...]:
    wanted = rng.choice((0, 1, 2, 3) if length < 850 else (2, 3, 4))
    return tuple(rng.sample([d for d in _lists()["distractors"] if NO_AMOUNTS not in figures or not _OF_AMOUNTS.search(d)], wanted))


def _draw_industries(rng: random.Random, main: str) -> tuple[str, ...]:
    """Return distinct industries, the rarer ones more often; sometimes none."""
    weights = {key: _lists()["industry_weights"][key] for key in load_taxonomy().industry}
    wanted = rng.choice((0, 0, 0, 1)) if main == "other" else rng.choice((0, 1, 1, 2, 2, 2, 3, 4, 6))
    chosen: list[str] = []
    while len(chosen) < wanted:
        key = rng.choices(list(weights), list(weights.values()))[0]
        chosen += [] if key in chosen else [key]
    return tuple(chosen)


# --- figures ---------------------------------------------------------------------------------------------------------


def _draw_figures(rng: random.Random, activity: tuple[str, ...], n: int) -> tuple[str, ...]:
    if activity[0] == "other" or rng.random() < 0.12:
        return ()
    if rng.random() < _NO_AMOUNTS_SHARE:
        return (NO_AMOUNTS,)
    wishes = []
    if "signing" in activity:
        wishes.append(f"本次签约{count_surface(rng)}项目，总投资{amount_surface(rng)}")
    wishes += rng.sample(
        [
            f"一个项目的总投资：{amount_surface(rng)}",
            f"一个项目的固定资产投资：{amount_surface(rng)}",
            f"达成意向（未签）：{count_surface(rng)}，{amount_surface(rng)}",
            f"开工或在建：{count_surface(rng)}，{amount_surface(rng)}",
            f"背景累计（不是本次）：{count_surface(rng)}，{amount_surface(rng)}",
            f"计划或目标：{amount_surface(rng)}",
            f"年产值：{amount_surface(rng)}；税收：{amount_surface(rng, small=True)}",
            f"到位资金：{amount_surface(rng)}",
            f"参加的企业：{count_surface(rng, '家')}",
            f"门槛：{rng.choice(('5000万元', '1亿元', '10亿元', '50亿元'))}以上项目{rng.randint(2, 30)}个",
            f"外资：{rng.choice(('1200万美元', '3.5亿美元', '近2亿欧元', '8000万港元', '约40亿日元', '5亿多美元'))}",
        ],
        n,
    )
    return tuple(wishes)


def count_surface(rng: random.Random, measure: str = "个") -> str:
    """Return a count as the press writes it: 近30个, 十二个, 20余个."""
    n = rng.choice((1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 16, 18, 23, 27, 30, 32, 40, 46, 58, 60, 100, 126))
    tens = n - n % 10 or n
    forms = [f"{n}{measure}", f"{n}{measure}", f"{n}{measure}"]
    if n >= 10:
        forms += [f"近{tens}{measure}", f"{tens}余{measure}", f"{tens}多{measure}", f"超{tens}{measure}"]
    if n < 20:
        forms.append(f"{to_numeral(n)}{measure}")
    return rng.choice(forms)


def amount_surface(rng: random.Random, small: bool = False) -> str:
    """Return an amount as the press writes it: 160多亿元, 超百亿元, 30-50亿元, 3200万元, 十二亿元."""
    if small or rng.random() < 0.18:
        return rng.choice((f"{rng.randint(3, 99) * 100}万元", f"{rng.randint(1, 9)}000多万元", f"近{rng.randint(2, 9)}000万元"))
    whole = rng.choice((1, 2, 3, 5, 6, 8, 10, 12, 15, 18, 20, 26, 30, 35, 48, 50, 60, 86, 100, 120, 160, 238, 300, 512))
    exact = f"{whole}.{rng.randint(1, 9)}亿元"
    forms = [exact, exact, f"{whole}.{rng.randint(10, 99)}亿元", f"{whole}亿元", f"约{whole}亿元", f"逾{whole}亿元", f"超过{whole}亿元"]
    if whole >= 10:
        forms += [f"{whole}多亿元", f"近{whole}亿元", f"{whole}-{whole * 2}亿元", f"{whole}余亿元"]
    if whole >= 100:
        forms += ["超百亿元", f"{whole * 10 + 3:,}.8亿元"]
    if whole < 20:
        forms.append(f"{to_numeral(whole)}亿元")
    return rng.choice(forms)


def to_numeral(n: int) -> str:
    """Return 1 to 99 in Chinese numerals.

    Raises:
        ValueError: outside that range.

    """
    if not 0 < n < 100:
        raise ValueError(f"n must be in [1, 99], got {n}")
    tens, ones = divmod(n, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")
