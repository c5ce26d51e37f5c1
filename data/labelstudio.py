"""Label Studio: its JSON and JSON_MIN exports in, task files with predictions and the labelling configuration out.

Controls (``from_name``): ``activity``, ``main`` and ``industry`` (choices), ``summary`` (text area), the four facts (number or text area), and
``figure`` (labels on the text: the kind of a figure) with ``role``, ``scope``, ``status`` and ``qualifier`` (choices of each marked region) and
``value``, ``max`` and ``unit`` (text areas of it, because numbers of JSON would lose decimals).

    import the file that ``labelling_config()`` gives as labelling interface, then the tasks that ``write_tasks`` writes.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from data.annotated import ARTICLE_FIELDS, FIGURE_VALUES, QUESTIONS, FigureField, Mention, Record, Row, ValueField
from data.annotations import COUNTS, FACTS
from data.answers import Draft, Reading, flatten
from data.outgoing import Figures, Outgoing, iter_outgoing, write_array
from data.schema import Article, Example, Group
from data.taxonomy import MAX_ACTIVITIES, MAX_INDUSTRIES, load_taxonomy

FIGURE = "figure"
REGION_CONTROLS: tuple[FigureField, ...] = ("role", "scope", "status")
VALUE_CONTROLS: tuple[ValueField, ...] = ("value", "max", "unit")
QUALIFIER: ValueField = "qualifier"
# Shown to annotators; what is stored is the key.
TITLES = {
    "activity": f"活动（可多选，最多 {MAX_ACTIVITIES} 个）",
    "main": "主要活动（标题会写的那一个）",
    "industry": f"行业（可多选，最多 {MAX_INDUSTRIES} 个，可不选）",
    "summary": "摘要（30 至 160 字，先写成果）",
    "signed_projects": "签约项目数（个）",
    "signed_amount": "签约金额（亿元）",
    "total_projects": "项目总数（个）",
    "total_amount": "总金额（亿元）",
    "figure": "数字（在正文上划选）",
    "role": "金额性质",
    "scope": "范围",
    "status": "状态",
    "qualifier": "限定",
    "value": "数值（金额以元计）",
    "max": "上限（仅区间）",
    "unit": "单位（金额写币种，如 CNY）",
}
FIGURE_NAMES = {
    "kind": {"amount": "金额", "count": "数量", "date": "日期", "percent": "百分比", "area": "面积", "other": "其他数字"},
    "role": {
        "investment": "投资", "fixed_assets": "固定资产投资", "paid_in": "到位资金", "credit": "授信贷款",
        "output": "产值", "tax": "税收", "trade": "贸易额", "other": "其他金额",
    },
    "scope": {"project": "单个项目", "batch": "一批项目", "part": "其中一部分", "threshold": "门槛", "background": "背景"},
    "status": {
        "signed": "已签约", "intent": "意向", "planned": "计划", "talks": "洽谈",
        "started": "已开工", "completed": "已竣工投产", "promoted": "推介", "unknown": "不明",
    },
    "qualifier": {"exact": "确数", "about": "约", "over": "超过", "under": "不足", "nearly": "近", "range": "区间"},
}  # fmt: skip


# --- reading ---------------------------------------------------------------------------------------------------------


def looks_like(row: Row) -> bool:
    """Tell whether a row is a task of the JSON export or a row of JSON_MIN."""
    return isinstance(row.get("data"), dict) or "annotation_id" in row or ("annotator" in row and "lead_time" in row)


def read_tasks(rows: Iterable[tuple[str, Row]], reading: Reading) -> None:
    """Add a record for each annotation that was not cancelled.

    Args:
        rows: (place as ``file:line``, task of the JSON export or row of JSON_MIN).
        reading: takes records, findings and counts.

    """
    for where, row in rows:
        try:
            if isinstance(row.get("data"), dict):
                _read_task(where, row, reading)
            else:
                _read_min(where, row, reading)
        except ValueError as error:
            reading.findings.append(f"{where}: {error}")


def _read_task(where: str, task: Row, reading: Reading) -> None:
    annotations = task.get("annotations", task.get("completions")) or []
    if not isinstance(annotations, list) or not all(isinstance(annotation, dict) for annotation in annotations):
        raise ValueError("annotations must be a list of objects")
    article = reading.read_article(where, reading.pick(task["data"], {"id": task.get("id")}))
    reading.counts["not annotated"] += not annotations
    kept = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    reading.counts["cancelled"] += len(annotations) - len(kept)
    for annotation, annotator in zip(kept, _annotators(kept, where), strict=True):
        draft = Draft(reading, where, article, ordered=False)
        _read_items(draft, annotation.get("result") or [])
        draft.close(annotator, bool(annotation.get("ground_truth")))


def _annotators(annotations: list[Row], where: str) -> list[str]:
    """Return who made each annotation of a task; several that do not say are numbered: under one name the last would replace the others."""
    names = [_annotator(annotation.get("completed_by")) for annotation in annotations]
    if names.count(None) < 2:
        return [name or _file_name(where) for name in names]
    numbers = count(1)
    return [name or f"{_file_name(where)}#{next(numbers)}" for name in names]


def _annotator(given: Any) -> str | None:
    """Return who annotated: an e-mail address, a number, or None where the export does not say."""
    if isinstance(given, dict):
        given = given.get("email") or given.get("id")
    return None if given in (None, "") else str(given)


def _file_name(where: str) -> str:
    return Path(where.rpartition(":")[0]).name.partition(".")[0]


def _read_items(draft: Draft, items: Any) -> None:
    if not isinstance(items, list) or not all(isinstance(item, dict) and isinstance(item.get("value"), dict) for item in items):
        draft.find("result must be a list of objects with a value")
        return
    regions: dict[Any, _Region] = {}
    for item in items:
        regions.setdefault(item.get("id"), _Region()).add(item.get("from_name"), item["value"])
    for item in items:
        name, value = str(item.get("from_name")), item["value"]
        question = draft.reading.field_of(name)
        if question in QUESTIONS:
            draft.answer(question, flatten({key: value.get(key) for key in ("choices", "text", "number")}))
        elif "labels" in value:
            _add_figure(draft, value, regions[item.get("id")])
        elif name not in (*REGION_CONTROLS, *VALUE_CONTROLS, QUALIFIER):
            draft.reading.counts[f"ignored control {name}"] += 1


@dataclass
class _Region:
    """What the controls of a region say of its figure."""

    values: dict[FigureField, str | None] = field(default_factory=dict)
    normal: dict[ValueField, str | None] = field(default_factory=dict)

    def add(self, name: Any, value: Row) -> None:
        if name in REGION_CONTROLS and "choices" in value:
            self.values[name] = _key(name, answers[0]) if (answers := flatten(value["choices"])) else None
        elif name == QUALIFIER and "choices" in value:
            self.normal[QUALIFIER] = _key(QUALIFIER, answers[0]) if (answers := flatten(value["choices"])) else None
        elif name in VALUE_CONTROLS:
            self.normal[name] = str(answers[0]).strip() if (answers := flatten(value.get("text"))) else None


def _add_figure(draft: Draft, value: Row, region: _Region) -> None:
    kinds = flatten(value["labels"])
    said = value.get("text") if isinstance(value.get("text"), str) else None
    draft.add_mention(value.get("start"), value.get("end"), said, {"kind": _key("kind", kinds[0]) if kinds else None, **region.values}, region.normal)


def _key(field: FigureField | ValueField, name: Any) -> str:
    """Return the key of a value that may be spelt in Chinese, as the configuration shows it."""
    return next((key for key, shown in FIGURE_NAMES[field].items() if shown == name), str(name))


def _read_min(where: str, row: Row, reading: Reading) -> None:
    """Read a flattened row. The choices of regions come without their regions in this format, so figures keep their kind only."""
    if row.get("was_cancelled"):
        reading.counts["cancelled"] += 1
        return
    fields = reading.pick(row)
    draft = Draft(reading, where, reading.read_article(where, fields), ordered=False)
    for question in QUESTIONS:
        if question in fields:
            draft.answer(question, flatten(fields[question]))
    figures = row.get(FIGURE) or []
    for value in figures if isinstance(figures, list) else [figures]:
        if isinstance(value, dict) and "labels" in value:
            _add_figure(draft, value, _Region())
    draft.close(_annotator(row.get("annotator")) or _file_name(where), bool(row.get("ground_truth")))


# --- writing ---------------------------------------------------------------------------------------------------------


def write_tasks(articles: Iterable[Article | Example], results: Mapping[str, Row] | None, path: str | Path, figures: Figures | None = None) -> int:
    """Write a task file and return the number of tasks.

    Args:
        articles: plain ones, or annotated ones, which get an annotation.
        results: id -> result in the JSON shape of ``python -m serving score``; such an article gets a prediction.
        path: the ``.json`` file, replaced if it exists.
        figures: annotated ones, which become regions of the annotation.

    """
    return write_array(Path(path), map(_to_task, iter_outgoing(articles, results, figures)))


def _to_task(outgoing: Outgoing) -> Row:
    article = outgoing.article
    # JSON_MIN exports the number of the task as ``id``: article_id survives it.
    data = {name: getattr(article, name) for name in ARTICLE_FIELDS} | {"article_id": article.id}
    task: Row = {"data": data}
    if outgoing.annotated is not None:
        task["annotations"] = [{"result": list(iter_items(outgoing.annotated)), "was_cancelled": False, "ground_truth": False}]
    if outgoing.predicted is not None:
        prediction: Row = {"model_version": outgoing.predicted.annotator, "result": list(iter_items(outgoing.predicted))}
        task["predictions"] = [prediction | ({} if outgoing.score is None else {"score": outgoing.score})]
    return task


def iter_items(record: Record) -> Iterator[Row]:
    """Yield the ``result`` items of a record: labels, summary, facts and figures; what is not said has none."""
    if record.activity:
        yield _item("activity", "choices", {"choices": list(record.activity)})
        yield _item("main", "choices", {"choices": [record.activity[0]]})
    if record.industry:
        yield _item("industry", "choices", {"choices": list(record.industry)})
    if record.summary:
        yield _item("summary", "textarea", {"text": [record.summary]})
    for fact, value in record.facts.to_json().items():
        if value is not None:
            yield _item(fact, "number", {"number": value})
    for i, mention in enumerate(record.mentions):
        yield from ({"id": f"f{i}", **item} for item in _iter_region(mention))


def _iter_region(mention: Mention) -> Iterator[Row]:
    """Yield the label of a figure, then what the controls of its region say."""
    place = {"start": mention.start, "end": mention.end, "text": mention.text}
    yield _item(FIGURE, "labels", {**place, "labels": [mention.kind]})
    for control in (*REGION_CONTROLS, QUALIFIER):
        if (chosen := getattr(mention, control)) is not None:
            yield _item(control, "choices", {**place, "choices": [chosen]})
    for control in VALUE_CONTROLS:
        if written := getattr(mention, control):
            yield _item(control, "textarea", {**place, "text": [written]})


def _item(name: str, type: str, value: Row) -> Row:
    return {"from_name": name, "to_name": "text", "type": type, "value": value}


# --- labelling configuration -----------------------------------------------------------------------------------------


def labelling_config() -> str:
    """Return the labelling interface of the taxonomy as XML.

    Label Studio shows ``value`` and stores ``alias`` where there is one, so annotators read Chinese names and exports hold keys.
    """
    view = ET.Element("View")
    ET.SubElement(view, "Header", value="$title")
    _add_title(view, FIGURE)
    figures = ET.SubElement(view, "Labels", name=FIGURE, toName="text")
    for key in FIGURE_VALUES["kind"]:
        ET.SubElement(figures, "Label", value=FIGURE_NAMES["kind"][key], alias=key)
    ET.SubElement(view, "Text", name="text", value="$text", granularity="symbol")
    regions = ET.SubElement(view, "View", visibleWhen="region-selected", whenTagName=FIGURE)
    for control in (*REGION_CONTROLS, QUALIFIER):
        choices = _add_choices(regions, control, "single", {"perRegion": "true"})
        for key, shown in FIGURE_NAMES[control].items():
            ET.SubElement(choices, "Choice", value=shown, alias=key)
    for control in VALUE_CONTROLS:
        _add_title(regions, control)
        ET.SubElement(regions, "TextArea", name=control, toName="text", rows="1", maxSubmissions="1", editable="true", perRegion="true")
    _add_labels(_add_choices(view, "activity", "multiple", {"required": "true"}), "activity")
    _add_labels(_add_choices(view, "main", "single", {"required": "true"}), "activity")
    _add_labels(_add_choices(view, "industry", "multiple", {}), "industry")
    _add_title(view, "summary")
    ET.SubElement(view, "TextArea", name="summary", toName="text", rows="4", maxSubmissions="1", editable="true")
    for fact in FACTS:
        _add_title(view, fact)
        ET.SubElement(view, "Number", name=fact, toName="text", min="0", step="1" if fact in COUNTS else "0.0001")  # 0.0001亿元 are 万元
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def _add_title(view: ET.Element, name: str) -> None:
    ET.SubElement(view, "Header", value=TITLES[name], size="5")


def _add_choices(view: ET.Element, name: str, choice: str, options: dict[str, str]) -> ET.Element:
    _add_title(view, name)
    return ET.SubElement(view, "Choices", {"name": name, "toName": "text", "choice": choice, "showInline": "true", **options})


def _add_labels(choices: ET.Element, group: Group) -> None:
    taxonomy = load_taxonomy()
    for key in taxonomy.group(group):
        ET.SubElement(choices, "Choice", value=taxonomy.name(group, key), alias=key, hint=taxonomy.means[f"{group}/{key}"])
