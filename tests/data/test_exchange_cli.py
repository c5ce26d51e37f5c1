"""``annotations import | export | agreement`` as users run it: what is printed and written, and the exit statuses."""

import json

import pytest
from typer.testing import CliRunner

from data.annotations import read_checked, write_examples
from data.exchange_cli import app
from data.labelstudio import labelling_config
from data.mentions import KEYS
from data.schema import content_hash
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


def test_an_annotation_that_is_left_out_is_counted_with_exit_status_1(run, ours, tmp_path):
    with ours.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": "half", "text": "一篇。", "activity": "signing"}) + "\n")
    status, out, _ = run("export", ours, "--output", tmp_path / "a.json", "--format", "labelstudio")
    assert status == 1 and "findings about annotations, in the log: 2" in out.splitlines()
    assert "annotations" not in json.loads((tmp_path / "a.json").read_text("utf-8"))[-1]


def test_results_of_no_article_are_named_with_exit_status_1(run, ours, tmp_path):
    results = write_jsonl(
        tmp_path / "results.jsonl", [result_of(EXAMPLES[0]), {**result_of(EXAMPLES[1]), "id": "b"}, {**result_of(EXAMPLES[1]), "id": "a"}]
    )
    status, out, _ = run("export", ours, "--output", tmp_path / "a.csv", "--format", "csv", "--predictions", results)
    assert status == 1 and "results whose id no article has: 2 (a, b)" in out.splitlines()


def figure_rows():
    """Return annotated figures of the first and the second example, and of an article that no file has."""
    text = EXAMPLES[0].article.text
    rest = {"max": None, "qualifier": "exact", "scope": "batch", "status": "signed"}
    amount = {
        "start": text.index("52"),
        "end": text.index("。😀"),
        "kind": "amount",
        "value": "5250000000",
        "unit": "CNY",
        "role": "investment",
        **rest,
    }
    count = {"start": text.index("14"), "end": text.index("项目"), "kind": "count", "value": "14", "unit": "个", "role": None, **rest}
    good = {"id": "jz-01", "text_sha256": content_hash(text), "mentions": [{key: row[key] for key in KEYS} for row in (count, amount)]}
    return [good, {**good, "id": "jz-02"}, {**good, "id": "nobody"}]


def test_figures_go_out_to_label_studio_and_come_back(run, ours, tmp_path):
    rows = figure_rows()[:1]
    figures = write_jsonl(tmp_path / "figures.jsonl", rows)
    status, _, err = run("export", ours, "--output", tmp_path / "a.json", "--format", "labelstudio", "--mentions", figures)
    assert (status, err) == (0, "")
    status, out, _ = run("import", tmp_path / "a.json", "--output", tmp_path / "back.jsonl", "--mentions", tmp_path / "figures-back.jsonl")
    assert status == 0 and f"wrote 2 figures of 1 articles to {tmp_path / 'figures-back.jsonl'}" in out.splitlines()
    assert [json.loads(line) for line in (tmp_path / "figures-back.jsonl").read_text("utf-8").splitlines()] == rows
    assert bare(read_checked([tmp_path / "back.jsonl"])[0]) == EXAMPLES


def test_figures_that_fit_no_article_are_counted_with_exit_status_1(run, ours, tmp_path):
    rows = figure_rows()
    rows.append({**rows[0], "id": "jz-03", "mentions": [{**rows[0]["mentions"][0], "unit": 3}]})
    figures = write_jsonl(tmp_path / "figures.jsonl", rows)
    status, out, _ = run("export", ours, "--output", tmp_path / "a.json", "--format", "labelstudio", "--mentions", figures)
    assert status == 1
    assert {
        "figures of jz-02 left out: text_sha256 is not that of the text",
        "annotated figures whose id no article has: 1 (nobody)",
    } <= set(out.splitlines())
    assert any(line.startswith("figures of jz-03 left out: mention 0: unit must be a string") for line in out.splitlines())
    tasks = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert [sum("labels" in item["value"] for item in task["annotations"][0]["result"]) for task in tasks[:3]] == [2, 0, 0]


def test_a_figure_without_its_value_is_a_finding_of_the_import(run, tmp_path):
    rows = [{"id": "x", "text": "签下3个项目。", "label": ["signing", [2, 4, "count/-/batch/signed"]]}]
    arguments = ["--output", tmp_path / "out.jsonl", "--mentions", tmp_path / "figures.jsonl"]
    status, out, _ = run("import", write_jsonl(tmp_path / "a.jsonl", rows), *arguments)
    assert (status, (tmp_path / "figures.jsonl").read_text("utf-8")) == (1, "")
    assert "x: figure '3个' at 2 left out: it has no value and no unit and no qualifier" in out.splitlines()
    assert out.splitlines()[-1].endswith("1 findings, 0 conflicts")


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
        (["export", "ours.jsonl", "--output", "out.csv", "--format", "csv", "--mentions", "ours.jsonl"], "--mentions is for --format labelstudio"),
        (["export", "ours.jsonl", "--output", "o.json", "--format", "labelstudio", "--config", "./o.json"], "o.json is given for two outputs"),
        (["export", "ours.jsonl", "--output", "o.json", "--format", "labelstudio", "--config", "ours.jsonl"], "ours.jsonl is also an input"),
        (["import", "ours.jsonl", "--output", "out.jsonl", "--mentions", "out.jsonl"], "out.jsonl is given for two outputs"),
        (["import", "ours.jsonl", "--output", "out.jsonl", "--mentions", "out.json"], "--mentions must end in .jsonl"),
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
