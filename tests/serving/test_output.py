"""The files of a run, and that resuming from any state a kill can leave gives the same files."""

import csv
import io
import json
import shutil

import pytest

from data.errors import InputError, RecordError
from data.schema import Article
from models.result import Options
from serving.output import COLUMNS, Journal, ResultWriter, check_resumable, csv_header, errors_path, journal_path, read_journal, to_csv, to_jsonl
from tests.serving.fakes import make_outcome

RUN = {"inputs": [["dump.jsonl", 10, "hash"]], "checkpoint": "c", "options": {}, "columns": {}}
OUTCOMES = [
    RecordError("empty_text", "the text is empty", "dump.jsonl", i, str(i))
    if i % 3 == 2
    else make_outcome(Article(str(i), f"第{i}期，总投资{i}亿元。" * (i + 1)))
    for i in range(8)
]


def write_all(out, outcomes, run=RUN):
    with ResultWriter.create(out, run) as writer:
        for outcome in outcomes:
            writer.write(outcome)
        writer.commit(finished=True)
    return contents(out)


def contents(out):
    return out.read_bytes(), errors_path(out).read_bytes()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
@pytest.mark.parametrize("committed", range(len(OUTCOMES) + 1))
def test_resume_equals_no_interruption_at_every_cut(tmp_path, suffix, committed):
    expected = write_all(tmp_path / f"whole{suffix}", OUTCOMES)
    out = tmp_path / f"cut{suffix}"
    with ResultWriter.create(out, RUN) as writer:
        for outcome in OUTCOMES[:committed]:
            writer.write(outcome)
        if committed:
            writer.commit()
        for outcome in OUTCOMES[committed:]:  # written, never committed
            writer.write(outcome)
    journal = journal_path(out).read_bytes()
    sizes = [path.stat().st_size for path in (out, errors_path(out))]
    noted = read_journal(out)
    cuts = {(noted.output_bytes, noted.errors_bytes), (sizes[0], noted.errors_bytes), (noted.output_bytes, sizes[1]), tuple(sizes)}
    cuts |= {(noted.output_bytes + (sizes[0] - noted.output_bytes) // 2, sizes[1] - (sizes[1] - noted.errors_bytes) // 3)}  # mid-line
    for output_bytes, errors_bytes in cuts:
        copy = tmp_path / f"copy{suffix}"
        shutil.copy(out, copy)
        shutil.copy(errors_path(out), errors_path(copy))
        journal_path(copy).write_bytes(journal)
        for path, size in ((copy, output_bytes), (errors_path(copy), errors_bytes)):
            with path.open("r+b") as file:
                file.truncate(size)
        found = read_journal(copy)
        check_resumable(found, RUN, copy)
        with ResultWriter.resume(copy, found) as writer:
            for outcome in OUTCOMES[found.records :]:
                writer.write(outcome)
            writer.commit(finished=True)
        assert contents(copy) == expected
        assert (read_journal(copy).records, read_journal(copy).errors) == (8, 2)


def test_kill_before_the_first_byte_is_resumable(tmp_path):
    out = tmp_path / "o.csv"
    Journal(RUN).save(journal_path(out))
    out.touch()
    errors_path(out).touch()
    journal = read_journal(out)
    check_resumable(journal, RUN, out)
    with ResultWriter.resume(out, journal) as writer:
        writer.commit(finished=True)
    assert out.read_bytes() == csv_header()


def test_create_replaces_what_was_there(tmp_path):
    out = tmp_path / "o.jsonl"
    write_all(out, OUTCOMES)
    assert write_all(out, OUTCOMES[:1]) == (to_jsonl(OUTCOMES[0]), b"")


@pytest.mark.parametrize("key", list(RUN))
def test_other_run_is_not_resumed(tmp_path, key):
    out = tmp_path / "o.jsonl"
    write_all(out, OUTCOMES)
    with pytest.raises(InputError, match=key):
        check_resumable(read_journal(out), RUN | {key: "other"}, out)


@pytest.mark.parametrize("path", [lambda out: out, errors_path])
@pytest.mark.parametrize("damage", ["missing", "shorter"])
def test_damaged_files_are_not_resumed(tmp_path, path, damage):
    out = tmp_path / "o.jsonl"
    write_all(out, OUTCOMES)
    if damage == "missing":
        path(out).unlink()
    else:
        path(out).write_bytes(path(out).read_bytes()[:-1])
    with pytest.raises(InputError, match="missing or shorter"):
        check_resumable(read_journal(out), RUN, out)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 99, "run": {}}', b'{"version": 1, "run": {}, "more": 1}'])
def test_broken_journal_is_refused(tmp_path, content):
    journal_path(tmp_path / "o.jsonl").write_bytes(content)
    with pytest.raises(InputError, match="start again with --overwrite"):
        read_journal(tmp_path / "o.jsonl")


def test_two_runs_do_not_write_one_output(tmp_path):
    out = tmp_path / "o.jsonl"
    with ResultWriter.create(out, RUN), pytest.raises(InputError, match="another run"):
        ResultWriter.create(out, RUN)


def test_error_lines_hold_what_the_contract_says(tmp_path):
    out = tmp_path / "o.jsonl"
    write_all(out, [RecordError("bad_encoding", "lone \ud800", "坏.jsonl", 3, "x\udcff")])
    assert json.loads(errors_path(out).read_text("utf-8")) == {
        "source": "坏.jsonl", "line": 3, "id": "x\ufffd", "code": "bad_encoding", "message": "lone \ufffd",
    }  # fmt: skip


def test_result_that_json_cannot_hold_becomes_an_error(tmp_path):
    out = tmp_path / "o.jsonl"
    output, errors = write_all(out, [make_outcome(Article("1", "\ud800")), OUTCOMES[0]])
    assert json.loads(errors)["code"] == "model_failed"
    assert output == to_jsonl(OUTCOMES[0])


def read_csv(*outcomes):
    return list(csv.DictReader(io.StringIO((csv_header() + b"".join(map(to_csv, outcomes))).decode("utf-8-sig"), newline="")))


def test_csv_holds_the_result(tmp_path):
    text = "青屏市与海岳装备签约，总投资46亿元。疑"
    (row,) = read_csv(make_outcome(Article('a,\n"b"', text)))
    assert tuple(row) == COLUMNS
    assert row["id"] == 'a,\n"b"'
    assert (row["activity"], row["activity_names"], row["activity_probs"], row["industry"]) == ("signing", "项目签约", "0.875", "")
    assert (row["signed_projects"], row["signed_amount"], row["total_projects"]) == ("1", "46.5", "")
    assert json.loads(row["mentions"])[0]["text"] == "46亿元"
    assert (row["review_needed"], row["review_reasons"], row["classifier"], row["probs"], row["text"]) == ("true", "low_confidence", "fake@1", "", "")


def test_csv_holds_what_was_asked_for_and_nothing_else():
    article = Article("1", "签约", text_extracted=True)
    labels, summary = read_csv(
        make_outcome(article, Options(summary=False, probs="all", evidence=True)), make_outcome(article, Options(labels=False))
    )
    assert (labels["summary"], labels["mentions"], labels["text"]) == ("", "", "签约")
    assert json.loads(labels["probs"]) == {"activity": {"signing": 0.875}, "industry": {}}
    assert json.loads(labels["evidence"])["activity/signing"]["text"] == "签约"
    assert (summary["activity"], summary["evidence"]) == ("", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0"])
def test_csv_cells_are_no_formulas(start):
    (row,) = read_csv(make_outcome(Article(f"{start}1+1", "签约")))
    assert row["id"] == f"'{start}1+1"
    assert row["summary"].startswith("'=")  # the fake's summaries begin with an equals sign
