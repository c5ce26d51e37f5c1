"""Ten invented annotated articles, and what the tools do with files between our export and our import."""

import json
from dataclasses import replace
from typing import Any

from data.exchange import Imported
from data.schema import Annotation, Article, Example, Facts


def example(id, text, activity, industry=(), summary="", facts=(None, None, None, None), **fields) -> Example:
    return Example(Article(id, text, **fields), Annotation(id, tuple(activity), tuple(industry), summary, Facts(*facts)))


EXAMPLES = [
    example(
        "jz-01",
        "4月9日，锦渚市在杉岭园区签下14个项目，总投资52.5亿元。😀会后，双方商定下月开工。",
        ["signing", "business_talks"],
        ["new_energy", "automotive"],
        "4月9日，锦渚市在杉岭园区签下14个项目，总投资52.5亿元，双方商定下月开工建设。",
        (14, 52.5, None, None),
        title="锦渚市签下14个项目",
        source="锦渚日报",
        url="https://example.org/jz/1",
        published="2025-04-10",
    ),
    example(
        "jz-02",
        "\u3000\u3000云桑县组团前往澄海，走访了六家纺织企业。\r\n\r\n“我们想把染整线搬过来。”一位厂长说。",
        ["outbound_visit"],
        ["light_textile"],
        "云桑县组团前往澄海走访六家纺织企业，一位厂长表示有意把染整线迁来。",
        title="云桑县外出招商",
    ),
    example(
        "jz-03",
        "=集中开工= 9个项目今天同时动土，总投资31亿元；其中冷库占3亿元。",
        ["project_progress"],
        ["logistics_trade", "food"],
        "9个项目今天同时动土开工，总投资31亿元，其中冷库项目占3亿元，其余为食品加工。",
        (None, None, 9, 31),
        title="+9个项目开工",
        published="2025-05-06",
    ),
    example("jz-04", "本周六起，青屿湖公园的荷花进入盛花期，早晚观赏最好。", ["other"], ["culture_tourism"]),
    example(
        "jz-05",
        "市里开了调度会，点名三个拖期项目；'下周再看'，会议说。",
        ["work_meeting"],
        [],
        "市里召开调度会，点名三个拖期的项目，要求下周再看进展，逐个报告原因。",
        source="-内部简报",
    ),
    example("jz-06", "芯片设计公司一行十人来到岚桥，看了两处厂房，说还要再比一比。", ["inbound_visit"], ["electronics"], published="2025-06-01"),
    example(
        "jz-07",
        "推介会上，岚桥拿出“一图两单”，\n列出八十处空地；一家医药企业当场签了协议，投4,000万元。",
        ["promotion_conference", "signing"],
        ["biomedicine"],
        "岚桥在推介会上列出八十处空地，一家医药企业当场签下协议，投资4,000万元。",
        (1, 0.4, None, None),
        title="岚桥开推介会",
    ),
    example("jz-08", "新规今起施行：设备投入按一成补助，封顶见细则。", ["policy_release"], ["equipment", "digital"], title="“设备补助”细则"),
    example(
        "jz-09",
        "Q1回顾；全市新进项目26个,合同额120亿元,#创新高#。",
        ["results_review"],
        ["chemicals", "metals_materials", "environmental"],
        "今年一季度全市新进项目26个，合同额120亿元，创下历年同期的新高。",
        (26, 120, None, None),
        url="https://example.org/jz/9?a=1;b=2",
    ),
    example(
        "jz-10",
        "论坛昨日闭幕。两天里，四百位来客听了二十场报告。",
        ["expo_forum"],
        ["business_services"],
        "论坛昨日闭幕，两天里四百位来客听了二十场报告，会上没有签约，后续另行对接。",
        title="论坛闭幕",
    ),
]


def bare(examples) -> list[Example]:
    """Return examples without the places they were read at."""
    return [replace(example, article=replace(example.article, origin=None, line=None)) for example in examples]


def assert_same(imported: Imported, examples=EXAMPLES) -> None:
    """Check that an import gave exactly these examples, with nothing to complain of."""
    assert (imported.findings, imported.conflicts) == ((), ())
    assert bare(imported.examples) == list(examples)


def result_of(example: Example, prob: float = 0.9, mentions: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return what ``python -m serving score`` would write, had it predicted the example's annotation."""
    annotation = example.annotation
    labels = {group: [{"label": key, "name": "", "prob": prob} for key in getattr(annotation, group)] for group in ("activity", "industry")}
    return {
        "id": example.article.id,
        **labels,
        "summary": {"text": annotation.summary, "method": "extractive", "ungrounded": []},
        "outcomes": {**annotation.facts.to_json(), "mentions": mentions or [], "conflicts": []},
        "review": {"needed": False, "reasons": []},
        "model": {"classifier": "tiny@1", "summarizer": "tiny-summary@1", "taxonomy": 1},
    }


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), "utf-8", newline="")
    return path


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8", newline="")
    return path


def accept_predictions(tasks, annotator="ann@example.org"):
    """Return tasks as Label Studio exports them after somebody accepted each prediction unchanged."""
    return [
        {
            "id": 500 + i,
            "data": task["data"],
            "annotations": [{"result": prediction["result"], "was_cancelled": False, "completed_by": {"id": 7, "email": annotator}}],
            "predictions": task["predictions"],
        }
        for i, task in enumerate(tasks)
        for prediction in task["predictions"]
    ]


def to_json_min(tasks):
    """Return the rows of Label Studio's JSON_MIN: one value stands alone, several in an object, the task's number is ``id``."""
    rows = []
    for i, task in enumerate(tasks):
        for annotation in task["annotations"]:
            row = {**task["data"], "id": 900 + i}
            for item in annotation["result"]:
                row.setdefault(item["from_name"], []).append(item["value"])
            rows.append({key: _prettify(value) for key, value in row.items()} | {"annotator": 7, "annotation_id": i, "lead_time": 3.5})
    return rows


def _prettify(values):
    if not isinstance(values, list):
        return values
    out = []
    for value in values:
        alone = next((value[key][0] for key in ("choices", "text") if isinstance(value.get(key), list) and len(value[key]) == 1), value)
        out.append(alone)
    return out[0] if len(out) == 1 and ("choices" in values[0] or isinstance(out[0], str)) else out


def submit(records, user="u-1", status="submitted"):
    """Return records as Argilla exports them after a user submitted each suggestion unchanged."""
    return [
        {
            **record,
            "responses": {
                question: [{"value": found["value"], "user_id": user, "status": status}] for question, found in record["suggestions"].items()
            },
        }
        for record in records
    ]


def flatten_records(records):
    """Return what ``to_list(flatten=True)`` gives: every row has every key, null where it has no value."""
    rows = []
    for record in records:
        row = {"id": record["id"], "_server_id": None, **record["fields"], **record["metadata"]}
        for question, responses in record["responses"].items():
            row[f"{question}.responses"] = [response["value"] for response in responses]
            row[f"{question}.responses.users"] = [response["user_id"] for response in responses]
            row[f"{question}.responses.status"] = [response["status"] for response in responses]
        rows.append(row)
    keys = dict.fromkeys(key for row in rows for key in row)
    return [{key: row.get(key) for key in keys} for row in rows]
