"""Importing annotations: the same articles from every format, detection, joining annotators, unknown labels, what is counted and refused."""

import gzip
import json
from collections import Counter
from dataclasses import replace

import pytest

from data import argilla, doccano, labelstudio, spreadsheets
from data.annotated import Mention, Record
from data.annotations import KEYS, read_checked, write_examples
from data.answers import Reading, UnknownLabels, find_labels, flatten, parse_fact
from data.errors import InputError, UnknownLabel
from data.exchange import Imported, Report, import_annotations
from data.joining import join_figures
from data.mentions import KEYS as MENTION_KEYS
from data.mentions import check_mentions, read_mentions
from data.schema import Annotation, Article, Example, Facts, content_hash
from data.taxonomy import Taxonomy, load_taxonomy
from tests.data.annotated_articles import (
    EXAMPLES,
    accept_predictions,
    assert_same,
    bare,
    flatten_records,
    result_of,
    submit,
    to_json_min,
    write_json,
    write_jsonl,
)

RESULTS = {example.article.id: result_of(example) for example in EXAMPLES}


def write_ours(folder):
    write_examples(EXAMPLES, folder / "a.jsonl")
    return folder / "a.jsonl"


def write_labelstudio(folder):
    labelstudio.write_tasks([example.article for example in EXAMPLES], RESULTS, folder / "tasks.json")
    return write_json(folder / "a.json", accept_predictions(json.loads((folder / "tasks.json").read_text("utf-8"))))


def write_labelstudio_min(folder):
    labelstudio.write_tasks(EXAMPLES, None, folder / "tasks.json")
    return write_json(folder / "a.json", to_json_min(json.loads((folder / "tasks.json").read_text("utf-8"))))


def write_doccano(folder):
    doccano.write_rows(EXAMPLES, None, folder / "a.jsonl")
    return folder / "a.jsonl"


def write_argilla(folder):
    argilla.write_records(EXAMPLES, None, folder / "records.json")
    return write_json(folder / "a.json", submit(json.loads((folder / "records.json").read_text("utf-8"))))


def write_argilla_flat(folder):
    argilla.write_records(EXAMPLES, None, folder / "records.json")
    return write_jsonl(folder / "a.jsonl", flatten_records(submit(json.loads((folder / "records.json").read_text("utf-8")))))


def write_csv(folder):
    spreadsheets.write_csv(EXAMPLES, None, folder / "a.csv")
    return folder / "a.csv"


def write_xlsx(folder):
    spreadsheets.write_xlsx(EXAMPLES, None, folder / "a.xlsx")
    return folder / "a.xlsx"


WRITERS = [write_ours, write_labelstudio, write_labelstudio_min, write_doccano, write_argilla, write_argilla_flat, write_csv, write_xlsx]


@pytest.mark.parametrize("write", WRITERS)
def test_the_same_ten_articles_from_every_format(tmp_path, write):
    assert_same(import_annotations([write(tmp_path)]))


@pytest.mark.parametrize("format", ["labelstudio", "doccano", "argilla", "csv", "xlsx"])
def test_a_named_format_reads_what_detection_finds(tmp_path, format):
    write = {"labelstudio": write_labelstudio, "doccano": write_doccano, "argilla": write_argilla, "csv": write_csv, "xlsx": write_xlsx}[format]
    path = write(tmp_path)
    assert import_annotations([path], format).examples == import_annotations([path]).examples


def test_what_is_written_is_read_by_everything_else(tmp_path):
    imported = import_annotations([write_csv(tmp_path)])
    assert imported.write(tmp_path / "out.jsonl") == 10
    assert [tuple(json.loads(line)) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()] == [KEYS] * 10
    examples, findings = read_checked([tmp_path / "out.jsonl"])
    assert (bare(examples), findings) == (EXAMPLES, [])


def test_what_is_missing_is_counted(tmp_path):
    imported = import_annotations([write_ours(tmp_path)])
    report = imported.report
    assert (report.n_records, report.n_examples, report.annotators, dict(report.formats)) == (10, 10, ("a",), {"ours": 1})
    assert report.n_without_summary == sum(not example.annotation.summary for example in EXAMPLES) == 3
    assert report.n_without_facts == sum(example.annotation.facts == Facts() for example in EXAMPLES) == 6
    assert report.lines()[1] == "joined 10 articles, 3 without summary, 6 without facts"


def test_folders_and_compressed_files_are_read(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    lines = write_ours(tmp_path).read_bytes().splitlines(keepends=True)
    (tmp_path / "in" / "a.jsonl").write_bytes(b"".join(lines[:4]))
    (tmp_path / "in" / "deep" / "a.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[4:])))
    (tmp_path / "in" / "notes.txt").write_text("not this one")
    assert_same(import_annotations([tmp_path / "in"]))
    assert_same(import_annotations([str(tmp_path / "in" / "**" / "a*")]))


# --- articles apart --------------------------------------------------------------------------------------------------


def test_articles_are_found_by_id_or_by_text(tmp_path):
    articles = write_ours(tmp_path)
    without_text = [{"id": e.article.id, "activity": list(e.annotation.activity), "facts": e.annotation.facts.to_json()} for e in EXAMPLES[:5]]
    by_id = write_jsonl(tmp_path / "by_id.jsonl", without_text)
    # doccano counts its examples from 1 and leaves \n of \r\n.
    rows = [
        {"id": i, "text": e.article.text.replace("\r\n", "\n"), "label": [*e.annotation.activity, *e.annotation.industry]}
        for i, e in enumerate(EXAMPLES)
    ]
    by_text = write_jsonl(tmp_path / "by_text.jsonl", rows)
    imported = import_annotations([by_id, by_text], articles=[articles])
    assert [e.article for e in bare(imported.examples)] == [e.article for e in EXAMPLES]
    assert [e.annotation.activity for e in imported.examples] == [e.annotation.activity for e in EXAMPLES]


def test_without_text_an_article_is_left_out_with_a_finding(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{"id": "x", "activity": ["signing"], "industry": [], "facts": {}}])
    imported = import_annotations([path])
    assert imported.examples == () and len(imported.records) == 1
    assert imported.findings == ("x: left out: it has no text (name its articles with --articles)",)


def test_an_annotation_of_another_text_is_left_out(tmp_path):
    row = {"activity": ["signing"], "industry": [], "facts": {}}
    texts = {"same": "一篇。", "other": "另一篇。", "lone": "甲\ud800乙。"}
    rows = [{"id": id, "text_sha256": content_hash("一篇。" if id != "lone" else texts[id]), **row} for id in texts]
    articles = tmp_path / "articles.jsonl"
    articles.write_text("".join(json.dumps({"id": id, "text": text}) + "\n" for id, text in texts.items()), "utf-8")
    imported = import_annotations([write_jsonl(tmp_path / "gold.jsonl", rows)], articles=[articles])
    assert [example.article.id for example in imported.examples] == ["same", "lone"]
    assert imported.findings == (f"{tmp_path / 'gold.jsonl'}:2: text_sha256 is not that of the text of 'other': it was annotated on another text",)


def test_a_text_that_differs_from_the_article_given_is_said(tmp_path):
    rows = [{"id": "jz-04", "text": "荷花开了。", "label": ["other"]}]
    imported = import_annotations([write_jsonl(tmp_path / "d.jsonl", rows)], articles=[write_ours(tmp_path)])
    assert [e.article for e in bare(imported.examples)] == [EXAMPLES[3].article]
    assert "the text of 'jz-04' differs" in imported.findings[0]


def test_without_id_articles_of_one_text_are_one_article(tmp_path):
    one = write_jsonl(tmp_path / "one.jsonl", [{"text": "两家公司来访。", "label": ["inbound_visit"]}])
    two = write_jsonl(tmp_path / "two.jsonl", [{"text": "两家公司来访。", "label": ["inbound_visit"]}])
    imported = import_annotations([one, two])
    assert (len(imported.records), len(imported.examples), imported.report.annotators) == (2, 1, ("one", "two"))


# --- labels ----------------------------------------------------------------------------------------------------------


def test_unknown_labels_of_all_files_come_together_with_counts(tmp_path):
    one = write_jsonl(
        tmp_path / "one.jsonl", [{"id": 1, "text": "甲。", "label": ["signings", "foood"]}, {"id": 2, "text": "乙。", "label": ["signings"]}]
    )
    two = write_json(tmp_path / "two.json", [{"id": 3, "text": "丙。", "label": ["项目签月", "zzzz"]}])
    with pytest.raises(UnknownLabel) as caught:
        import_annotations([one, two])
    assert isinstance(caught.value, UnknownLabels)
    assert caught.value.unknown == {"signings": "signing", "foood": "food", "项目签月": "signing", "zzzz": None}
    assert caught.value.counts == {"signings": 2, "foood": 1, "项目签月": 1, "zzzz": 1}
    assert "'signings' 2 times (did you mean 'signing'?)" in caught.value.message == str(caught.value)


def test_keys_of_the_two_groups_do_not_collide():
    for group in ("activity", "industry"):
        for key in load_taxonomy().group(group):
            name = load_taxonomy().name(group, key)
            for spelling in (key, name, f"{group}/{key}", f" {group}/{name} ", key.upper()):
                assert find_labels(spelling) == [(group, key)], spelling


def test_a_name_of_both_groups_is_two_labels():
    taxonomy = Taxonomy(1, ("other", "trade"), ("trade",), {"activity/other": "其他", "activity/trade": "甲", "industry/trade": "乙"}, {})
    assert find_labels("trade", taxonomy=taxonomy) == [("activity", "trade"), ("industry", "trade")]
    assert find_labels("industry/trade", taxonomy=taxonomy) == [("industry", "trade")]
    assert find_labels("trade", "activity", taxonomy) == [("activity", "trade")]


@pytest.mark.parametrize("name", ["", "/", "activity/", "food/food", "activity/food", "签约项目"])
def test_what_is_no_label_is_none(name):
    assert find_labels(name) == []


@pytest.mark.parametrize(
    ("fact", "value", "number"),
    [
        ("signed_projects", 12, 12), ("signed_projects", 12.0, 12), ("signed_projects", "１２个", 12), ("signed_projects", "1,200", 1200),
        ("signed_amount", "28.6亿元", 28.6), ("signed_amount", 160.0, 160), ("signed_amount", " 0.4 ", 0.4), ("total_amount", "", None),
        ("total_amount", None, None), ("total_projects", 0, 0),
    ],
)  # fmt: skip
def test_facts_are_numbers(fact, value, number):
    assert parse_fact(fact, value) == number
    assert type(parse_fact(fact, value)) is type(number)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("signed_projects", "12.5"), ("signed_projects", -1), ("signed_amount", "160多亿元"), ("signed_amount", "4000万元"), ("signed_amount", "-3"),
        ("signed_amount", True), ("signed_amount", float("inf")), ("total_projects", "十二"), ("total_projects", "12亿元"), ("signed_amount", "1,2"),
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_fact_is_refused(fact, value):
    with pytest.raises(ValueError, match=fact):
        parse_fact(fact, value)


def test_values_are_flattened():
    assert flatten({"choices": ["a", "b"]}) == flatten(["a", "b"]) == ["a", "b"]
    assert flatten("a") == flatten([{"text": ["a"]}]) == ["a"]
    assert flatten([{"number": 3}]) == [3]
    assert flatten(None) == flatten("") == flatten({}) == flatten(True) == []


# --- several annotators ----------------------------------------------------------------------------------------------


def join(folder, *views):
    """Import one article as several annotators see it: (activity, industry, facts, summary), the last two as far as given."""
    folder.mkdir(exist_ok=True)
    for i, view in enumerate(views):
        activity, industry, facts, summary = (*view, {}, "")[:4] if len(view) != 3 else (*view, "")
        row = {"id": "x", "text": "一篇。", "activity": activity, "industry": industry, "facts": facts, "summary": summary}
        write_jsonl(folder / f"{'abcde'[i]}.jsonl", [row])
    imported = import_annotations([folder])
    return imported.examples[0].annotation, imported.conflicts


def test_the_majority_keeps_a_label(tmp_path):
    joined, conflicts = join(tmp_path, (["signing", "business_talks"], ["food"]), (["signing"], ["food", "digital"]), (["signing"], []))
    assert (joined.activity, joined.industry, conflicts) == (("signing",), ("food",), ())


def test_a_tie_is_kept_and_listed(tmp_path):
    joined, conflicts = join(tmp_path, (["signing", "business_talks"], []), (["signing"], ["food"]))
    assert (joined.activity, joined.industry) == (("signing", "business_talks"), ("food",))
    assert [(conflict.article_id, conflict.field, conflict.said) for conflict in conflicts] == [
        ("x", "activity/business_talks", (("a", "yes"), ("b", "no"))),
        ("x", "industry/food", (("a", "no"), ("b", "yes"))),
    ]
    assert str(conflicts[0]) == "x activity/business_talks: a: yes, b: no (kept: yes)"


def test_the_main_activity_is_the_majoritys(tmp_path):
    views = [(["signing", "expo_forum"], []), (["expo_forum", "signing"], []), (["expo_forum", "signing"], [])]
    joined, conflicts = join(tmp_path, *views)
    assert (joined.activity, conflicts) == (("expo_forum", "signing"), ())
    joined, conflicts = join(tmp_path / "two", *views[:2])
    assert joined.activity == ("signing", "expo_forum")
    assert [(conflict.field, conflict.kept) for conflict in conflicts] == [("main", "signing")]


def test_annotators_who_agree_on_nothing_still_give_a_main_activity(tmp_path):
    joined, conflicts = join(tmp_path, (["signing"], []), (["expo_forum"], []), (["work_meeting"], []))
    assert joined.activity == ("signing",) and [conflict.field for conflict in conflicts] == ["main"]


def test_other_stays_alone(tmp_path):
    joined, conflicts = join(tmp_path, (["other"], []), (["signing"], []))
    assert joined.activity == ("other",) and "main" in [conflict.field for conflict in conflicts]


def test_no_more_labels_are_kept_than_the_guide_allows(tmp_path):
    keys = list(load_taxonomy().activity[:6])
    joined, conflicts = join(tmp_path, (keys[:3], []), (keys[3:], []))
    assert len(joined.activity) == 4
    load_taxonomy().check(joined.activity, joined.industry)
    assert [conflict.kept for conflict in conflicts if conflict.field.startswith("activity/")].count("no: at most 4") == 2


def test_facts_by_majority_else_null(tmp_path):
    views = [(["signing"], [], {"signed_projects": n, "signed_amount": amount}) for n, amount in ((3, 5), (3, 6), (4, None))]
    joined, conflicts = join(tmp_path, *views)
    assert joined.facts == Facts(3, None)
    assert [(conflict.field, conflict.said) for conflict in conflicts] == [("facts.signed_amount", (("a", "5"), ("b", "6"), ("c", "null")))]


def test_who_gives_no_facts_at_all_has_no_vote_on_them(tmp_path):
    joined, conflicts = join(tmp_path, (["signing"], [], {"signed_projects": 3}), (["signing"], [], {}))
    assert (joined.facts, conflicts) == (Facts(3), ())


def test_summaries_that_differ_are_a_conflict(tmp_path):
    joined, conflicts = join(tmp_path, (["signing"], [], {}, "甲。"), (["signing"], [], {}, "乙。"), (["signing"], [], {}, "乙。"))
    assert (joined.summary, conflicts) == ("乙。", ())
    (tmp_path / "c.jsonl").unlink()
    joined, conflicts = join(tmp_path, (["signing"], [], {}, "甲。"), (["signing"], [], {}, "乙。"))
    assert (joined.summary, [conflict.field for conflict in conflicts]) == ("甲。", ["summary"])


def test_labels_of_one_project_and_summaries_of_another_make_one_article(tmp_path):
    text, summary = "一篇。", "某市举行集中签约仪式，现场签下若干个项目，各方随后逐一对接落地事宜。"
    labels = write_jsonl(tmp_path / "labels.jsonl", [{"id": "x", "text": text, "label": ["signing", "food"]}])
    summaries = write_jsonl(tmp_path / "summaries.jsonl", [{"id": "x", "text": text, "label": [summary]}])
    imported = import_annotations([labels, summaries])
    annotation = imported.examples[0].annotation
    assert (annotation.activity, annotation.industry, annotation.summary) == (("signing",), ("food",), summary)
    assert (imported.findings, imported.conflicts) == ((), ())


def test_an_annotator_who_changed_their_mind_is_named(tmp_path):
    (tmp_path / "later").mkdir()
    write_jsonl(tmp_path / "a.jsonl", [{"id": "x", "text": "一篇。", "label": ["signing"]}])
    write_jsonl(tmp_path / "later" / "a.jsonl", [{"id": "x", "text": "一篇。", "label": ["expo_forum"]}])
    imported = import_annotations([tmp_path])
    assert imported.examples[0].annotation.activity == ("expo_forum",)
    assert imported.findings == ("x: a annotated it twice with different labels; the last is taken",)


# --- figures ---------------------------------------------------------------------------------------------------------

FIGURES = "会上签下3个项目，总投资5亿元。"
COUNT = Mention("3个", 4, 6, "count", None, "batch", "signed", "3", None, "个", "exact")
AMOUNT = Mention("5亿元", 12, 15, "amount", "investment", "batch", "signed", "500000000", None, "CNY", "exact")


def join_marks(*views, text=FIGURES):
    article = Article("x", FIGURES)
    records = [Record(replace(article, text=text if i else FIGURES), f"a{i}", ("signing",), mentions=view) for i, view in enumerate(views)]
    joined = join_figures(records, [article])
    return joined.by_id.get("x", ()), [conflict.field for conflict in joined.conflicts], list(joined.findings)


def test_figures_are_those_that_half_of_their_annotators_marked():
    other = replace(AMOUNT, role="credit")
    assert join_marks((COUNT, AMOUNT), (COUNT, AMOUNT), ()) == ((COUNT, AMOUNT), [], [])
    assert join_marks((COUNT, AMOUNT), (COUNT,), (COUNT,)) == ((COUNT,), [], [])
    assert join_marks((AMOUNT,), (AMOUNT, COUNT)) == ((COUNT, AMOUNT), ["figure 4-6"], [])
    assert join_marks((other,), (AMOUNT,), (AMOUNT,)) == ((AMOUNT,), [], [])
    assert join_marks((other,), (AMOUNT,)) == ((other,), ["figure 12-15"], [])


def test_joined_figures_never_overlap():
    longer = replace(AMOUNT, text="资5亿元", start=11)
    assert join_marks((longer,), (AMOUNT,)) == ((longer,), ["figure 11-15", "figure 12-15"], [])


def test_figures_of_another_text_are_left_out():
    assert join_marks((AMOUNT,), (COUNT,), text="另一篇3个") == (
        (AMOUNT,),
        [],
        ["x: figures of 1 annotations left out: they were marked on another text"],
    )


def test_figures_are_written_with_nothing_invented(tmp_path):
    given = [COUNT, replace(AMOUNT, unit=None, qualifier=None), replace(AMOUNT, text="总投资", start=9, end=12)]
    example = Example(Article("x", FIGURES), Annotation("x", ("signing",), (), ""))
    record = Record(example.article, "a", ("signing",), mentions=tuple(given))
    report = Report(Counter(), 1, 1, 1, 1, 3, ("a",), Counter())
    written = Imported((record,), (example,), (), (), report).write_figures(tmp_path / "figures.jsonl")
    (row,) = read_mentions([tmp_path / "figures.jsonl"]).values()
    assert (written.n_articles, written.n_figures, check_mentions(row, FIGURES)) == (1, 1, [])
    assert row["mentions"] == [{key: getattr(COUNT, key) for key in MENTION_KEYS}]
    assert written.findings == (
        "x: figure '总投资' at 9 left out: '总投资' holds no number",
        "x: figure '5亿元' at 12 left out: it has no unit and no qualifier",
    )


# --- broken input ----------------------------------------------------------------------------------------------------


def test_lone_surrogates_are_replaced_and_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "x", "text": "投资\\ud800五亿。", "title": "\\udfff", "label": ["signing"]}\n', "utf-8")
    imported = import_annotations([path])
    assert (imported.examples[0].article.text, imported.examples[0].article.title) == ("投资\ufffd五亿。", "\ufffd")
    assert "strings with lone surrogates, replaced by U+FFFD: 2" in imported.report.lines()
    imported.write(tmp_path / "out.jsonl")
    assert read_checked([tmp_path / "out.jsonl"])[1] == []


def test_broken_lines_are_findings_with_their_place(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "x", "text": "甲。", "label": ["signing"]}\n{"id": \n\n{"label": ["food"]}\n{"id": [1], "label": []}\n', "utf-8")
    imported = import_annotations([path])
    assert len(imported.examples) == 1
    assert [finding.partition(": ")[0] for finding in imported.findings] == [f"{path}:{n}" for n in (2, 4, 5)]
    assert "has neither id nor text" in imported.findings[1] and "id must be a string" in imported.findings[2]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    good = write_ours(tmp_path)
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 cut off")
    (tmp_path / "bad.json").write_bytes(bytes(range(256)) * 9)
    imported = import_annotations([tmp_path / "bad.json", tmp_path / "bad.xlsx", good])
    assert len(imported.examples) == 10 and len(imported.findings) == 2
    assert imported.report.formats["unreadable"] == 2


@pytest.mark.parametrize("paths", [[], "a.jsonl", ["nowhere.jsonl"]])
def test_wrong_inputs_are_refused(paths):
    with pytest.raises(InputError):
        import_annotations(paths)


def test_a_format_that_cannot_be_told_is_asked_for(tmp_path):
    path = write_json(tmp_path / "a.json", [{"heading": "甲", "words": 3}])
    with pytest.raises(InputError, match=r"cannot tell the format .*heading, words"):
        import_annotations([path])
    with pytest.raises(InputError, match="no table"):
        import_annotations([path], "csv")
    with pytest.raises(InputError, match="unknown field 'word'"):
        import_annotations([path], columns={"word": "words"})


def test_articles_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(InputError):
        import_annotations([write_ours(tmp_path)], articles=[tmp_path / "none.jsonl"])


def test_an_activity_is_needed(tmp_path):
    imported = import_annotations([write_jsonl(tmp_path / "a.jsonl", [{"id": "x", "text": "甲。", "label": ["food"]}])])
    assert (imported.examples, imported.findings) == ((), ("x: left out: it has no activity",))


def test_an_ambiguous_label_is_a_finding():
    taxonomy = Taxonomy(1, ("other", "trade"), ("trade",), {"activity/other": "其他", "activity/trade": "甲", "industry/trade": "乙"}, {})
    reading = Reading(taxonomy=taxonomy)
    doccano.read_rows([("a.jsonl:1", {"id": "x", "text": "一篇。", "label": ["other", "trade"]})], reading)
    assert reading.findings == ["a.jsonl:1 x: label 'trade' is ambiguous: write activity/trade or industry/trade"]
    assert [record.activity for record in reading.records] == [("other",)] and not reading.unknown
