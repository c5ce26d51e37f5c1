"""Where models run: CPU or one CUDA device, by name."""

import torch


def pick_device(name: str) -> torch.device:
    """Return the torch device of ``auto``, ``cpu`` or ``cuda``.

    Raises:
        ValueError: another name, or ``cuda`` where there is none.

    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda was asked for, but torch sees no CUDA device")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
