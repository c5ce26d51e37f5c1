"""``python -m serving score | run`` with a small predictor: exit statuses, files, last lines."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.errors import CheckpointRefused
from serving import __main__ as command
from serving.output import ResultWriter, errors_path, journal_path, read_journal
from tests.serving.fakes import POISON, FakePredictor

ROOT = Path(__file__).resolve().parents[2]
GOOD = [{"id": f"g{i}", "text": f"第{i}个项目在云岭开发区签约，总投资{i}亿元。"} for i in range(1, 6)]
BAD = [{"id": "empty", "text": " "}, {"id": "poison", "text": POISON}]


# The command with the small predictor, in a process that kills itself (as kill -9 does) after its Nth record.
KILLED = """
import os, signal, sys
from serving import __main__ as command, scorejob
from serving.output import ResultWriter
from tests.serving.fakes import FakePredictor

scorejob.COMMIT_EVERY_S = -1.0
command.load_predictor = lambda *_: FakePredictor()
write, last = ResultWriter.write, int(sys.argv.pop(1))

def write_or_die(self, outcome):
    write(self, outcome)
    if self.journal.records == last:
        os.kill(os.getpid(), signal.SIGKILL)

ResultWriter.write = write_or_die
command.app()
"""


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """Every score command of this module loads the same small predictor."""
    predictor = FakePredictor()
    monkeypatch.setattr(command, "load_predictor", lambda checkpoint, device, threads: predictor)
    return predictor


def dump(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def score(*arguments):
    return CliRunner().invoke(command.app, ["score", *map(str, arguments)])


def last_line(result):
    return result.stderr.rstrip("\n").split("\n")[-1]


def ids(path):
    return [json.loads(line)["id"] for line in path.read_text("utf-8").splitlines()]


def test_all_scored_is_0(tmp_path):
    out = tmp_path / "new" / "out.jsonl"
    result = score(dump(tmp_path / "in.jsonl", GOOD), "--output", out)
    assert result.exit_code == 0, result.output
    assert ids(out) == [row["id"] for row in GOOD]
    assert errors_path(out).read_bytes() == b""
    assert "5 of 5 records scored" in last_line(result)


def test_errors_are_1_and_in_the_error_file(tmp_path):
    out = tmp_path / "out.jsonl"
    source = dump(tmp_path / "in.jsonl", [GOOD[0], *BAD, GOOD[1]])
    result = score(source, "--output", out)
    assert result.exit_code == 1
    assert ids(out) == ["g1", "g2"]
    errors = [json.loads(line) for line in errors_path(out).read_text("utf-8").splitlines()]
    assert [(row["source"], row["line"], row["id"], row["code"]) for row in errors] == [
        (str(source), 2, "empty", "empty_text"),
        (str(source), 3, "poison", "model_failed"),
    ]
    assert "2 errors" in last_line(result)


def test_csv_is_written_by_its_suffix(tmp_path):
    out = tmp_path / "out.csv"
    assert score(dump(tmp_path / "in.jsonl", GOOD), "--output", out).exit_code == 0
    assert out.read_bytes().startswith(b"\xef\xbb\xbfid,activity,")
    assert len(out.read_text("utf-8-sig").splitlines()) == 6


def test_columns_and_options_are_passed_on(tmp_path):
    source = dump(tmp_path / "in.jsonl", [{"id": "1", "报道": "云岭开发区签约，总投资5亿元。"}])
    out = tmp_path / "out.jsonl"
    result = score(source, "--output", out, "--column", "text=报道", "--probs", "all", "--evidence", "--summaries", "none", "--engine", "local")
    assert result.exit_code == 0, result.output
    row = json.loads(out.read_text("utf-8"))
    assert "probs" in row and "evidence" in row["activity"][0] and "summary" not in row


def test_table_goes_to_stdout(tmp_path):
    result = score(dump(tmp_path / "in.jsonl", [*GOOD, BAD[0]]), "--output", tmp_path / "out.jsonl", "--table")
    assert result.stdout.count("项目签约") == 5
    assert "empty_text" in result.stdout
    assert "签约金额 46.5 亿元" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["no-such.jsonl", "--output", "out.jsonl"], "no-such.jsonl"),
        (["empty", "--output", "out.jsonl"], "no articles in"),
        (["none*.jsonl", "--output", "out.jsonl"], "none\\*.jsonl"),
        (["in.jsonl", "--output", "out.parquet"], r"writes \.jsonl, \.csv"),
        (["in.jsonl", "--output", "out"], r"writes \.jsonl, \.csv"),
        (["in.jsonl", "--output", "in.jsonl"], "overwrite the input"),
        (["*.jsonl", "--output", "in.jsonl"], "overwrite the input"),
        (["in.jsonl", "--output", "folder.jsonl"], "is a folder"),
        (["in.jsonl", "--output", "in.jsonl/out.jsonl"], "in.jsonl"),
        (["in.jsonl", "--output", "out.jsonl", "--column", "text"], "FIELD=NAME"),
        (["in.jsonl", "--output", "out.jsonl", "--column", "txet=a"], "txet"),
        (["in.jsonl", "--output", "out.jsonl", "--device", "tpu"], "tpu"),
        (["in.jsonl", "--output", "out.jsonl", "--engine", "ray"], "ray"),
        (["in.jsonl", "--output", "out.jsonl", "--summaries", "some"], "some"),
        (["in.jsonl"], "--output"),
        (["--output", "out.jsonl"], "INPUT"),
    ],
)
def test_wrong_usage_is_2_and_its_last_line_says_why(tmp_path, arguments, reason):
    dump(tmp_path / "in.jsonl", GOOD)
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.jsonl").mkdir()
    result = score(*arguments)
    assert result.exit_code == 2, result.output
    assert re.search(reason, last_line(result)), result.stderr
    assert "Traceback" not in result.stderr
    assert ids(tmp_path / "in.jsonl") == [row["id"] for row in GOOD]


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", ""), ("a.jsonl", "\n \n"), ("a.json", "[]"), ("a.csv", ""), ("a.csv", "id,text\n")])
def test_input_without_a_record_is_2_before_the_models_are_loaded(tmp_path, monkeypatch, name, content):
    monkeypatch.setattr(command, "load_predictor", lambda *_: pytest.fail("loaded"))
    (tmp_path / name).write_text(content, "utf-8")
    result = score(name, "--output", "out.jsonl")
    assert result.exit_code == 2
    assert f"no articles in {name}" in last_line(result)
    assert not (tmp_path / "out.jsonl").exists()


def test_empty_file_beside_others_costs_nothing(tmp_path):
    (tmp_path / "a.jsonl").touch()
    assert score("a.jsonl", dump(tmp_path / "b.jsonl", GOOD), "--output", "out.csv").exit_code == 0


def test_refused_checkpoint_is_2(tmp_path, monkeypatch):
    def refuse(checkpoint, device, threads):
        raise CheckpointRefused(f"{checkpoint}: model.safetensors has changed")

    monkeypatch.setattr(command, "load_predictor", refuse)
    result = score(dump(tmp_path / "in.jsonl", GOOD), "--output", tmp_path / "out.jsonl", "--checkpoint", "models/mine")
    assert (result.exit_code, last_line(result)) == (2, "error: models/mine: model.safetensors has changed")
    assert not (tmp_path / "out.jsonl").exists()


def test_full_disk_is_2_and_can_be_resumed(tmp_path, monkeypatch):
    source, out = dump(tmp_path / "in.jsonl", GOOD), tmp_path / "out.jsonl"
    real = ResultWriter.write

    def fail_at_third(self, outcome):
        if self.journal.records == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, outcome)

    with monkeypatch.context() as patch:
        patch.setattr(ResultWriter, "write", fail_at_third)
        result = score(source, "--output", out)
    assert result.exit_code == 2
    assert "disk is full" in last_line(result)
    assert score(source, "--output", out, "--resume").exit_code == 0
    assert ids(out) == [row["id"] for row in GOOD]


def test_file_that_cannot_grow_is_2_and_can_be_resumed(tmp_path):
    source, out, whole = dump(tmp_path / "in.jsonl", GOOD), tmp_path / "out.jsonl", tmp_path / "whole.jsonl"
    assert score(source, "--output", whole).exit_code == 0
    limit = whole.stat().st_size * 2 // 3
    program = KILLED.replace("sys.argv.pop(1)", "-1")
    program = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n" + program
    result = subprocess.run(
        [sys.executable, "-c", program, "score", str(source), "--output", str(out)], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert result.returncode == 2
    assert "File too large" in last_line(result)
    assert 0 < read_journal(out).records < len(GOOD)
    assert score(source, "--output", out, "--resume").exit_code == 0
    assert out.read_bytes() == whole.read_bytes()


def test_error_file_that_cannot_be_written_is_2(tmp_path):
    out = tmp_path / "out.jsonl"
    errors_path(out).mkdir()
    result = score(dump(tmp_path / "in.jsonl", BAD), "--output", out)
    assert result.exit_code == 2
    assert "errors.jsonl" in last_line(result)


def test_unexpected_failure_is_2_not_1(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "load_predictor", lambda *_: 1 / 0)
    result = score(dump(tmp_path / "in.jsonl", GOOD), "--output", tmp_path / "out.jsonl")
    assert (result.exit_code, last_line(result)) == (2, "error: unexpected ZeroDivisionError: division by zero")


# Resuming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "killed_at"), [(".jsonl", 1), (".jsonl", 14), (".csv", 7), (".csv", 20)])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, monkeypatch, loaded, suffix, killed_at):
    rows = [{"id": f"{i}", "text": (" " if i % 4 == 1 else f"第{i}个项目签约。")} for i in range(20)]
    source = dump(tmp_path / "in.jsonl", rows)
    whole, out = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    assert score(source, "--output", whole).exit_code == 1
    command_line = [sys.executable, "-c", KILLED, str(killed_at), "score", str(source), "--output", str(out)]
    assert subprocess.run(command_line, cwd=ROOT, capture_output=True, check=False).returncode == -9
    assert read_journal(out).records == killed_at - 1
    loaded.batches.clear()
    refused = score(source, "--output", out)
    assert refused.exit_code == 2 and "--resume" in last_line(refused) and not loaded.batches
    assert score(source, "--output", out, "--resume").exit_code == 1
    assert out.read_bytes() == whole.read_bytes()
    assert errors_path(out).read_bytes() == errors_path(whole).read_bytes()
    scored = {id for batch in loaded.batches for id in batch}
    assert not scored & {f"{i}" for i in range(killed_at - 1)}  # nothing is scored twice
    again = score(source, "--output", out, "--resume")  # finished: nothing to do, same status
    assert again.exit_code == 1 and "15 of 20 records scored" in last_line(again)


def unfinished(tmp_path, monkeypatch):
    source, out = dump(tmp_path / "in.jsonl", GOOD), tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("serving.scorejob.score_articles", lambda *_: iter([None]))
        assert score(source, "--output", out).exit_code == 2
    assert read_journal(out).finished is False
    return source, out


@pytest.mark.parametrize("change", ["input", "checkpoint", "options", "columns"])
def test_resume_with_something_else_is_refused(tmp_path, monkeypatch, loaded, change):
    source, out = unfinished(tmp_path, monkeypatch)
    more = {"options": ["--probs", "all"], "columns": ["--column", "title=text"]}.get(change, [])
    if change == "input":
        dump(source, [*GOOD, *GOOD[:1]])
    if change == "checkpoint":
        loaded.version = "2"
    result = score(source, "--output", out, "--resume", *more)
    assert result.exit_code == 2
    assert f"{change}{'s' if change == 'input' else ''} changed" in last_line(result)


def test_overwrite_starts_again(tmp_path, monkeypatch):
    source, out = unfinished(tmp_path, monkeypatch)
    dump(source, GOOD[:2])
    assert score(source, "--output", out, "--overwrite").exit_code == 0
    assert ids(out) == ["g1", "g2"]


def test_finished_output_is_replaced_and_resume_without_a_run_starts_one(tmp_path):
    source, out = dump(tmp_path / "in.jsonl", GOOD), tmp_path / "out.jsonl"
    assert score(source, "--output", out, "--resume").exit_code == 0
    dump(source, GOOD[:1])
    assert score(source, "--output", out).exit_code == 0
    assert ids(out) == ["g1"]
    journal_path(out).unlink()
    refused = score(source, "--output", out, "--resume")
    assert refused.exit_code == 2 and "no journal" in last_line(refused)


@pytest.mark.parametrize("resume", [[], ["--resume"]])
@pytest.mark.parametrize("name", ["notes.csv", "notes.csv.errors.jsonl"])
def test_files_of_others_are_replaced_only_on_demand(tmp_path, loaded, name, resume):
    source, notes = dump(tmp_path / "in.jsonl", GOOD), tmp_path / name
    notes.write_text("my own notes\n", "utf-8")
    refused = score(source, "--output", "notes.csv", *resume)
    assert refused.exit_code == 2
    assert f"{name} has no journal" in last_line(refused) and "--overwrite" in last_line(refused)
    assert notes.read_text("utf-8") == "my own notes\n" and not loaded.batches
    assert [path.name for path in tmp_path.iterdir() if path != source] == [name]
    assert score(source, "--output", "notes.csv", "--overwrite").exit_code == 0
    assert "my own notes" not in notes.read_text("utf-8-sig")


@pytest.mark.parametrize("resume", [[], ["--resume"]])
def test_empty_output_holds_nothing_to_lose(tmp_path, resume):
    (tmp_path / "out.jsonl").touch()
    assert score(dump(tmp_path / "in.jsonl", GOOD), "--output", "out.jsonl", *resume).exit_code == 0
    assert len(ids(tmp_path / "out.jsonl")) == 5


# The server command ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        (["--host", "0.0.0.0"], {}, "without API keys"),
        ([], {"ZHAOSHANG_HOST": "::"}, "without API keys"),
        ([], {"ZHAOSHANG_PORT": "many"}, "ZHAOSHANG_PORT"),
        (["--port", "70000"], {}, "ZHAOSHANG_PORT"),
        (["--host", "203.0.113.7"], {"ZHAOSHANG_API_KEYS": "k"}, "cannot listen on 203.0.113.7"),
        (["--device", "tpu"], {}, "tpu"),
        (["--port", "0", "--checkpoint", "no-such-folder"], {}, "no-such-folder"),
    ],
)
def test_server_that_cannot_start_is_2(monkeypatch, arguments, environment, reason):
    def refuse(checkpoint, device, threads):
        raise CheckpointRefused(f"{checkpoint}: no checkpoint here")

    monkeypatch.setattr("serving.app.load_predictor", refuse)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(command.app, ["run", *arguments])
    assert result.exit_code == 2, result.output
    assert reason in last_line(result)
    assert "Traceback" not in result.stderr


def test_help_and_usage_errors_need_no_torch():
    program = "import sys; sys.argv[1:] = ['score', '--help']\ntry:\n import runpy; runpy.run_module('serving', run_name='__main__')\n"
    program += "finally:\n sys.exit(9 if 'torch' in sys.modules or 'transformers' in sys.modules else 0)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False).returncode == 0
