"""Do the labels of a checkpoint hold when an article changes only in what does not matter?

``python -m training robustness --data D`` labels every article as it is and after each single kind of crawl noise (``data.augment``), with the paragraphs behind the lead in another order,
and with another city's name, and says for how many of the articles that changed at all activities (with the main one) and industries stayed what they were.
"""

import json
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from data.augment import NOISES
from data.schema import Article
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.result import Options, Result
from training.config import RobustnessConfig
from training.evaluation import BATCH_ARTICLES, load_examples

logger = logging.getLogger(__name__)
Change = Callable[[Article, random.Random], Article]
# Of one rank and one kind of economy; each gives way to the next one that the article does not name.
CITIES = ("青岛", "宁波", "长沙", "郑州", "合肥", "厦门", "济南", "南昌", "贵阳", "苏州", "无锡", "常州", "佛山", "东莞", "绍兴", "嘉兴", "泉州", "潍坊", "洛阳", "襄阳", "株洲", "绵阳", "柳州", "芜湖")  # fmt: skip
_LEAD = 2  # paragraphs that stay in front


def shuffle_background(article: Article, rng: random.Random) -> Article:
    """Return the article with the paragraphs behind the lead in another order."""
    paragraphs = article.text.split("\n")
    rest = paragraphs[_LEAD:]
    rng.shuffle(rest)
    return replace(article, text="\n".join([*paragraphs[:_LEAD], *rest]))


def rename_city(article: Article, rng: random.Random) -> Article:
    """Return the article with every city of ``CITIES`` that it names called by another one's name, in title and text."""
    named = [city for city in CITIES if city in article.text or city in (article.title or "")]
    free = [city for city in CITIES if city not in named]
    rng.shuffle(free)
    title, text = article.title, article.text
    for city, other in zip(named, free, strict=False):
        title, text = title and title.replace(city, other), text.replace(city, other)
    return replace(article, title=title, text=text)


def _noise(name: str) -> Change:
    return lambda article, rng: replace(article, text=NOISES[name](article.text, rng))


CHANGES: dict[str, Change] = {**{name: _noise(name) for name in NOISES}, "shuffled_background": shuffle_background, "other_city": rename_city}


def run_robustness(config: RobustnessConfig) -> list[dict[str, Any]]:
    """Return a row for each change: articles that it changed, and the shares of those whose main activity, activities, industries and all labels stayed.

    Raises:
        InputError: no annotated articles.

    """
    articles = [example.article for example in load_examples(config.data)[: config.limit or None]]
    predictor = Predictor.load(config.checkpoint or DEFAULT_CHECKPOINT, config.device)
    before = label(predictor, articles)
    rows = []
    for name, change in CHANGES.items():
        changed = {i: new for i, old in enumerate(articles) if (new := change(old, random.Random(f"{config.seed} {name} {old.id}"))) != old}
        after = dict(zip(changed, label(predictor, list(changed.values())), strict=True))
        rows.append({"change": name, **_compare([before[i] for i in changed], [after[i] for i in changed])})
        logger.info("%s", rows[-1])
    if config.json is not None:
        config.json.parent.mkdir(parents=True, exist_ok=True)
        config.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return rows


def label(predictor: Predictor, articles: Sequence[Article]) -> list[tuple[tuple[str, ...], tuple[str, ...]] | None]:
    """Return activities and industries of each article; None where it failed."""
    out: list[tuple[tuple[str, ...], tuple[str, ...]] | None] = []
    for first in range(0, len(articles), BATCH_ARTICLES):
        for result in predictor.analyze(articles[first : first + BATCH_ARTICLES], Options(summary=False)):
            labels = isinstance(result, Result) and (tuple(s.label for s in result.activity or ()), tuple(s.label for s in result.industry or ()))
            out.append(labels or None)
    return out


def _compare(before: Sequence[Any], after: Sequence[Any]) -> dict[str, Any]:
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old is not None]
    kept = {
        "main": [new is not None and new[0][:1] == old[0][:1] for old, new in pairs],
        "activity": [new is not None and new[0][:1] == old[0][:1] and set(new[0]) == set(old[0]) for old, new in pairs],
        "industry": [new is not None and set(new[1]) == set(old[1]) for old, new in pairs],
    }
    kept["all"] = [a and b for a, b in zip(kept["activity"], kept["industry"], strict=True)]
    return {"articles": len(pairs), **{name: round(sum(marks) / max(1, len(marks)), 4) for name, marks in kept.items()}}


def robustness_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| change | articles changed | main activity kept | activities kept | industries kept | all labels kept |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [f"| {r['change']} | {r['articles']} | {r['main']:.3f} | {r['activity']:.3f} | {r['industry']:.3f} | {r['all']:.3f} |" for r in rows]
    return "\n".join(lines)
