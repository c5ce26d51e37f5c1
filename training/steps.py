"""Resumable training by the clock: optimizers, learning rate, state on disk, and the loop that every pretraining stage runs.

The learning rate follows the training time spent, so a run ends on the minute however busy the machine was (``--clock wall``), or after the same work (``--clock cpu``). Batches are drawn
by step number, so a run that was killed goes on with the batches that it would have seen.
"""

import itertools
import json
import logging
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from data.errors import InputError
from models.device import mixed_precision, training_dtype
from training.config import ScheduleConfig
from training.muon import FullPrecisionMuon

logger = logging.getLogger(__name__)
_LONGEST_STEP_S = 60.0


class Stream(Protocol):
    """Where batches come from."""

    def draw(self, step: int, progress: float) -> dict[str, Tensor]:
        """Return the batch of a step, the same one each time."""

    def characters_of(self, batch: dict[str, Tensor]) -> int:
        """Return the characters that a batch reads."""

    def characters_a_label(self, batch: dict[str, Tensor]) -> float:
        """Return the mean number of characters behind one predicted label."""


def build_optimizers(model: nn.Module, config: ScheduleConfig) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices of the layers and AdamW for embeddings, norms and biases.

    Source: Muon (https://kellerjordan.github.io/posts/muon/), with the rate scaled to AdamW's (arXiv 2502.16982).
    """
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inner = parameter.ndim == 2 and not any(
            part in name for part in ("embed", "shared", "relative_attention", "decoder.weight", "lm_head", "classifier")
        )
        (matrices if inner else others).append(parameter)
    bfloat16 = all(training_dtype(parameter.device) == torch.bfloat16 for parameter in matrices)
    muon = torch.optim.Muon if bfloat16 else FullPrecisionMuon
    return [
        muon(matrices, lr=config.lr, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=config.lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def rate_at(progress: float, config: ScheduleConfig) -> float:
    """Return the learning rate at a share of the run: linear warm-up, level, then a fall to zero (1 - sqrt)."""
    if progress < config.warmup:
        return config.lr * max(progress / config.warmup, 0.02)
    if progress < 1 - config.decay:
        return config.lr
    return config.lr * max(0.0, 1 - math.sqrt((progress - 1 + config.decay) / config.decay))


def check_cache(cache: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise where the cache of a run folder was made for something else than what is asked for now.

    Raises:
        InputError: a field differs.

    """
    if different := [f"{key} {found.get(key)!r}, now {value!r}" for key, value in wanted.items() if found.get(key) != value]:
        raise InputError(f"{cache} was made for {'; '.join(different)}: give another output folder, or delete the cache")


def save_state(folder: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer], progress: dict[str, Any]) -> None:
    """Write weights, optimizer moments and counters beside the old state, then swap the folders."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    tensors = {f"model/{name}": parameter.detach().contiguous() for name, parameter in model.named_parameters()}
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            for key, value in state.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer/{key}/{names[id(parameter)]}"] = value.contiguous()
    fresh, old = folder.with_name("state.new"), _old(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file(tensors, fresh / "state.safetensors")
    (fresh / "progress.json").write_text(json.dumps(progress), "utf-8")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)


def half_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the state of a model in float16 on the CPU; weights that are tied stay one tensor, so that they are written once."""
    cast: dict[tuple[int, torch.Size], Tensor] = {}
    return {
        name: cast.setdefault((tensor.data_ptr(), tensor.shape), tensor.detach().to("cpu", torch.float16))
        for name, tensor in model.state_dict().items()
    }


def has_state(folder: Path) -> bool:
    """Return whether a run has left a state to go on from."""
    return folder.exists() or _old(folder).exists()


def load_state(folder: Path, model: nn.Module, optimizers: list[torch.optim.Optimizer]) -> dict[str, Any]:
    """Restore what ``save_state`` wrote; a run killed between its two renames is found in ``state.old``."""
    if not has_state(folder):
        return {"step": 0, "elapsed_s": 0.0, "characters": 0, "log": []}
    folder = folder if folder.exists() else _old(folder)
    tensors = load_file(folder / "state.safetensors")
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"model/{name}"])
    owner = {id(p): optimizer for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    for key, value in tensors.items():
        if key.startswith("optimizer/"):
            _, kind, name = key.split("/", 2)
            owner[id(parameters[name])].state[parameters[name]][kind] = value.to(parameters[name].device)
    progress: dict[str, Any] = json.loads((folder / "progress.json").read_text("utf-8"))
    return progress


def run_steps(
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    stream: Stream,
    compute: Callable[[nn.Module, dict[str, Tensor]], Tensor],
    config: ScheduleConfig,
    progress: dict[str, Any],
    device: torch.device,
    keep: Callable[[str], None],
) -> None:
    """Train until the minutes are spent; ``progress`` (of ``load_state``) is brought up to date in place.

    Args:
        model: trained in place, on ``device``.
        optimizers: of ``build_optimizers``.
        stream: where batches come from.
        compute: the loss of a batch, under autocast.
        config: the schedule.
        progress: step, elapsed_s, characters, log.
        device: where batches are moved to.
        keep: called with a name (``base-0.1``) at the shares of the time that are to be kept.

    """
    budget_s = config.minutes * 60
    model.train()
    clock = _clock(config)
    saved_at = logged_at = time.monotonic()
    ticked_at = clock()
    recent: list[tuple[float, float]] = []  # loss a token, loss a character
    characters_then = progress["characters"]
    for step in itertools.count(progress["step"]):
        share = progress["elapsed_s"] / budget_s
        if share >= 1:
            break
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(share, config) * group.get("scale", 1.0)
        drawn = stream.draw(step, share)
        batch = {key: value.to(device) for key, value in drawn.items()}
        with mixed_precision(device):
            loss = compute(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        recent.append((value, value / stream.characters_a_label(drawn)))
        now, tick = time.monotonic(), clock()
        # A machine that slept for an hour has not trained for an hour.
        progress |= {"step": step + 1, "elapsed_s": progress["elapsed_s"] + min(tick - ticked_at, _LONGEST_STEP_S)}
        progress["characters"] += stream.characters_of(drawn)
        progress["tokens"] = progress.get("tokens", 0) + drawn["input_ids"].numel()
        ticked_at = tick
        if len(recent) == config.log_steps:
            rate = (progress["characters"] - characters_then) / (now - logged_at)
            row = {
                "step": step + 1,
                "loss": round(sum(a for a, _ in recent) / len(recent), 4),
                "loss_per_character": round(sum(b for _, b in recent) / len(recent), 4),
                "characters": progress["characters"],
                "characters_per_s": round(rate),
            }
            progress["log"].append(row)
            logger.info("%s %.0f%%", row, 100 * share)
            recent, logged_at, characters_then = [], now, progress["characters"]
        for at in config.kept_shares:
            if share < at <= progress["elapsed_s"] / budget_s:
                keep(f"base-{at:g}")
                ticked_at = clock()
        if now - saved_at > config.save_minutes * 60:
            save_state(config.output / "state", model, optimizers, progress)
            saved_at, ticked_at = time.monotonic(), clock()
    save_state(config.output / "state", model, optimizers, progress)


def _old(folder: Path) -> Path:
    return folder.with_name("state.old")


def matrix_peak(device: torch.device, size: int = 2048, seconds: float = 0.5) -> float:
    """Return what the device reaches in multiplying large matrices, in the precision that it trains in, FLOP/s: the bound that training is held against."""
    a, b = (torch.randn(size, size, device=device, dtype=training_dtype(device)) for _ in range(2))
    best = math.inf
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started_at = time.perf_counter()
        product = a @ b
        product[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - started_at)
    return 2 * size**3 / best


def _clock(config: ScheduleConfig) -> Callable[[], float]:
    """Return what counts the time of a run, seconds."""
    if config.clock == "wall":
        return time.monotonic
    threads = torch.get_num_threads()
    return lambda: time.process_time() / threads
