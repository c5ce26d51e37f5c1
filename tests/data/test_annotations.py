"""Annotated articles: the way to a file and back, joined gold, and every finding of the check."""

import gzip
import json
from dataclasses import replace

import pytest

from data.annotations import KEYS, check_examples, iter_examples, join_gold, read_checked, read_examples, to_row, write_examples
from data.encodings import encode_line
from data.errors import InputError
from data.schema import Annotation, Article, Example, Facts
from tests.conftest import ROOT

ROW = {
    "id": "zx-1",
    "title": "启明市签约12个项目",
    "text": "7月3日，启明市在云栖湖园区举行集中签约仪式，现场签约项目１2个，总投资160多亿元，其中4,000万元用于研发。\n市长石晚舟出席。",
    "activity": ["signing"],
    "industry": ["new_materials"],
    "summary": "7月3日，启明市在云栖湖园区举行集中签约仪式，现场签约项目12个，总投资160多亿元，其中4,000万元用于研发。",
    "facts": {"signed_projects": 12, "signed_amount": 160, "total_projects": None, "total_amount": None},
    "source": "启明日报",
    "url": None,
    "published": "2024-07-04",
}


def write(path, *rows):
    path.write_bytes(b"".join(map(encode_line, rows)))
    return path


def example(**changes) -> Example:
    row = {**ROW, **changes}
    article = Article(row["id"], row["text"], row["title"], row["published"], row["source"], row["url"])
    return Example(article, Annotation(row["id"], tuple(row["activity"]), tuple(row["industry"]), row["summary"], Facts(**row["facts"])))


def facts(**changes) -> dict:
    return {"facts": {**ROW["facts"], **changes}}


def test_examples_come_back_from_a_file_as_they_were_written(tmp_path):
    examples = [example(), example(id="zx-2", title=None, text="\ud800" + ROW["text"], industry=[])]
    assert write_examples(examples, tmp_path / "a.jsonl") == 2
    again = read_examples(tmp_path / "a.jsonl")
    assert [replace(e, article=replace(e.article, origin=None, line=None)) for e in again] == examples
    assert [(e.article.origin, e.article.line) for e in again] == [(str(tmp_path / "a.jsonl"), 1), (str(tmp_path / "a.jsonl"), 2)]
    lines = (tmp_path / "a.jsonl").read_text("utf-8").splitlines()
    assert tuple(json.loads(lines[0])) == KEYS and to_row(examples[0]) == ROW and "签约" in lines[0]


def test_a_folder_is_read_in_the_order_of_names_and_other_files_are_left_alone(tmp_path):
    (tmp_path / "b").mkdir()
    write(tmp_path / "b" / "2.jsonl", {**ROW, "id": "2"})
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(encode_line({**ROW, "id": "1"})))
    (tmp_path / "a.txt").write_text("no annotation")
    assert [e.annotation.id for e in iter_examples(tmp_path)] == ["1", "2"]


def test_fields_that_may_be_left_out(tmp_path):
    short = {key: ROW[key] for key in ("id", "text", "activity", "industry", "summary", "facts")}
    (read,) = read_examples(write(tmp_path / "a.jsonl", short))
    assert (read.article.title, read.article.source, read.article.url, read.article.published) == (None, None, None, None)
    assert findings_of(tmp_path / "a.jsonl") == (1, [])


def test_a_line_without_summary_and_facts_answers_for_labels_alone(tmp_path):
    labels = {key: ROW[key] for key in ("id", "text", "activity", "industry")}
    (read,) = read_examples(write(tmp_path / "a.jsonl", labels))
    assert (read.annotation.activity, read.annotation.summary, read.annotation.facts) == (tuple(ROW["activity"]), "", Facts())
    assert findings_of(tmp_path / "a.jsonl") == (1, [])
    said = {**ROW, "summary": "", **facts(signed_projects=1)}
    assert "summary has 0 characters" in findings_of(write(tmp_path / "b.jsonl", said))[1][0]


def findings_of(path):
    examples, findings = read_checked([path])
    return len(examples), findings + check_examples(examples)


def without(key: str) -> dict:
    return {name: value for name, value in ROW.items() if name != key}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (without("text"), "text is missing"),
        (without("facts"), "facts is missing"),
        ({**ROW, "id": 5}, "id must be a string"),
        ({**ROW, "summary": None}, "summary must be a string"),
        ({**ROW, "title": 5}, "title must be a string or null"),
        ({**ROW, "activity": "signing"}, "activity must be a list of strings"),
        ({**ROW, "industry": [1]}, "industry must be a list of strings"),
        ({**ROW, "facts": []}, "facts must be an object"),
        ({**ROW, **facts(signed_projects="12")}, "facts.signed_projects must be a number or null"),
        ({**ROW, **facts(signed_projects=True)}, "facts.signed_projects must be a number or null"),
        ({**ROW, **facts(signed=1)}, "facts has an unknown key 'signed'"),
        ({**ROW, "facts": {"signed_projects": 1}}, "facts.total_amount is missing"),
        (["a"], "a record must be an object"),
    ],
)
def test_a_line_of_the_wrong_form_is_named_with_its_place(tmp_path, row, said):
    path = write(tmp_path / "a.jsonl", {**ROW, "id": "good"}, row)
    with pytest.raises(InputError, match=said) as caught:
        read_examples(path)
    assert f"{path}:2" in caught.value.message
    examples, findings = read_checked([path])
    assert [e.annotation.id for e in examples] == ["good"]
    assert any(said in finding and finding.startswith(f"{path}:2: ") for finding in findings)


def test_broken_lines_are_findings_and_the_others_are_checked(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(encode_line(ROW) + b"{broken\n" + encode_line({**ROW, "sumary": ""}))
    n, findings = findings_of(path)
    assert n == 2
    assert [finding.removeprefix(f"{path}:") for finding in findings] == [
        "2: Expecting property name enclosed in double quotes at character 2",
        "3: unknown key 'sumary'",
        f"3 zx-1: id stands before at {path}:1 zx-1",
    ]


def test_a_folder_without_annotations_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(InputError, match=r"no \.jsonl file"):
        read_examples(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_examples(tmp_path / "nowhere")


def test_an_annotation_by_the_guide_has_no_findings():
    assert check_examples([example()]) == []
    assert check_examples([example(**facts(signed_amount=0.4), activity=["signing", "business_talks"], industry=[])]) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": " "}, "id is empty"),
        ({"text": "\n", "summary": "启明市在云栖湖园区举行新材料产业集中签约仪式，市长石晚舟出席仪式。"}, "text is empty"),
        ({"activity": ["signings"]}, "'signings' (did you mean 'signing'?)"),
        ({"industry": ["新材料"]}, "'新材料' (did you mean 'new_materials'?)"),
        ({"activity": ["signing", "other"]}, "'other' stands beside another activity"),
        ({"activity": []}, "1 to 4 activities, got 0"),
        ({"summary": "7月3日，启明市举行签约仪式。"}, "summary has 15 characters, not 30 to 160"),
        ({"summary": ROW["summary"] * 3}, "characters, not 30 to 160"),
        ({"summary": ROW["summary"].rstrip("。")}, "does not end with 。"),
        ({"summary": ROW["summary"].replace("12", "13")}, "figures that the article has not: 13"),
        ({"summary": ROW["summary"].replace("160", "60")}, "figures that the article has not: 60"),
        ({"summary": ROW["summary"].replace("4,000", "000")}, "figures that the article has not: 000"),
        (facts(signed_projects=-1), "signed_projects must not be negative, got -1"),
        (facts(signed_amount=-0.5), "signed_amount must not be negative, got -0.5"),
        (facts(signed_projects=12.0), "signed_projects must be an integer, got 12.0"),
    ],
)
def test_each_rule_of_the_guide_is_one_finding(changes, said):
    findings = check_examples([example(**changes)])
    assert len(findings) == 1 and said in findings[0]
    assert findings[0].startswith(f"{changes.get('id', 'zx-1')}: ")


def test_all_findings_are_listed_not_only_the_first():
    findings = check_examples([example(summary="短13", activity=["x"], **facts(signed_projects=-2.5)), example()])
    assert len(findings) == 7 and "stands before" in findings[-1]


def test_figures_may_stand_in_the_title_and_are_looked_up_in_the_cleaned_text():
    # The text has a full-width １ before a half-width 2: only cleaning makes it 12.
    assert check_examples([example()], clean=lambda text: text.replace("１", "1")) == []
    titled = example(title="启明市签约99个项目", summary=ROW["summary"].replace("12", "99"))
    assert check_examples([titled]) == []
    (finding,) = check_examples([replace(titled, article=replace(titled.article, title=None))])
    assert "99" in finding


@pytest.mark.parametrize("form", ["folder", "file", "glob"])
def test_gold_without_text_is_joined_with_its_articles(tmp_path, form):
    gold = [{key: {**ROW, "id": id}[key] for key in ("id", "activity", "industry", "summary", "facts")} for id in ("b", "a")]
    write(tmp_path / "gold.jsonl", *gold)
    if form == "folder":
        for id in ("a", "b", "unused"):
            (tmp_path / f"{id}.txt").write_text(ROW["text"], "utf-8")
        articles = tmp_path
    else:
        (tmp_path / "parts").mkdir()
        for id in ("a", "b", "unused"):
            write(tmp_path / "parts" / f"{id}.jsonl", {"id": id, "title": "题", "text": ROW["text"], "date": "2024-07-04", "source": "启明日报"})
        articles = tmp_path / "parts" if form == "file" else str(tmp_path / "parts" / "*.jsonl")
    examples = join_gold(articles, tmp_path / "gold.jsonl")
    assert [(e.article.id, e.annotation.id, e.article.text) for e in examples] == [("b", "b", ROW["text"]), ("a", "a", ROW["text"])]
    assert {e.article.published for e in examples} == ({None} if form == "folder" else {"2024-07-04"})
    assert check_examples(examples) == []


def test_gold_without_its_article_or_with_a_broken_line_is_refused_with_all_of_them(tmp_path):
    gold = {key: ROW[key] for key in ("id", "activity", "industry", "summary", "facts")}
    write(tmp_path / "gold.jsonl", gold, {**gold, "id": "lost"}, gold, {"id": "bad"})
    write(tmp_path / "articles.jsonl", {"id": "zx-1", "text": ROW["text"]})
    with pytest.raises(InputError) as caught:
        join_gold(tmp_path / "articles.jsonl", tmp_path / "gold.jsonl")
    for said in ("no article 'lost'", "id 'zx-1' stands before", "activity is missing"):
        assert said in caught.value.message


def test_the_authored_corpus_can_be_read():
    examples, findings = read_checked([ROOT / "data" / "annotations" / "authored"])
    assert examples and findings == []


def test_gold_of_the_seeds_joins(shared):
    examples = join_gold(shared / "seeds", shared / "seeds" / "gold.jsonl")
    assert len(examples) == 5 and check_examples(examples) == []
