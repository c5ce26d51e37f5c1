"""Where models run, CPU or one CUDA device by name, and in which precision they train there."""

import torch

_BF16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")


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


def training_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the matrix units of a device know it, float32 elsewhere.

    A CPU without such instructions (AVX2 alone) emulates bfloat16 fifty times slower than it computes in float32.
    """
    native = device.type == "cuda" or any(torch.cpu.get_capabilities().get(name, False) for name in _BF16_INSTRUCTIONS)
    return torch.bfloat16 if native else torch.float32


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return the context in which training computes on a device: autocast to ``training_dtype``, or none."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=training_dtype(device) == torch.bfloat16)
