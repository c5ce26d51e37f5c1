"""Label Studio: exports as its users get them, figures with their offsets, task files and the labelling interface."""

import json
import xml.etree.ElementTree as ET

import pytest

from data.annotated import FIGURE_VALUES, GROUPS, QUESTIONS, Mention
from data.annotations import FACTS
from data.errors import InputError
from data.exchange import import_annotations
from data.labelstudio import FIGURE_NAMES, labelling_config, write_tasks
from data.mentions import VALUES
from data.schema import Article, Facts
from data.taxonomy import load_taxonomy
from tests.data.annotated_articles import EXAMPLES, accept_predictions, assert_same, result_of, to_json_min, write_json

TEXT = "😀会上，锦渚签下3个项目，总投资5亿元。"
MENTIONS = (
    Mention("3个", 8, 10, "count", None, "batch", "signed", "3", None, "个", "exact"),
    Mention("5亿元", 16, 19, "amount", "investment", "batch", "signed", "500000000", "600000000", "CNY", "range"),
)


def choices(name, *keys):
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(keys)}}


def figure(start, end, said, label="amount", id="r1"):
    return {
        "id": id,
        "from_name": "figure",
        "to_name": "text",
        "type": "labels",
        "value": {"start": start, "end": end, "text": said, "labels": [label]},
    }


def task(*results, text=TEXT, **annotation):
    annotations = [{"result": result, "completed_by": i + 1, "was_cancelled": False, **annotation} for i, result in enumerate(results)]
    return {"id": 11, "data": {"id": "x", "text": text}, "annotations": annotations}


def run(tmp_path, *tasks, **options):
    return import_annotations([write_json(tmp_path / "export.json", list(tasks))], **options)


SIGNED = [choices("activity", "signing"), choices("main", "signing")]


def test_predictions_accepted_unchanged_come_back(tmp_path):
    results = {example.article.id: result_of(example) for example in EXAMPLES}
    assert write_tasks([example.article for example in EXAMPLES], results, tmp_path / "tasks.json") == 10
    tasks = json.loads((tmp_path / "tasks.json").read_text("utf-8"))
    assert all("annotations" not in task for task in tasks)
    assert_same(run(tmp_path, *accept_predictions(tasks)))


def test_annotations_and_figures_come_back(tmp_path):
    article = Article("x", TEXT)
    results = {"x": {**result_of(EXAMPLES[0], mentions=[vars(mention) for mention in MENTIONS]), "id": "x"}}
    write_tasks([article], results, tmp_path / "tasks.json")
    imported = run(tmp_path, *accept_predictions(json.loads((tmp_path / "tasks.json").read_text("utf-8"))))
    assert imported.records[0].mentions == MENTIONS
    assert imported.report.n_figures == 2


def test_the_model_and_the_lowest_probability_stand_in_a_prediction(tmp_path):
    result = result_of(EXAMPLES[0])
    result["industry"][1]["prob"] = 0.31
    write_tasks([EXAMPLES[0].article], {result["id"]: result}, tmp_path / "tasks.json")
    (found,) = json.loads((tmp_path / "tasks.json").read_text("utf-8"))
    assert found["data"] | {"article_id": "jz-01"} == found["data"]
    assert found["data"]["text"] == EXAMPLES[0].article.text and found["data"]["published"] == "2025-04-10"
    (prediction,) = found["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("tiny@1 tiny-summary@1", 0.31)


def test_a_result_of_another_shape_is_refused(tmp_path):
    with pytest.raises(InputError, match="'jz-01' is not in the shape"):
        write_tasks([EXAMPLES[0].article], {"jz-01": {"id": "jz-01", "activity": ["signing"], "model": {}}}, tmp_path / "tasks.json")
    assert list(tmp_path.iterdir()) == []


def test_chinese_names_and_text_areas_are_understood(tmp_path):
    items = [
        choices("activity", "项目签约", "活动/座谈洽谈"),
        choices("main", "座谈洽谈"),
        choices("industry", "食品饮料"),
        {"from_name": "signed_projects", "type": "textarea", "value": {"text": ["3"]}},
        {"from_name": "签约金额", "type": "number", "value": {"number": 5}},
        {"from_name": "mood", "type": "rating", "value": {"rating": 3}},
    ]
    imported = run(tmp_path, task(items))
    annotation = imported.examples[0].annotation
    assert (annotation.activity, annotation.industry, annotation.facts) == (("business_talks", "signing"), ("food",), Facts(3, 5))
    assert imported.findings == () and imported.report.counts["ignored control mood"] == 1


@pytest.mark.parametrize(
    ("start", "end", "said", "counted"),
    [(16, 19, "5亿元", ""), (17, 20, "5亿元", "figures repaired, counted in UTF-16 code units: 1")],
)
def test_offsets_in_utf16_are_repaired(tmp_path, start, end, said, counted):
    imported = run(tmp_path, task([*SIGNED, figure(start, end, said)]))
    assert imported.records[0].mentions == (Mention("5亿元", 16, 19, "amount"),)
    assert imported.findings == ()
    assert not counted or counted in imported.report.lines()


def test_offsets_behind_unified_newlines_are_repaired(tmp_path):
    imported = run(tmp_path, task([*SIGNED, figure(5, 8, "5亿元")], text="一\r\n二，\r\n5亿元"))
    assert imported.records[0].mentions == (Mention("5亿元", 7, 10, "amount"),)
    assert "figures repaired, counted with CRLF as one character: 1" in imported.report.lines()


def test_a_figure_that_the_text_does_not_hold_is_refused(tmp_path):
    imported = run(tmp_path, task([*SIGNED, figure(2, 5, "9亿元"), figure(16, 19, "5亿元", "money"), figure("16", "19", "5亿元")]))
    assert imported.records[0].mentions == () and len(imported.examples) == 1
    assert [finding.partition("x: ")[2] for finding in imported.findings] == [
        "figure '9亿元' refused: the text does not hold it at 2 to 5, however one counts",
        "figure '5亿元' refused: unknown kind 'money'",
        "figure '5亿元' refused: the text does not hold it at 16 to 19, however one counts",
    ]


def test_values_of_a_region_belong_to_their_figure(tmp_path):
    region = {"id": "r2", "from_name": "role", "type": "choices", "value": {"start": 8, "end": 10, "text": "3个", "choices": ["税收"]}}
    items = [*SIGNED, region, figure(16, 19, "5亿元", "金额", "r2"), figure(8, 10, "3个", "count", "r1")]
    assert run(tmp_path, task(items)).records[0].mentions == (Mention("3个", 8, 10, "count"), Mention("5亿元", 16, 19, "amount", "tax"))


def test_a_figure_without_its_text_is_no_other_figure(tmp_path):
    item = figure(8, 11, "")
    del item["value"]["text"]
    imported = run(tmp_path, task([*SIGNED, item], text="😀😀甲市，签约12个丙市项目。"))
    assert imported.records[0].mentions == () and "refused: '2个丙' or '约12', as one counts" in imported.findings[0]
    imported = run(tmp_path, task([*SIGNED, {**item, "value": {**item["value"], "start": 9, "end": 12}}], text="😀😀甲市，签约12个丙市项目。"))
    assert imported.records[0].mentions == (Mention("12个", 7, 10, "amount"),)


def test_annotations_of_a_task_that_name_nobody_all_vote(tmp_path):
    other = [choices("activity", "other"), choices("main", "other")]
    given = task(other, SIGNED, SIGNED, SIGNED)
    for annotation, name in zip(given["annotations"], (None, None, {"id": None}, 4), strict=True):
        annotation["completed_by"] = name
    imported = run(tmp_path, given)
    assert imported.report.annotators == ("export#1", "export#2", "export#3", "4")
    assert (imported.examples[0].annotation.activity, imported.findings) == (("signing",), ())
    alone = task(SIGNED)
    del alone["annotations"][0]["completed_by"]
    assert run(tmp_path, alone).report.annotators == ("export",)


def test_cancelled_annotations_are_passed_over(tmp_path):
    cancelled = task([choices("activity", "other")], was_cancelled=True)
    imported = run(
        tmp_path, {**cancelled, "annotations": [*cancelled["annotations"], *task(SIGNED)["annotations"]]}, {"id": 12, "data": {"text": "空。"}}
    )
    assert [example.annotation.activity for example in imported.examples] == [("signing",)]
    assert {"cancelled annotations passed over: 1", "articles that nobody annotated: 1"} <= set(imported.report.lines())


def test_ground_truth_wins(tmp_path):
    other = [choices("activity", "other"), choices("main", "other")]
    given = task(other, SIGNED, other)
    given["annotations"][1]["ground_truth"] = True
    imported = run(tmp_path, given)
    assert (imported.examples[0].annotation.activity, imported.conflicts) == (("signing",), ())


def test_several_activities_without_a_main_one_are_a_finding(tmp_path):
    imported = run(tmp_path, task([choices("activity", "business_talks", "signing")]))
    assert imported.examples[0].annotation.activity == ("business_talks", "signing")
    assert "no main activity is named among business_talks, signing; the first is taken" in imported.findings[0]


def test_json_min_with_several_annotators(tmp_path):
    write_tasks(EXAMPLES[:2], None, tmp_path / "tasks.json")
    rows = to_json_min(json.loads((tmp_path / "tasks.json").read_text("utf-8")))
    assert rows[0]["activity"] == {"choices": ["signing", "business_talks"]} and rows[1]["activity"] == "outbound_visit"
    again = [{**row, "annotator": 8, "activity": "signing", "main": "signing"} for row in rows[:1]]
    imported = run(tmp_path, *rows, *again)
    assert imported.report.annotators == ("7", "8")
    assert [(conflict.article_id, conflict.field) for conflict in imported.conflicts] == [("jz-01", "activity/business_talks")]


def test_json_min_keeps_the_kind_of_a_figure(tmp_path):
    value = {"start": 16, "end": 19, "text": "5亿元", "labels": ["amount"]}
    row = {"id": 3, "article_id": "x", "text": TEXT, "activity": "signing", "figure": [value], "role": "tax", "annotator": 1, "annotation_id": 1}
    assert run(tmp_path, row).records[0].mentions == (Mention("5亿元", 16, 19, "amount"),)


def test_the_csv_export_is_json_min_in_cells(tmp_path):
    lines = [
        "id,article_id,text,activity,main,industry,signed_projects,annotator,annotation_id",
        '4,x,一篇。,"{""choices"": [""signing"", ""expo_forum""]}",expo_forum,"{""choices"": [""\\u98df\\u54c1\\u996e\\u6599""]}","[{""number"": 3}]",9,1',
    ]
    (tmp_path / "export.csv").write_text("\n".join(lines), "utf-8")
    imported = import_annotations([tmp_path / "export.csv"])
    annotation = imported.examples[0].annotation
    assert (annotation.id, annotation.activity, annotation.industry) == ("x", ("expo_forum", "signing"), ("food",))
    assert (annotation.facts, imported.report.annotators) == (Facts(3), ("9",))


def test_tasks_without_our_id_get_the_articles(tmp_path):
    given = task(SIGNED)
    del given["data"]["id"]
    articles = write_json(tmp_path / "articles.json", [{"id": "11", "text": "另一篇。"}, {"id": "mine", "text": TEXT}])
    imported = run(tmp_path, given, articles=[articles])
    assert [example.article.id for example in imported.examples] == ["mine"]
    assert [example.article.id for example in run(tmp_path, given).examples] == ["11"]


@pytest.mark.parametrize("broken", [{"annotations": 3}, {"annotations": [{"result": [3]}]}, {"annotations": ["a"]}])
def test_broken_tasks_are_findings(tmp_path, broken):
    imported = run(tmp_path, task(SIGNED), {"id": 5, "data": {"text": "一篇。"}, **broken})
    assert len(imported.examples) == 1 and len(imported.findings) == 1


def test_lone_surrogates_never_reach_a_task_file(tmp_path):
    write_tasks([Article("x", "甲\ud83d乙", title="\udc00")], None, tmp_path / "tasks.json")
    (found,) = json.loads((tmp_path / "tasks.json").read_text("utf-8"))
    assert (found["data"]["text"], found["data"]["title"]) == ("甲\ufffd乙", "\ufffd")


def test_the_interface_asks_for_everything_a_record_holds():
    view = ET.fromstring(labelling_config())
    taxonomy = load_taxonomy()
    controls = {element.get("name"): element for element in view.iter() if element.get("toName")}
    assert set(controls) == {*QUESTIONS, "figure", "role", "scope", "status", "value", "max", "unit", "qualifier"}
    assert {name for name in controls if controls[name].get("perRegion")} == set(controls) - {*QUESTIONS, "figure"}
    assert [controls[name].get("choice") for name in ("activity", "main", "industry")] == ["multiple", "single", "multiple"]
    for name in ("activity", "main", "industry"):
        group = "industry" if name == "industry" else "activity"
        for choice, key in zip(controls[name], taxonomy.group(group), strict=True):
            assert choice.attrib == {"value": taxonomy.name(group, key), "alias": key, "hint": taxonomy.means[f"{group}/{key}"]}
    assert all(controls[fact].tag == "Number" for fact in FACTS) and controls["summary"].tag == "TextArea"
    assert {label.get("alias") for label in controls["figure"]} == set(FIGURE_VALUES["kind"])
    assert [text.get("value") for text in view.iter("Text")] == ["$text"]


def test_every_value_of_a_figure_has_one_chinese_name():
    for name, values in (FIGURE_VALUES | {"qualifier": VALUES["qualifier"]}).items():
        assert set(FIGURE_NAMES[name]) == set(values) and len(set(FIGURE_NAMES[name].values())) == len(values)
    assert set(GROUPS) <= set(QUESTIONS)
