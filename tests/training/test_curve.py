"""The learning curve and the audit on a small corpus: nested parts, nothing measured is trained on."""

import itertools
import json
import random

import pytest

from data.encodings import encode_line
from data.errors import InputError
from data.prepare import prepare, write_prepared
from tests.corpora import text_of
from tests.training.test_finetune import TEXTS
from training import curve
from training.audit import compare_summaries, tell_apart
from training.config import CurveConfig
from training.curve import curve_table, run_curve

FACTS = dict.fromkeys(("signed_projects", "signed_amount", "total_projects", "total_amount"))


@pytest.fixture
def processed(tmp_path):
    """Prepared data with 40 real and 16 written articles to train on, and 8 in each other split."""
    folder = tmp_path / "annotations"
    for name, numbers in (("real", range(64)), ("authored", range(100, 116))):
        (folder / name).mkdir(parents=True)
        rows = []
        for i in numbers:
            activity, industry, text, summary = TEXTS[i % 4]
            rows.append(
                {"id": f"{name}-{i}", "title": None, "text": text.format(n=i + 2) + text_of(i), "activity": [activity], "industry": [industry]}
            )
            rows[-1] |= {"summary": summary.format(n=i + 2), "facts": FACTS}
        (folder / name / "a.jsonl").write_bytes(b"".join(map(encode_line, rows)))
    listed = {name: [f"real-{i}" for i in range(first, first + 8)] for name, first in (("development", 40), ("calibration", 48), ("test", 56))}
    (folder / "splits.json").write_text(json.dumps(listed))
    write_prepared(prepare(folder), tmp_path / "processed")
    return tmp_path / "processed"


def test_parts_are_nested_and_measured_articles_are_never_trained_on(processed, monkeypatch):
    seen = []

    def run(system, train, calibration, measured, config):
        seen.append({e.article.id for e in train})
        assert not seen[-1] & {e.article.id for e in (*calibration, *measured)}
        assert len(measured) == 8
        return dict.fromkeys((f"{a}_{b}" for a, b in curve.MEASURED), 0.5)

    monkeypatch.setattr(curve, "_run", run)
    rows = run_curve(CurveConfig(data=str(processed)))
    assert [(row["real"], row["authored"]) for row in rows] == [(10, 0), (10, 16), (20, 0), (20, 16), (30, 0), (30, 16), (40, 0), (40, 16)]
    real = [ids for ids, row in zip(seen, rows, strict=True) if not row["authored"]]
    assert all(a < b for a, b in itertools.pairwise(real))


def test_both_systems_give_rows_and_a_table(processed, tiny_bases, tmp_path):
    config = CurveConfig(
        data=str(processed),
        base=str(tiny_bases["encoder"]),
        real_shares="1",
        epochs=1,
        characters=120,
        max_length=128,
        json=tmp_path / "c.json",
        device="cpu",
    )
    rows = run_curve(config)
    assert [row["system"] for row in rows] == ["tfidf", "model"] * 2
    assert json.loads((tmp_path / "c.json").read_text()) == rows
    assert all(0 <= row["activity_micro_f1"] <= 1 for row in rows)
    assert curve_table(rows).count("\n") == 5


def test_data_without_splits_and_wrong_shares_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(
        encode_line({"id": "x", "text": text_of(1), "activity": ["other"], "industry": [], "summary": "", "facts": FACTS, "origin": "real"})
    )
    with pytest.raises(InputError, match="prepare"):
        run_curve(CurveConfig(data=str(tmp_path / "a.jsonl")))
    with pytest.raises(ValueError, match="real_shares"):
        CurveConfig(real_shares="0.5,2")


def test_texts_of_one_kind_cannot_be_told_apart_and_of_two_can():
    texts = [text_of(i) for i in range(120)]
    marks = [random.Random(i).random() < 0.5 for i in range(120)]
    assert 0.3 < tell_apart(texts, marks) < 0.7
    assert tell_apart([text + "我县，据介绍，" * 3 * mark for text, mark in zip(texts, marks, strict=True)], marks) > 0.95
    with pytest.raises(InputError, match="written"):
        tell_apart(texts, [False] * 120)


def test_two_annotators_summaries_are_compared(tmp_path):
    (tmp_path / "first.jsonl").write_bytes(
        encode_line({"id": "a", "summary": "甲市签约3个项目。"}) + encode_line({"id": "b", "summary": "乙市开工。"})
    )
    (tmp_path / "second.jsonl").write_bytes(encode_line({"id": "a", "summary": "甲市签约3个项目。"}) + encode_line({"id": "c", "summary": "别的。"}))
    found = compare_summaries(tmp_path)
    assert (found["articles"], found["rougeL"]) == (1, 1.0)
    assert compare_summaries(tmp_path / "nowhere") == {"articles": 0}
