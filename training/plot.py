"""The curves of pretraining runs: loss a character over the characters read, and throughput."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.errors import InputError


def read_logs(folders: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """Return the log rows of base folders by name (the last two parts of the folder).

    Raises:
        InputError: a folder without ``pretraining.json``, or one whose log is empty.

    """
    logs = {}
    for folder in folders:
        path = folder / "pretraining.json"
        if not path.is_file():
            raise InputError(f"{folder}: no pretraining.json here; give the base folders of pretraining runs")
        rows = json.loads(path.read_text("utf-8"))["log"]
        if not rows:
            raise InputError(f"{folder}: its run logged nothing")
        logs["/".join(folder.parts[-2:])] = rows
    return logs


def plot_logs(logs: dict[str, list[dict[str, Any]]], output: Path) -> None:
    """Write both curves of all runs as one picture; the ending names the format (.svg, .png)."""
    try:
        import matplotlib  # only wanted here, and half a second to load
    except ImportError as error:
        raise InputError("curves need matplotlib: python -m pip install -c constraints.txt -e '.[notebooks]'") from error

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    for name, rows in logs.items():
        characters = [row["characters"] / 1e6 for row in rows]
        left.plot(characters, [row.get("loss_per_character", row["loss"]) for row in rows], label=name)
        right.plot(characters, [row["characters_per_s"] / 1000 for row in rows], label=name)
    left.set(xlabel="characters read, million", ylabel="loss a masked character, nats", title="Loss (training text)")
    right.set(xlabel="characters read, million", ylabel="thousand characters/s", title="Throughput", ylim=(0, None))
    left.legend()
    figure.tight_layout()
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, metadata={"Date": None} if output.suffix == ".svg" else None)
    pyplot.close(figure)
