"""``annotations import | export | agreement`` as users run it: what is printed and written, and the exit statuses."""

import json

import pytest
from typer.testing import CliRunner

from data.annotations import read_checked, write_examples
from data.exchange_cli import app
from data.labelstudio import labelling_config
from tests.data.annotated_articles import EXAMPLES, accept_predictions, bare, result_of, write_json, write_jsonl


@pytest.fixture
def run():
    """Run a command; return (exit status, stdout, stderr)."""

    def run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def ours(tmp_path):
    write_examples(EXAMPLES, tmp_path / "ours.jsonl")
    return tmp_path / "ours.jsonl"


@pytest.mark.parametrize(("format", "name"), [("csv", "a.csv"), ("xlsx", "a.xlsx"), ("doccano", "a.jsonl"), ("labelstudio", "a.json")])
def test_out_and_in_again(run, ours, tmp_path, format, name):
    status, out, err = run("export", ours, "--output", tmp_path / name, "--format", format)
    assert (status, out.splitlines()[-1], err) == (0, f"wrote 10 articles to {tmp_path / name}", "")
    status, out, err = run("import", tmp_path / name, "--output", tmp_path / "back.jsonl")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == f"wrote 10 annotated articles to {tmp_path / 'back.jsonl'}; 0 findings, 0 conflicts"
    assert bare(read_checked([tmp_path / "back.jsonl"])[0]) == EXAMPLES


def test_predictions_and_the_interface_are_written(run, tmp_path):
    articles = write_jsonl(tmp_path / "articles.jsonl", [{"id": e.article.id, "text": e.article.text} for e in EXAMPLES])
    results = write_jsonl(tmp_path / "results.jsonl", [result_of(example) for example in EXAMPLES[:9]])
    arguments = ["--format", "labelstudio", "--predictions", results, "--config", tmp_path / "config.xml"]
    status, out, _ = run("export", articles, "--output", tmp_path / "tasks.json", *arguments)
    assert (status, out.splitlines()[-1]) == (0, f"wrote the labelling interface to {tmp_path / 'config.xml'}")
    assert (tmp_path / "config.xml").read_text("utf-8") == labelling_config()
    tasks = json.loads((tmp_path / "tasks.json").read_text("utf-8"))
    assert [len(task.get("predictions", [])) for task in tasks] == [1] * 9 + [0]
    accepted = write_json(tmp_path / "accepted.json", accept_predictions(tasks[:9]))
    assert run("import", accepted, "--output", tmp_path / "back.jsonl")[0] == 0
    assert [e.annotation for e in read_checked([tmp_path / "back.jsonl"])[0]] == [e.annotation for e in EXAMPLES[:9]]


def test_articles_and_columns_are_passed_on(run, ours, tmp_path):
    (tmp_path / "labels.csv").write_text("编号,类\njz-04,other\n", "utf-8")
    arguments = ["--articles", ours, "--column", "activity=类", "--format", "csv"]
    assert run("import", tmp_path / "labels.csv", "--output", tmp_path / "out.jsonl", *arguments)[0] == 0
    (found,) = read_checked([tmp_path / "out.jsonl"])[0]
    assert (found.article.text, found.annotation.activity) == (EXAMPLES[3].article.text, ("other",))


def test_findings_and_conflicts_are_lines_and_exit_status_1(run, tmp_path):
    one = write_jsonl(tmp_path / "one.jsonl", [{"id": "x", "text": "一篇。", "label": ["signing", "food"]}, {"id": "y", "label": ["food"]}])
    two = write_jsonl(tmp_path / "two.jsonl", [{"id": "x", "text": "一篇。", "label": ["signing"]}])
    status, out, _ = run("import", one, two, "--output", tmp_path / "out.jsonl")
    assert status == 1
    assert "conflict: x industry/food: one: yes, two: no (kept: yes)" in out.splitlines()
    assert "y: left out: it has no text (name its articles with --articles)" in out.splitlines()
    assert out.splitlines()[-1].endswith("1 findings, 1 conflicts")
    assert len(read_checked([tmp_path / "out.jsonl"])[0]) == 1


def test_broken_records_are_skipped_with_exit_status_1(run, ours, tmp_path):
    with ours.open("ab") as file:
        file.write(b"{broken\n")
    status = run("export", ours, "--output", tmp_path / "a.csv", "--format", "csv")[0]
    assert status == 1 and len((tmp_path / "a.csv").read_bytes().split(b"\r\njz-")) == 11


def test_agreement_prints_a_table_or_json(run, ours, tmp_path):
    rows = [json.loads(line) for line in ours.read_text("utf-8").splitlines()]
    for row in rows:
        del row["text"], row["title"]
    rows[0]["activity"] = ["business_talks", "signing"]
    rows[5]["industry"] = []
    (tmp_path / "second").mkdir()
    write_jsonl(tmp_path / "second" / "a.jsonl", rows[:6])
    write_jsonl(tmp_path / "second" / "b.jsonl", rows[6:])
    status, out, err = run("agreement", ours, tmp_path / "second")
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[:2] == ["articles of both: 10 (only first 0, only second 0)", "main activity: 0.900"]
    assert "conflict: jz-01 main: first: signing, second: business_talks" in lines
    assert lines[-1] == "2 conflicts"
    status, out, _ = run("agreement", ours, tmp_path / "second", "--json")
    found = json.loads(out)
    assert (status, found["main_accuracy"], found["activity"]["exact_sets"]) == (0, 0.9, 1.0)
    assert found["conflicts"] == [
        {"id": "jz-01", "field": "main", "first": "signing", "second": "business_talks"},
        {"id": "jz-06", "field": "industry/electronics", "first": "yes", "second": "no"},
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "none.csv", "--output", "out.jsonl"], "input does not exist: none.csv"),
        (["import", "ours.jsonl", "--output", "out.csv"], "--output must end in .jsonl"),
        (["import", "ours.jsonl", "--output", "ours.jsonl"], "ours.jsonl is also an input"),
        (["import", "ours.jsonl", "--output", "none/out.jsonl"], "there is no folder none"),
        (["import", "ours.jsonl", "--output", "out.jsonl", "--column", "text"], "--column takes field=NAME"),
        (["import", "unknown.jsonl", "--output", "out.jsonl"], "'signings' 1 times (did you mean 'signing'?)"),
        (["import", "empty.jsonl", "--output", "out.jsonl"], "no annotated article could be read"),
        (["import", "ours.jsonl", "--output", "out.jsonl", "--format", "word"], "--format"),
        (["export", "ours.jsonl", "--output", "out.csv", "--format", "csv", "--config", "c.xml"], "--config is for --format labelstudio"),
        (["export", "ours.jsonl", "--output", "out.csv", "--format", "csv", "--predictions", "unknown.jsonl"], "holds no results"),
        (["export", "empty.jsonl", "--output", "out.csv", "--format", "csv"], "no article could be read"),
        (["agreement", "ours.jsonl", "apart.jsonl"], "share no id"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_status_2(run, ours, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "unknown.jsonl", [{"id": "x", "text": "一篇。", "label": ["signings"]}])
    write_jsonl(tmp_path / "apart.jsonl", [{"id": "apart", "activity": ["other"], "industry": [], "facts": {}}])
    (tmp_path / "empty.jsonl").write_text("\n")
    before = {path.name for path in tmp_path.iterdir()}
    status, _, err = run(*arguments)
    assert (status, said in err) == (2, True), err
    assert {path.name for path in tmp_path.iterdir()} == before
