import json

import pytest

from data.errors import InputError
from training.plot import plot_logs, read_logs

ROWS = [{"step": i, "loss": 9 - i, "loss_per_character": 6 - i, "characters": i * 1_000_000, "characters_per_s": 9000 + i} for i in range(1, 4)]


def write_run(folder, rows):
    folder.mkdir(parents=True)
    (folder / "pretraining.json").write_text(json.dumps({"log": rows}), "utf-8")
    return folder


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_picture_is_written(tmp_path, ending):
    logs = read_logs([write_run(tmp_path / "one" / "base", ROWS), write_run(tmp_path / "two" / "base", ROWS[:2])])
    assert list(logs) == ["one/base", "two/base"]
    target = tmp_path / "out" / f"curve.{ending}"
    plot_logs(logs, target)
    assert target.read_bytes().startswith(b"<?xml" if ending == "svg" else b"\x89PNG")


def test_folders_without_a_log_are_told(tmp_path):
    with pytest.raises(InputError, match=r"no pretraining\.json"):
        read_logs([tmp_path])
    with pytest.raises(InputError, match="logged nothing"):
        read_logs([write_run(tmp_path / "empty" / "base", [])])
