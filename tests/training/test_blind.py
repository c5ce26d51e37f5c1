"""Blind comparison: sheets without names, keys apart, counts."""

import json
import random

import pytest

from data.errors import InputError
from tests.training.test_finetune import examples
from training.blind import count_sheet, key_of, make_sheet, write_sheet
from training.config import BlindConfig
from training.evaluation import ModelRun


def filled(tmp_path, answers, n=10):
    some = examples(n)
    rows, key = make_sheet(some, [f"甲{i}" for i in range(n)], [f"乙{i}" for i in range(n)], "lead2", random.Random(1))
    sheet = tmp_path / "sheet.jsonl"
    for row, answer in zip(rows, answers, strict=True):
        mine = key["ours"][row["id"]]
        row["better"] = {"ours": mine, "theirs": "ab".replace(mine, "")}.get(answer, answer)
    sheet.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    key_of(sheet).write_text(json.dumps(key), "utf-8")
    return sheet, rows, key


def test_sides_are_drawn_and_told_in_the_key_alone(tmp_path):
    _, rows, key = filled(tmp_path, ["same"] * 10)
    assert {row["a"][0] for row in rows} == {"甲", "乙"}
    for row in rows:
        assert row[key["ours"][row["id"]]].startswith("甲")
        assert set(row) == {"id", "title", "text", "a", "b", "better", "why"}


def test_pairs_of_one_text_are_left_out():
    some = examples(4)
    rows, key = make_sheet(some, list("甲乙丙丁"), list("甲乙丙子"), "lead2", random.Random(1))
    assert (len(rows), key["same_text"], key["articles"]) == (1, 3, 4)


def test_answers_are_counted_and_same_is_half(tmp_path):
    sheet, *_ = filled(tmp_path, ["ours"] * 6 + ["theirs"] * 2 + ["same"] * 2)
    found = count_sheet(sheet)
    assert (found["ours"], found["theirs"], found["same"], found["preferred"]) == (6, 2, 2, 0.7)
    assert 0 < found["interval"][0] < 0.7 < found["interval"][1] < 1


def test_a_sheet_that_is_not_filled_or_not_of_this_key_is_refused(tmp_path):
    sheet, rows, _ = filled(tmp_path, ["ours"] * 9 + [""])
    with pytest.raises(InputError, match=rows[-1]["id"]):
        count_sheet(sheet)
    sheet.write_text(json.dumps(rows[0], ensure_ascii=False) + "\n", "utf-8")
    with pytest.raises(InputError, match="not those of"):
        count_sheet(sheet)


def test_a_sheet_is_written_for_articles_of_the_domain(tmp_path, monkeypatch):
    some = examples(20)
    wanted = [e for e in some if e.annotation.summary and e.annotation.activity != ("other",)]
    monkeypatch.setattr("training.blind.load_examples", lambda data: some)
    monkeypatch.setattr("training.blind.Predictor.load", lambda checkpoint, device: None)
    monkeypatch.setattr("training.blind.run_model", lambda predictor, chosen: ModelRun([InputError("none")] * len(chosen), 0.0))
    n = write_sheet(BlindConfig(data=tmp_path, output=tmp_path / "out" / "s.jsonl", articles=1000))
    rows = [json.loads(line) for line in (tmp_path / "out" / "s.jsonl").read_text("utf-8").splitlines()]
    assert n == len(rows) == len(wanted)
    with pytest.raises(InputError, match="no annotated article"):
        monkeypatch.setattr("training.blind.load_examples", lambda data: [])
        write_sheet(BlindConfig(data=tmp_path, output=tmp_path / "s.jsonl"))


def test_wrong_fields_are_told_together():
    with pytest.raises(ValueError, match=r"against.*tfidf.*articles must be above 0"):
        BlindConfig(against="tfidf", articles=0)
