"""``python -m data`` as users run it: what is printed, what is written, exit statuses, one plain line on errors."""

import json
import subprocess
import sys

import pytest

from data.__main__ import main
from data.encodings import encode_line
from tests.conftest import ROOT
from tests.data.test_annotations import ROW

DIRTY = {
    "id": "1",
    "title": "簽約１2個項目",
    "text": "啟明市舉行集中簽約儀式,現場簽約項目１2個，總投資160多億元。市長出席並致辭，企業代表發言。",
    "date": "2024-07-04",
    "source": "启明日报",
}
PLAIN = {
    "id": "2",
    "title": None,
    "text": "启明市举行推介会，来自三地的企业参加，达成合作意向。",
    "date": "二〇二四年",
    "url": "https://example.org/2",
}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run ``python -m data`` with arguments; return (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["data", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        printed = capsys.readouterr()
        return caught.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def dump(tmp_path):
    (tmp_path / "dump").mkdir()
    path = tmp_path / "dump" / "a.jsonl"
    path.write_bytes(encode_line(DIRTY) + encode_line(PLAIN))
    return path


def test_inspect_says_what_a_dump_holds(run, dump):
    (dump.parent / "b.txt").write_bytes("一篇签约新闻".encode("gb18030"))
    status, out, _ = run("inspect", dump.parent)
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "read 3 articles from 2 files, skipped 0 records"
    assert "articles by format: jsonl 2, txt 1" in lines
    assert "files by encoding: utf-8 1, gb18030 1" in lines
    short, long = sorted([len(DIRTY["text"]), len(PLAIN["text"])])
    assert f"characters (quantiles): 0% 6, 5% 6, 25% 6, 50% {short}, 75% {long}, 95% {long}, 100% {long}" in lines
    assert "years: 2024 1, unknown 2" in lines
    assert "sources (of 2): unknown 2, 启明日报 1" in lines
    assert any(line.startswith("cleaning steps:") and "traditional 1" in line and "full_width 1" in line for line in lines)


def test_inspect_counts_skipped_records_and_logs_the_first(run, dump, caplog):
    dump.write_bytes(dump.read_bytes() + b"{broken\n" * 30 + encode_line({"id": "3", "text": ""}))
    status, out, _ = run("inspect", dump)
    assert status == 1
    assert "skipped: bad_json 30, empty_text 1" in out
    logged = [record.getMessage() for record in caplog.records]
    assert logged[0].startswith(f"{dump}:3 bad_json: ") and logged[-1] == "and 11 more records skipped"
    assert len(logged) == 21


def test_results_go_to_stdout_and_the_log_to_stderr(dump):
    dump.write_bytes(dump.read_bytes() + b"{broken\n")
    done = subprocess.run([sys.executable, "-m", "data", "inspect", str(dump)], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert "bad_json: " in done.stderr and len(done.stderr.splitlines()) == 1
    assert done.stdout.startswith("read 2 articles from 1 files, skipped 1 records\n") and "Expecting" not in done.stdout


def test_inspect_counts_labels_where_the_dump_is_annotated(run, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(
        encode_line(ROW) + encode_line({**ROW, "id": "2", "activity": ["business_talks", "signing"], "industry": ["food", "foods"]})
    )
    status, out, _ = run("inspect", tmp_path / "a.jsonl")
    words = [line.split() for line in out.splitlines()]
    assert status == 1
    assert ["signing", "2", "main", "1", "项目签约"] in words and ["business_talks", "1", "main", "1", "座谈洽谈"] in words
    assert ["food", "1", "食品饮料"] in words and ["foods", "1", "(unknown)"] in words
    assert "agree with the guide's rules: 1 of 2 (1 findings" in out


def test_clean_writes_clean_articles(run, dump, tmp_path):
    status, out, _ = run("clean", dump, "--output", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert status == 0 and f"wrote 2 articles to {tmp_path / 'out.jsonl'}" in out
    assert list(rows[0]) == ["id", "title", "text", "published", "source", "url", "cleaning"]
    assert rows[0]["title"] == "签约12个项目"
    assert rows[0]["text"].startswith("启明市举行集中签约仪式，现场签约项目12个，总投资160多亿元。")
    assert {"traditional", "full_width"} <= set(rows[0]["cleaning"])
    assert rows[1] == {
        "id": "2",
        "title": None,
        "text": PLAIN["text"],
        "published": "二〇二四年",
        "source": None,
        "url": PLAIN["url"],
        "cleaning": [],
    }


def test_cleaned_articles_are_an_input_that_cleaning_leaves_alone(run, dump, tmp_path):
    run("clean", dump, "--output", tmp_path / "once.jsonl")
    run("clean", tmp_path / "once.jsonl", "--output", tmp_path / "twice.jsonl")
    once, twice = ([json.loads(line) for line in (tmp_path / name).read_text("utf-8").splitlines()] for name in ("once.jsonl", "twice.jsonl"))
    assert [row["text"] for row in twice] == [row["text"] for row in once]
    assert all(row["cleaning"] == [] for row in twice)


def test_a_column_can_be_named(run, tmp_path):
    (tmp_path / "a.csv").write_text("编号,新闻内容\n7,启明市签约\n", "utf-8")
    assert run("inspect", tmp_path / "a.csv")[0] == 2
    status, _, _ = run("clean", tmp_path / "a.csv", "--output", tmp_path / "o.jsonl", "--column", "text=新闻内容", "--column", "id=编号")
    row = json.loads((tmp_path / "o.jsonl").read_text("utf-8"))
    assert (status, row["id"], row["text"]) == (0, "7", "启明市签约")


def test_check_passes_good_annotations_and_lists_the_findings_of_bad_ones(run, tmp_path):
    good, bad = tmp_path / "good.jsonl", tmp_path / "bad.jsonl"
    good.write_bytes(encode_line(ROW))
    assert run("check", good)[:2] == (0, "1 annotated articles, 0 findings\n")
    bad.write_bytes(encode_line({**ROW, "activity": ["signings"], "summary": ROW["summary"].replace("12", "13")}) + b"{\n")
    status, out, _ = run("check", good, bad)
    assert status == 1 and out.endswith("2 annotated articles, 5 findings\n")
    for said in (
        f"{bad}:1 zx-1: unknown labels: 'signings' (did you mean 'signing'?)",
        f"{bad}:1 zx-1: summary has figures",
        f"{bad}:2: ",
        "id stands before",
    ):
        assert said in out


def test_check_joins_gold_with_its_articles(run, tmp_path):
    (tmp_path / "gold.jsonl").write_bytes(encode_line({key: ROW[key] for key in ("id", "activity", "industry", "summary", "facts")}))
    (tmp_path / "zx-1.txt").write_text(ROW["text"], "utf-8")
    assert run("check", tmp_path / "gold.jsonl", "--articles", tmp_path)[:2] == (0, "1 annotated articles, 0 findings\n")
    assert run("check", tmp_path / "gold.jsonl")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inspect", "nowhere"], "input does not exist: nowhere"),
        (["clean", "nowhere", "--output", "o.jsonl"], "input does not exist: nowhere"),
        (["check", "nowhere"], "input does not exist: nowhere"),
        (["inspect", "broken.jsonl"], "no article could be read"),
        (["check", "broken.jsonl"], "no annotated article could be read"),
        (["clean", "a.txt", "--output", "o.csv"], "--output must end in .jsonl"),
        (["clean", "a.txt", "--output", "missing/o.jsonl"], "cannot write missing/o.jsonl: No such file"),
        (["clean", "broken.jsonl", "--output", "o.jsonl"], "no article could be read"),
        (["inspect", "a.txt", "--column", "text"], "--column takes field=NAME"),
        (["inspect", "a.txt", "--column", "body=x"], "unknown field 'body'"),
        (["inspect"], "Missing argument"),
        (["inspect", "a.txt", "--nonsense"], "No such option"),
        (["nonsense", "a.txt"], "No such command"),
    ],
)
def test_what_cannot_start_is_status_2_and_a_plain_line(run, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.jsonl").write_text("{broken\n")
    (tmp_path / "a.txt").write_text("签约", "utf-8")
    status, _, err = run(*arguments)
    assert status == 2 and said in err.splitlines()[-1] and "Traceback" not in err
    assert not list(tmp_path.glob("o.*")) and not list(tmp_path.glob(".o*"))


def test_help_names_the_commands(run):
    status, out, _ = run("--help")
    assert status == 0 and all(name in out for name in ("inspect", "clean", "check"))
