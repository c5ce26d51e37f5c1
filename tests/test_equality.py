"""The contract's equality on the seeds: ``score`` and ``POST /v1/analyze`` give the same object."""

import json

import pytest

from data.clean import clean_text
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from serving.app import create_app
from serving.settings import Settings

pytestmark = pytest.mark.slow


def without_probs(row):
    return {key: [entry["label"] for entry in value] if key in ("activity", "industry") else value for key, value in row.items()}


def test_seeds_are_equal_by_score_and_by_api(shared, tmp_path):
    import subprocess
    import sys

    from starlette.testclient import TestClient

    out = tmp_path / "seeds.jsonl"
    inputs = [str(path) for path in sorted((shared / "seeds").glob("*.txt"))]
    done = subprocess.run(
        [sys.executable, "-m", "serving", "score", *inputs, "--output", str(out)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    scored = {row["id"]: row for row in map(json.loads, out.read_text("utf-8").splitlines())}
    texts = {path.stem: path.read_text("utf-8") for path in (shared / "seeds").glob("*.txt")}
    assert set(scored) == set(texts)

    with TestClient(create_app(Settings(), Predictor.load(DEFAULT_CHECKPOINT, "cpu"))) as client:
        documents = [{"id": key, "text": text} for key, text in texts.items()]
        answered = {row["id"]: row for row in client.post("/v1/analyze", json={"documents": documents}).json()["results"]}

    for key, text in texts.items():
        assert without_probs(answered[key]) == without_probs(scored[key])
        for group in ("activity", "industry"):
            for one, two in zip(answered[key][group], scored[key][group], strict=True):
                assert one["prob"] == pytest.approx(two["prob"], abs=1e-4)
        for mention in answered[key]["outcomes"]["mentions"]:
            assert mention["text"] == text[mention["start"] : mention["end"]]
        assert "ā" not in clean_text(text).text
        assert answered[key]["summary"]["ungrounded"] == []
