import dataclasses
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.conftest import ROOT
from training.config import FinetuneConfig, PretrainConfig, named_config, options_from, read_config, to_json

RUNNER = CliRunner()


def command_of(config_type, **fixed):
    seen = []
    app = typer.Typer()
    app.command()(options_from(config_type, **fixed)(seen.append))
    return app, seen


def test_flags_become_fields_with_their_types():
    app, seen = command_of(FinetuneConfig, kind="classifier")
    result = RUNNER.invoke(app, ["--base", "b", "--output", "o", "--epochs", "3", "--lr", "0.001"])
    assert result.exit_code == 0, result.output
    assert seen == [FinetuneConfig(base="b", output=Path("o"), kind="classifier", epochs=3, lr=0.001)]


def test_a_saved_config_repeats_the_run_and_flags_win(tmp_path):
    config = FinetuneConfig(base="b", output=Path("o"), corpora=Path("c"), epochs=3)
    saved = tmp_path / "config.json"
    saved.write_text(json.dumps(to_json(config)))
    app, seen = command_of(FinetuneConfig, kind="classifier")
    assert RUNNER.invoke(app, ["--config", str(saved)]).exit_code == 0
    assert RUNNER.invoke(app, ["--config", str(saved), "--epochs", "5"]).exit_code == 0
    assert seen[0] == config
    assert seen[1].epochs == 5


def test_a_missing_required_flag_and_a_wrong_value_are_usage_errors():
    app, seen = command_of(FinetuneConfig, kind="classifier")
    assert RUNNER.invoke(app, ["--base", "b"]).exit_code == 2
    wrong = RUNNER.invoke(app, ["--base", "b", "--output", "o", "--dev-share", "2"])
    assert wrong.exit_code == 2
    assert "dev_share must be in (0, 0.9)" in wrong.output
    assert seen == []


def test_all_mistakes_are_listed_at_once():
    with pytest.raises(ValueError, match=r"masked .*; first_length .*; hidden_size"):
        PretrainConfig(corpora=Path(), output=Path(), masked=0.0, first_length=8, hidden_size=65)


def test_a_manifest_repeats_its_run_and_unknown_fields_are_named(tmp_path):
    saved = tmp_path / "manifest.json"
    saved.write_text(json.dumps({"format": 1, "config": {"base": "b", "output": "o", "epochs": 4, "date": "2026-01-01", "n_train": 5}}))
    app, seen = command_of(FinetuneConfig, kind="classifier")
    assert RUNNER.invoke(app, ["--config", str(saved)]).exit_code == 0
    assert seen == [FinetuneConfig(base="b", output=Path("o"), epochs=4)]
    saved.write_text('{"epoch": 4}')
    wrong = RUNNER.invoke(app, ["--config", str(saved)])
    assert wrong.exit_code == 2
    assert "unknown fields epoch" in " ".join(wrong.output.split())
    saved.write_text("{")
    assert RUNNER.invoke(app, ["--config", str(saved)]).exit_code == 2


def test_a_manifest_of_another_version_still_repeats_its_run(tmp_path, caplog):
    """The shipped one too, whose run had options that are gone."""
    fields = dataclasses.fields(FinetuneConfig)
    own = json.loads((ROOT / "models" / "default" / "classifier" / "manifest.json").read_text("utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps({**own, "config": {**own["config"], "retired": 3}}), "utf-8")
    values = read_config(tmp_path / "manifest.json", list(fields))
    assert values["lr"] == own["config"]["lr"]
    assert "retired" not in values
    assert "retired" in caplog.text
    (tmp_path / "plain.json").write_text('{"retired": 3}', "utf-8")
    with pytest.raises(typer.BadParameter, match="unknown fields retired"):
        read_config(tmp_path / "plain.json", list(fields))


def test_no_folder_of_a_machine_travels_with_a_config():
    config = FinetuneConfig(base="b", output=Path("/home/someone/out"), data="/home/someone/data/processed,data/more")
    named = named_config(config)
    assert named["output"] == "out"
    assert named["data"] == "processed,data/more"
    assert named["lr"] == config.lr
