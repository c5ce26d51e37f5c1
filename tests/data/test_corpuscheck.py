"""The check of a whole folder of annotations: each rule is a finding with its place, and the shipped folder has none."""

import json
import os
from pathlib import Path

import pytest

from data.clean import clean_text
from data.corpuscheck import check_corpus, longest_copied
from data.encodings import encode_line
from data.inspection import CorpusStatistics, is_corpus
from data.schema import content_hash
from models.faithfulness import check_annotation
from tests.conftest import ROOT
from tests.corpora import text_of
from tests.data.test_prepare import bare, row

SUMMARY = "一处园区里有企业签约了项目，参加仪式的各方代表随后参观了厂房并座谈。"


def clean(text):
    return clean_text(text).text


def claims(example):
    return check_annotation(example.annotation.summary, example.annotation.facts, example.article.text, example.article.title)


@pytest.fixture
def folder(tmp_path):
    for name in ("authored", "real", "double"):
        (tmp_path / "annotations" / name).mkdir(parents=True)
    none = {"facts": dict.fromkeys(("signed_projects", "signed_amount", "total_projects", "total_amount"))}
    write(tmp_path / "annotations" / "authored" / "a.jsonl", *(row(i * 10, summary=SUMMARY, **none) for i in range(4)))
    write(tmp_path / "annotations" / "real" / "b.jsonl", *(bare(i, summary=SUMMARY, **none) for i in (100, 105)))
    return tmp_path / "annotations"


def write(path, *rows):
    path.write_bytes(b"".join(map(encode_line, rows)))


def checked(folder, corpora=None):
    return check_corpus(folder, corpora, clean, claims)


def test_sound_annotations_have_no_findings(folder, corpora):
    made = checked(folder, corpora)
    assert made.lines() == ["4 articles with text, 2 by id, 0 annotated twice, 0 with figures", "6 annotated articles, 0 findings"]
    assert "2 without their text here" in checked(folder).lines()[0]


def test_names_and_figures_that_the_article_has_not_are_findings(folder):
    write(folder / "authored" / "c.jsonl", row(40, summary="云海市" + SUMMARY.replace("企业", "77家企业"), facts=row(3)["facts"]))
    findings = checked(folder).findings
    assert any("云海市" in f and "77家" in f for f in findings)
    assert all("c.jsonl:1" in f for f in findings)


def test_facts_that_the_article_has_not_are_findings(folder):
    facts = {"signed_projects": 88, "signed_amount": 12.5, "total_projects": None, "total_amount": None}
    write(folder / "authored" / "c.jsonl", row(40, summary=SUMMARY, facts=facts))
    (finding,) = checked(folder).findings
    assert "signed_projects 88, signed_amount 12.5" in finding


def test_articles_of_one_skeleton_are_findings(folder):
    write(
        folder / "authored" / "c.jsonl",
        row(41, text=text_of(0)[:150] + "另一个结尾，换了说法，也换了事情。" * 3, summary=SUMMARY, facts=row(3)["facts"] | {"signed_projects": 3}),
    )
    assert any("share a skeleton" in f and "a-0 and a-41" in f for f in checked(folder).findings)


def test_unknown_articles_double_annotations_and_splits_are_findings(folder, corpora):
    none = {"facts": bare(1)["facts"] | {"signed_projects": None}}
    write(folder / "real" / "c.jsonl", bare(999, summary=SUMMARY, **none), bare(101, summary=SUMMARY, text_sha256="0" * 64, **none))
    for annotator in ("first", "second"):
        write(folder / "double" / f"{annotator}.jsonl", bare(100, summary=SUMMARY, **none), bare(500, summary=SUMMARY, **none))
    (folder / "splits.json").write_text(json.dumps({"test": ["n:100", "n:105"]}))
    findings = "\n".join(checked(folder, corpora).findings)
    for said in ("n:999 is not in", "n:101 is not in", "n:500 is not among", "not annotated twice: n:105"):
        assert said in findings


def test_broken_figures_are_findings(folder):
    (folder / "mentions").mkdir()
    write(
        folder / "mentions" / "m.jsonl",
        {"id": "a-0", "text_sha256": content_hash(text_of(0)), "mentions": [{}]},
        {"id": "nobody", "text_sha256": "", "mentions": []},
    )
    findings = "\n".join(checked(folder).findings)
    assert "a-0: mention 0: must be an object" in findings
    assert "nobody has no annotation" in findings


def test_a_broken_line_of_figures_loses_no_other_finding(folder):
    (folder / "mentions").mkdir()
    amount = {
        "start": 0, "end": 1, "kind": "amount", "value": "1", "max": None, "unit": None, "qualifier": "exact", "role": "investment", "scope": "batch",
        "status": "signed",
    }  # fmt: skip
    sound = encode_line({"id": "a-0", "text_sha256": content_hash(text_of(0)), "mentions": [amount]})
    (folder / "mentions" / "m.jsonl").write_bytes(b"{broken\n" + sound + encode_line({"id": "a-10"}))
    write(folder / "authored" / "c.jsonl", {"id": "half"})
    made = checked(folder)
    findings = "\n".join(made.findings)
    for said in (
        "m.jsonl:1: ",
        "a-0: mention 0: unit must be a string",
        "m.jsonl:3: not a line of annotated figures",
        "c.jsonl:1: activity is missing",
    ):
        assert said in findings
    assert made.n_mentions == 1


def test_a_folder_of_figures_without_files_is_a_finding(folder):
    (folder / "mentions").mkdir()
    (finding,) = checked(folder).findings
    assert "no articles in" in finding
    assert "annotations/mentions" in finding


@pytest.mark.parametrize("broken", ["{", "[]", '{"test": 5}', '{"test": ["nobody"]}', '{"test": ["a-0"], "development": ["a-0"]}'])
def test_a_broken_file_of_splits_is_a_finding_and_not_the_end(folder, broken):
    (folder / "splits.json").write_text(broken)
    write(folder / "double" / "first.jsonl", bare(500, summary=SUMMARY))
    findings = checked(folder).findings
    assert any("splits.json" in f for f in findings)
    assert any("n:500 is not among" in f for f in findings)


def test_double_annotations_are_not_held_to_the_text(folder):
    told = row(0, summary="云海市" + SUMMARY, facts=row(3)["facts"])
    write(folder / "double" / "first.jsonl", {key: value for key, value in told.items() if key not in ("title", "text")} | {"text_sha256": "0" * 64})
    assert checked(folder).findings == []


def test_statistics_count_by_folder_without_texts(folder):
    (folder / "splits.json").write_text(json.dumps({"test": ["n:100"]}))
    lines = CorpusStatistics.read(folder).lines()
    assert lines[0] == "annotated articles: authored 4, real 2, together 6"
    assert lines[2] == "splits: test 1, train 5"
    (signing,) = [line for line in lines if line.startswith("  signing")]
    assert signing.split()[1:] == ["4", "(4", "main)", "2", "(2", "main)", "6", "(6", "main)", "项目签约"]


def test_a_folder_of_annotations_is_told_from_a_dump(folder, tmp_path):
    assert is_corpus(folder)
    assert not is_corpus(ROOT / "data" / "sample")
    assert not is_corpus(tmp_path / "nowhere")


def test_the_shipped_annotations_are_sound():
    """With their texts where the corpora folder is beside the repository; their form alone elsewhere."""
    beside = Path(os.environ.get("ZHAOSHANG_SHARED", ROOT.parent / "shared")) / "corpora"
    made = check_corpus(ROOT / "data" / "annotations", beside if beside.is_dir() else None, clean, claims_of_cleaned)
    assert made.findings == []
    assert made.n_written + made.n_referred > 3000


def claims_of_cleaned(example):
    article, annotation = example.article, example.annotation
    return check_annotation(annotation.summary, annotation.facts, clean(article.text), article.title)


def test_a_summary_that_copies_an_article_that_is_not_ours_is_a_finding(folder, corpora):
    text = text_of(101)
    write(folder / "real" / "c.jsonl", bare(101, summary=text[4:70] + "。", facts=row(3)["facts"] | {"signed_projects": None}))
    assert any("n:101: summary copies" in f for f in checked(folder, corpora).findings)
    assert longest_copied("甲市签约", "乙市签约了") == 3
    assert longest_copied("", "乙") == 0
