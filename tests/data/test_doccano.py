"""doccano: its JSONL in all project types, its CSV with ``#``, and our JSONL for its import."""

import json

import pytest

from data.annotated import Mention
from data.doccano import write_rows
from data.exchange import import_annotations
from tests.data.annotated_articles import EXAMPLES, assert_same, result_of, write_jsonl

TEXT = "锦渚签下3个项目，总投资5亿元。"
SUMMARY = "锦渚市举行集中签约，现场签下3个项目，总投资5亿元，涉及食品加工与冷链物流。"


def run(tmp_path, *rows, **options):
    rows = [{"id": "x", "text": TEXT, **row} for row in rows]
    return import_annotations([write_jsonl(tmp_path / "ann.jsonl", rows)], **options)


def test_our_file_comes_back(tmp_path):
    assert write_rows(EXAMPLES, None, tmp_path / "ann.jsonl") == 10
    assert_same(import_annotations([tmp_path / "ann.jsonl"]))


def test_the_main_activity_survives_sorting(tmp_path):
    write_rows(EXAMPLES, None, tmp_path / "ours.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "ours.jsonl").read_text("utf-8").splitlines()]
    exported = [{**row, "id": row["id"], "label": sorted(row["label"]), "Comments": []} for row in rows]
    imported = import_annotations([write_jsonl(tmp_path / "ann.jsonl", exported)])
    assert [example.annotation.activity[0] for example in imported.examples] == [example.annotation.activity[0] for example in EXAMPLES]
    assert imported.report.counts["main by order"] == 0


def test_what_the_model_says_stands_as_labels(tmp_path):
    results = {example.article.id: result_of(example) for example in EXAMPLES[:1]}
    write_rows([example.article for example in EXAMPLES[:2]], results, tmp_path / "d.jsonl")
    first, second = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text("utf-8").splitlines()]
    assert first["label"] == ["activity/signing", "activity/business_talks", "industry/new_energy", "industry/automotive"]
    assert second["label"] == [] and "summary" not in first


@pytest.mark.parametrize(
    "row",
    [
        {"label": ["activity/signing", "industry/food"]},
        {"labels": ["signing", "food"]},
        {"label": ["项目签约", "行业/食品饮料"]},
        {"label": "signing#food"},
        {"cats": ["food", "signing"], "entities": []},
        {"label": ["signing", "food"], "meta": {"title": "签约"}},
        {"text": None, "data": TEXT, "label": ["signing", "food", "signing"]},
    ],
)
def test_labels_of_both_groups_in_one_list(tmp_path, row):
    imported = run(tmp_path, row)
    annotation = imported.examples[0].annotation
    assert (annotation.activity, annotation.industry, imported.findings) == (("signing",), ("food",), ())
    assert imported.examples[0].article.text == TEXT


def test_the_first_activity_is_the_main_one(tmp_path):
    imported = run(tmp_path, {"label": ["food", "signing", "expo_forum"]})
    assert imported.examples[0].annotation.activity == ("signing", "expo_forum")
    assert "main activities taken by the order of labels (doccano sorts them when it exports): 1" in imported.report.lines()


def test_metadata_is_kept(tmp_path):
    meta = {"title": "签约", "source": "锦渚日报", "url": "https://example.org/1", "published": "2025-04-10"}
    for row in ({"label": ["signing"], **meta}, {"label": ["signing"], "meta": meta}):
        article = run(tmp_path, row).examples[0].article
        assert {name: getattr(article, name) for name in meta} == meta


def test_a_text_among_labels_is_the_summary(tmp_path):
    imported = run(tmp_path, {"label": [SUMMARY, "signing"]})
    assert (imported.examples[0].annotation.summary, imported.findings) == (SUMMARY, ())
    assert "2 summaries; the first is taken" in run(tmp_path, {"label": [SUMMARY, "另一句。", "signing"]}).findings[0]


@pytest.mark.parametrize(
    "row",
    [
        {"label": [[12, 15, "amount/investment/batch/signed"]]},
        {"entities": [{"id": 1, "label": "amount/investment/batch/signed", "start_offset": 12, "end_offset": 15}], "relations": []},
    ],
)
def test_spans_are_figures(tmp_path, row):
    imported = run(tmp_path, row)
    assert imported.records[0].mentions == (Mention("5亿元", 12, 15, "amount", "investment", "batch", "signed"),)
    assert imported.report.counts["figures unverified"] == 1  # doccano does not say what a span holds


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ([12, 99, "amount"], "figure at 12 to 99 refused: the text has none there"),
        ([12, 15, "amount/none"], "unknown role 'none'"),
        ([12, 15, ""], "no kind"),
        ([12, 15], "neither a label nor a span"),
        (7, "neither a label nor a span"),
    ],
)
def test_broken_spans_are_refused(tmp_path, span, said):
    imported = run(tmp_path, {"label": ["signing", span]})
    assert imported.records[0].mentions == () and said in imported.findings[0]


CSV = "id,text,label\nx,一篇。,{}\ny,又一篇。,signing#food\n"


@pytest.mark.parametrize("cell", ["signing#", "#signing", "signing##food", "signing# #food"])
def test_a_joined_list_with_an_empty_part_is_refused(tmp_path, cell):
    (tmp_path / "ann.csv").write_text(CSV.format(cell), "utf-8")
    imported = import_annotations([tmp_path / "ann.csv"])
    assert [example.article.id for example in imported.examples] == ["y"]
    assert imported.findings == (f"{tmp_path / 'ann.csv'}:2: label list {cell!r} is ambiguous: it has an empty part",)


def test_the_csv_export_is_read(tmp_path):
    (tmp_path / "ann.csv").write_bytes(CSV.format("signing#food#项目建设").encode("gb18030"))
    imported = import_annotations([tmp_path / "ann.csv"])
    assert [example.annotation.activity for example in imported.examples] == [("signing", "project_progress"), ("signing",)]
    assert (dict(imported.report.formats), imported.report.annotators) == ({"doccano": 1}, ("ann",))


def test_columns_may_have_other_names(tmp_path):
    rows = [{"key": "x", "内容": TEXT, "tags": ["signing"]}]
    imported = import_annotations([write_jsonl(tmp_path / "ann.jsonl", rows)], "doccano", columns={"id": "key", "text": "内容", "label": "tags"})
    assert [(example.article.id, example.annotation.activity) for example in imported.examples] == [("x", ("signing",))]


def test_a_span_that_may_be_two_figures_is_refused(tmp_path):
    text = "😀😀会上，签约12个丙市项目。"
    rows = [{"id": "x", "text": text, "label": ["signing", [9, 12, "count"], [8, 11, "count"], [5, 7, "count"]]}]
    imported = import_annotations([write_jsonl(tmp_path / "ann.jsonl", rows)])
    assert [mention.text for mention in imported.records[0].mentions] == ["12个"]
    assert [finding.partition("x: ")[2] for finding in imported.findings] == [
        "figure at 8 to 11 refused: '2个丙' or '约12', as one counts, and the file does not say which",
        "figure at 5 to 7 refused: the text has none there, however one counts",
    ]
