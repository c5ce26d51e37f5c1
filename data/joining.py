"""Several annotators of an article to one annotation, and the list of what they could not agree on.

Ground truth goes before everything. Otherwise labels that at least half of the annotators gave are kept, the main activity and each fact are
those that most gave. Where that decides nothing, the conflict is listed: a label that exactly half gave is kept, the main activity
is the first annotator's, a fact becomes null (precision comes first), a summary is the first. Figures are joined apart, by ``join_figures``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data.annotated import Conflict, Mention, Record
from data.annotations import FACTS
from data.schema import Annotation, Article, Example, Facts, Group
from data.taxonomy import MAX_ACTIVITIES, MAX_INDUSTRIES, OTHER


@dataclass(frozen=True)
class Joined:
    """One annotated article for each id, the conflicts, and findings about articles that cannot be joined."""

    examples: tuple[Example, ...]
    conflicts: tuple[Conflict, ...]
    findings: tuple[str, ...]


def join_records(records: Iterable[Record]) -> Joined:
    """Join the records of each article, in the order in which articles come first."""
    by_id: dict[str, list[Record]] = {}
    for record in records:
        by_id.setdefault(record.article.id, []).append(record)
    fact_givers = {record.annotator for given in by_id.values() for record in given if record.has_facts}
    examples, conflicts, findings = [], [], []
    for id, given in by_id.items():
        article, wrong = _join_articles([record.article for record in given])
        views, changed = _merge_annotators(given)
        annotation, disputed = _join_views(id, views, fact_givers)
        findings += [f"{id}: {finding}" for finding in (*wrong, *changed)]
        conflicts += disputed
        if article.text and annotation.activity:
            examples.append(Example(article, annotation))
        else:
            missing = "no text (name its articles with --articles)" if not article.text else "no activity"
            findings.append(f"{id}: left out: it has {missing}")
    return Joined(tuple(examples), tuple(conflicts), tuple(findings))


def _join_articles(articles: Sequence[Article]) -> tuple[Article, list[str]]:
    """Return the article with the first value of each field, and a finding where texts differ."""
    texts = list(dict.fromkeys(article.text for article in articles if article.text))
    title, published, source, url = (
        next((value for article in articles if (value := getattr(article, name))), None) for name in ("title", "published", "source", "url")
    )
    article = replace(articles[0], text=texts[0] if texts else "", title=title, published=published, source=source, url=url)
    return article, [f"{len(texts)} different texts have this id; the first is taken"] if len(texts) > 1 else []


def _merge_annotators(records: Sequence[Record]) -> tuple[list[Record], list[str]]:
    """Return one record an annotator: what is said in several (labels in one project, summaries in another) is put together."""
    merged: dict[str, Record] = {}
    findings = []
    for record in records:
        known = merged.get(record.annotator)
        if known is not None and (changed := _changes(known, record)):
            findings.append(f"{record.annotator} annotated it twice with different {' and '.join(changed)}; the last is taken")
        merged[record.annotator] = record if known is None else _overlay(known, record)
    return list(merged.values()), findings


def _changes(old: Record, new: Record) -> list[str]:
    parts: list[tuple[str, Any, Any]] = [
        ("labels", (old.activity, old.industry) if old.has_labels else None, (new.activity, new.industry) if new.has_labels else None),
        ("summaries", old.summary or None, new.summary or None),
        ("facts", old.facts if old.has_facts else None, new.facts if new.has_facts else None),
    ]
    return [name for name, before, after in parts if before is not None and after is not None and before != after]


def _overlay(old: Record, new: Record) -> Record:
    labels = new if new.has_labels else old
    return replace(
        new,
        activity=labels.activity,
        industry=labels.industry,
        summary=new.summary or old.summary,
        facts=new.facts if new.has_facts else old.facts,
        mentions=_unite(old.mentions, new.mentions),
        ground_truth=old.ground_truth or new.ground_truth,
    )


def _unite(old: tuple[Mention, ...], new: tuple[Mention, ...]) -> tuple[Mention, ...]:
    by_place = {(mention.start, mention.end): mention for mention in (*old, *new)}
    return tuple(by_place[place] for place in sorted(by_place))


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JoinedFigures:
    """The figures of each article that has any, the conflicts, and findings about figures that cannot be joined."""

    by_id: Mapping[str, tuple[Mention, ...]]
    conflicts: tuple[Conflict, ...]
    findings: tuple[str, ...]


def join_figures(records: Iterable[Record], articles: Iterable[Article]) -> JoinedFigures:
    """Join the figures that annotators marked in ``articles``: those that at least half of them marked, each as most of them read it.

    Who marked none in an article has no vote on its figures. Ground truth goes before everything here too.
    """
    by_id: dict[str, list[Record]] = {}
    for record in records:
        by_id.setdefault(record.article.id, []).append(record)
    joined, conflicts, findings = {}, [], []
    for article in articles:
        marked = [record for record in by_id.get(article.id, []) if record.mentions]
        views = _merge_annotators([record for record in marked if record.article.text == article.text])[0]
        n_other = sum(record.article.text != article.text for record in marked)
        findings += [f"{article.id}: figures of {n_other} annotations left out: they were marked on another text"] if n_other else []
        mentions, disputed = _vote_figures(article.id, [view for view in views if view.ground_truth] or views)
        conflicts += disputed
        if mentions:
            joined[article.id] = mentions
    return JoinedFigures(joined, tuple(conflicts), tuple(findings))


def _vote_figures(id: str, views: Sequence[Record]) -> tuple[tuple[Mention, ...], list[Conflict]]:
    """Return the figures of one record an annotator in the order of the text; of two that overlap, the one that more marked."""
    readings: dict[tuple[int, int], dict[str, Mention]] = {}
    for view in views:
        for mention in view.mentions:
            readings.setdefault((mention.start, mention.end), {})[view.annotator] = mention
    kept: list[Mention] = []
    conflicts = []
    for place, given in sorted(readings.items(), key=lambda item: (-len(item[1]), item[0])):
        if 2 * len(given) < len(views):
            continue
        (mention, n), *others = Counter(given.values()).most_common()
        overlaps = any(mention.start < other.end and other.start < mention.end for other in kept)
        kept += [] if overlaps else [mention]
        if overlaps or 2 * len(given) == len(views) or (others and others[0][1] == n):
            said = tuple((view.annotator, _describe(given[view.annotator]) if view.annotator in given else "no") for view in views)
            conflicts.append(Conflict(id, f"figure {place[0]}-{place[1]}", said, "no: overlaps" if overlaps else _describe(mention)))
    return tuple(sorted(kept, key=lambda mention: mention.start)), conflicts


def _describe(mention: Mention) -> str:
    return " ".join(str(value) for key, value in vars(mention).items() if key not in ("start", "end") and value is not None)


# --- votes -----------------------------------------------------------------------------------------------------------


def _join_views(id: str, views: Sequence[Record], fact_givers: set[str]) -> tuple[Annotation, list[Conflict]]:
    """Return the annotation of one record an annotator.

    A record without labels has no vote on labels. A null is a vote on a fact where the annotator gives facts at all (``fact_givers``).
    """
    views = [view for view in views if view.ground_truth] or views
    activity, conflicts = _vote_activities(id, [view for view in views if view.activity])
    industry, disputed = _vote_labels(id, "industry", [view for view in views if view.has_labels], MAX_INDUSTRIES)
    facts, disputed_facts = _vote_facts(id, [view for view in views if view.annotator in fact_givers])
    summary, disputed_summary = _vote_summary(id, [view for view in views if view.summary])
    return Annotation(id, activity, industry, summary, facts), [*conflicts, *disputed, *disputed_facts, *disputed_summary]


def _vote_activities(id: str, views: Sequence[Record]) -> tuple[tuple[str, ...], list[Conflict]]:
    if not views:
        return (), []
    kept, conflicts = _vote_labels(id, "activity", views, MAX_ACTIVITIES)
    # The main activity is one of those kept, unless annotators agree on none.
    mains = Counter(view.activity[0] for view in views if view.activity[0] in kept) or Counter(view.activity[0] for view in views)
    main, n = mains.most_common(1)[0]  # the first given of equals
    if list(mains.values()).count(n) > 1:
        conflicts.append(Conflict(id, "main", tuple((view.annotator, view.activity[0]) for view in views), main))
    if OTHER in kept and len(kept) > 1:  # exclusive: the main activity decides
        kept = (OTHER,) if main == OTHER else tuple(label for label in kept if label != OTHER)
    return (main, *(label for label in kept if label != main)), conflicts


def _vote_labels(id: str, group: Group, views: Sequence[Record], limit: int) -> tuple[tuple[str, ...], list[Conflict]]:
    """Return the labels that at least half of the views have, those with more votes first, and a conflict for each with exactly half."""
    votes = Counter(label for view in views for label in getattr(view, group))
    kept = [label for label, n in votes.most_common() if 2 * n >= len(views)]
    conflicts = []
    for label in (label for label in kept if 2 * votes[label] == len(views)):
        said = tuple((view.annotator, "yes" if label in getattr(view, group) else "no") for view in views)
        conflicts.append(Conflict(id, f"{group}/{label}", said, "yes" if label in kept[:limit] else f"no: at most {limit}"))
    return tuple(kept[:limit]), conflicts


def _vote_facts(id: str, views: Sequence[Record]) -> tuple[Facts, list[Conflict]]:
    facts: dict[str, Any] = {}
    conflicts = []
    for fact in FACTS if views else ():
        given = [getattr(view.facts, fact) for view in views]
        (value, n), *others = Counter(given).most_common()
        decided = not others or others[0][1] < n
        facts[fact] = value if decided else None
        if not decided:
            said = tuple((view.annotator, "null" if one is None else str(one)) for view, one in zip(views, given, strict=True))
            conflicts.append(Conflict(id, f"facts.{fact}", said, "null"))
    return Facts(**facts), conflicts


def _vote_summary(id: str, views: Sequence[Record]) -> tuple[str, list[Conflict]]:
    if not views:
        return "", []
    (summary, n), *others = Counter(view.summary for view in views).most_common()
    tied = bool(others) and others[0][1] == n
    return summary, [Conflict(id, "summary", tuple((view.annotator, view.summary) for view in views), summary)] if tied else []
