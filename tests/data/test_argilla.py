"""Argilla: records nested and flattened, what counts as an answer, and records with suggestions."""

import json

import pytest

from data.annotated import Mention
from data.argilla import write_records
from data.exchange import import_annotations
from data.schema import Article
from tests.data.annotated_articles import EXAMPLES, assert_same, flatten_records, result_of, submit, write_json, write_jsonl

TEXT = "锦渚签下3个项目，总投资5亿元。"


def answer(value, user="u-1", status="submitted"):
    return {"value": value, "user_id": user, "status": status}


def record(**responses):
    return {"id": "x", "fields": {"text": TEXT, "title": "签约"}, "metadata": {"source": "锦渚日报"}, "suggestions": {}, "responses": responses}


def run(tmp_path, *records):
    return import_annotations([write_json(tmp_path / "records.json", list(records))])


def written(tmp_path, *arguments):
    write_records(*arguments, tmp_path / "written.json")
    return json.loads((tmp_path / "written.json").read_text("utf-8"))


@pytest.mark.parametrize("shape", [list, flatten_records])
@pytest.mark.parametrize("write", [write_json, write_jsonl])
def test_suggestions_submitted_unchanged_come_back(tmp_path, shape, write):
    results = {example.article.id: result_of(example) for example in EXAMPLES}
    records = written(tmp_path, [example.article for example in EXAMPLES], results)
    assert_same(import_annotations([write(tmp_path / "a.json", shape(submit(records)))]))


def test_suggestions_say_who_made_them(tmp_path):
    predicted, annotated = written(tmp_path, [EXAMPLES[0].article, EXAMPLES[1]], {"jz-01": result_of(EXAMPLES[0], 0.7)})
    assert predicted["suggestions"]["main"] == {"value": "signing", "score": 0.7, "agent": "tiny@1 tiny-summary@1"}
    assert annotated["suggestions"]["main"] == {"value": "outbound_visit", "score": None, "agent": "annotator"}
    assert predicted["suggestions"]["signed_amount"]["value"] == "52.5"  # a text question takes strings
    assert predicted["responses"] == {} and "signed_amount" not in annotated["suggestions"]


def test_suggestions_alone_are_no_annotation(tmp_path):
    imported = run(tmp_path, *written(tmp_path, EXAMPLES, None))
    assert (imported.records, imported.report.counts["not annotated"]) == ((), 10)


@pytest.mark.parametrize("status", ["draft", "discarded"])
def test_only_submitted_responses_count(tmp_path, status):
    imported = run(tmp_path, record(activity=[answer(["other"], "u-1", status), answer(["signing"], "u-2")]))
    assert [found.annotator for found in imported.records] == ["u-2"]
    assert imported.examples[0].annotation.activity == ("signing",)
    assert "responses not submitted, passed over: 1" in imported.report.lines()


def test_a_response_without_status_is_refused(tmp_path):
    given = record(activity=[{"value": ["signing"], "user_id": "u-1"}])
    imported = run(tmp_path, given)
    assert imported.records == () and "no status: export with to_list(flatten=True)" in imported.findings[0]


def test_each_user_is_an_annotator(tmp_path):
    given = record(
        activity=[answer(["signing", "expo_forum"]), answer(["signing"], "u-2")], main=[answer("expo_forum")], summary=[answer("一句。", "u-2")]
    )
    imported = run(tmp_path, given)
    assert [(found.annotator, found.activity, found.summary) for found in imported.records] == [
        ("u-1", ("expo_forum", "signing"), ""),
        ("u-2", ("signing",), "一句。"),
    ]
    article = imported.examples[0].article
    assert (article.id, article.title, article.source, article.text) == ("x", "签约", "锦渚日报", TEXT)


def test_spans_are_figures(tmp_path):
    spans = [{"label": "amount/investment", "start": 12, "end": 15}]
    imported = run(tmp_path, record(activity=[answer(["signing"])], figure=[answer(spans)], mood=[answer(3)]))
    assert imported.records[0].mentions == (Mention("5亿元", 12, 15, "amount", "investment"),)
    assert imported.report.counts["ignored question mood"] == 1


def test_figures_of_a_result_come_back(tmp_path):
    mention = Mention("5亿元", 12, 15, "amount", None, "batch", "signed")
    result = {**result_of(EXAMPLES[0], mentions=[vars(mention)]), "id": "x"}
    imported = run(tmp_path, *submit(written(tmp_path, [Article("x", TEXT)], {"x": result})))
    assert imported.records[0].mentions == (mention,)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"fields": {"text": TEXT}, "responses": ["a"]}, "must be an object"),
        ({"fields": {"text": TEXT}, "responses": {"activity": "a"}}, "must be an object"),
        ({"text": TEXT, "activity.responses": [["signing"]], "activity.responses.users": [], "activity.responses.status": []}, "as many users"),
        ({"id": None, "fields": {}, "responses": {}}, "neither id nor text"),
    ],
)
def test_broken_records_are_findings(tmp_path, broken, said):
    imported = run(tmp_path, record(activity=[answer(["signing"])]), broken)
    assert len(imported.examples) == 1 and said in imported.findings[0]


def test_a_span_behind_an_emoji_is_where_a_number_stands(tmp_path):
    given = record(activity=[answer(["signing"])], figure=[answer([{"label": "count", "start": 7, "end": 9}])])
    given["fields"]["text"] = "😀😀会上签9个丙市项目。"
    imported = run(tmp_path, given)
    assert [(mention.text, mention.start) for mention in imported.records[0].mentions] == [("9个", 5)]
    assert imported.report.counts["counted as UTF-16"] == 1
