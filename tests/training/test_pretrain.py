import dataclasses
import itertools
import json
import logging
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer, ModernBertForMaskedLM

from data.errors import InputError
from models.registry import hash_file
from tests.conftest import ROOT
from tests.training.test_corpus import corpora  # noqa: F401 (a fixture)
from training import steps
from training.config import PretrainConfig
from training.corpus import read_mix
from training.pretrain import (
    IGNORE,
    MASK,
    N_SPECIAL,
    SEP,
    Batches,
    _held_out_last,
    begin,
    build_model,
    compute_loss,
    corrupt,
    flops_a_token,
    load_tokenizer,
    mask_spans,
    prepare_cache,
    pretrain,
)
from training.steps import build_optimizers, load_state, rate_at, save_state


@pytest.fixture
def config(corpora, tmp_path, monkeypatch):  # noqa: F811
    ticks = itertools.count()
    monkeypatch.setattr(steps, "_clock", lambda config: lambda: next(ticks) / 10)  # a step takes a tenth of a second, on any machine
    return PretrainConfig(
        corpora=corpora, output=tmp_path / "run", vocab_size=400, layers=2, decoder_layers=1, hidden_size=64, max_length=64, first_length=32,
        batch_tokens=512, tokens=20_000, minutes=0.05, log_steps=1, device="cpu", threads=1, compile=False,
    )  # fmt: skip


def test_masked_positions_are_the_labelled_ones_and_specials_stay():
    rng = np.random.default_rng(0)
    rows = rng.integers(N_SPECIAL, 500, (200, 100))
    rows[:, 0], rows[:, -1] = 2, SEP
    input_ids, labels = mask_spans(rows.astype(np.int64), 0.3, 500, rng)
    chosen = labels != IGNORE
    assert 0.25 < chosen.float().mean() < 0.35
    assert torch.equal(labels[chosen], torch.from_numpy(rows)[chosen])
    assert torch.equal(input_ids[~chosen], torch.from_numpy(rows)[~chosen])
    assert not chosen[:, 0].any()
    assert not chosen[:, -1].any()
    assert 0.85 < (input_ids[chosen] == MASK).float().mean() < 0.95


def test_corruption_keeps_only_characters_of_the_text():
    rng = np.random.default_rng(0)
    ids = np.arange(100, 200)
    corrupted = corrupt(ids, 0.3, frozenset({120, 150}), rng)
    assert set(corrupted.tolist()) <= set(ids.tolist()) | {MASK}
    assert (corrupted == MASK).sum() > 0
    assert len(corrupted) < len(ids)


def test_the_rate_rises_stays_and_falls_to_zero(config):
    rates = [rate_at(share, config) for share in (0.0, 0.02, 0.03, 0.5, 0.8, 1.0)]
    assert rates[0] < rates[1] < rates[2] == rates[3] == config.lr
    assert rates[4] < config.lr
    assert rates[5] == 0


@pytest.mark.parametrize("kind", ["encoder", "seq2seq"])
def test_a_state_is_restored_exactly(config, kind):
    config = dataclasses.replace(config, kind=kind)
    tokenizer = prepare_cache(config)
    batches = Batches(config, tokenizer)

    def trained(n_steps, start=None):
        torch.manual_seed(5)
        model = build_model(config, len(tokenizer))
        optimizers = build_optimizers(model, config)
        first = 0
        if start is not None:
            first = load_state(start, model, optimizers)["step"]
        for step in range(first, n_steps):
            compute_loss(model, batches.draw(step, 0.3)).backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
        return model, optimizers

    whole, _ = trained(4)
    half, optimizers = trained(2)
    save_state(config.output / "state", half, optimizers, {"step": 2, "elapsed_s": 1.0, "characters": 9, "log": []})
    resumed, _ = trained(4, config.output / "state")
    for (name, a), (_, b) in zip(whole.named_parameters(), resumed.named_parameters(), strict=True):
        assert torch.equal(a, b), name


def test_a_kill_between_the_two_renames_loses_nothing(config):
    tokenizer = prepare_cache(config)
    model = build_model(config, len(tokenizer))
    optimizers = build_optimizers(model, config)
    folder = config.output / "state"
    save_state(folder, model, optimizers, {"step": 7, "elapsed_s": 1.0, "characters": 9, "log": []})
    folder.rename(folder.with_name("state.old"))
    assert load_state(folder, model, optimizers)["step"] == 7


@pytest.mark.parametrize(("kind", "auto"), [("encoder", AutoModelForMaskedLM), ("seq2seq", AutoModelForSeq2SeqLM)])
def test_pretraining_learns_and_writes_a_plain_folder(config, kind, auto):
    config = dataclasses.replace(config, kind=kind, lr=5e-3, minutes=0.1)
    base = pretrain(config)
    log = json.loads((base / "pretraining.json").read_text())["log"]
    assert sum(row["loss"] for row in log[-3:]) < sum(row["loss"] for row in log[:3])
    model = auto.from_pretrained(str(base))
    assert len(AutoTokenizer.from_pretrained(str(base))) == model.config.vocab_size
    assert all(t.dtype == torch.float16 for t in load_file(base / "model.safetensors").values())
    card = (base / "README.md").read_text("utf-8")
    assert hash_file(base / "model.safetensors") in card
    assert all(part in card for part in ("## Data", "## Limits", "held out loss" if kind == "encoder" else "digit accuracy"))
    again = pretrain(config)  # the time is spent: nothing more is trained, the base is written again
    assert json.loads((again / "pretraining.json").read_text())["log"] == log


def test_the_second_stage_asks_for_titles_and_briefs(config):
    config = dataclasses.replace(config, kind="seq2seq")
    tokenizer = prepare_cache(config)
    batches = Batches(config, tokenizer)
    early, late = batches.draw(3, 0.1), batches.draw(3, 0.9)
    marks = {tokenizer.convert_tokens_to_ids(mark) for mark in ("[TITLE]", "[BRIEF]", "[COPY]")}
    assert not marks & set(early["input_ids"][:, 1].tolist())
    assert set(late["input_ids"][:, 1].tolist()) <= marks
    assert late["labels"].shape[0] == late["input_ids"].shape[0]


def test_the_cache_alone_is_enough_for_a_run_elsewhere(config, tmp_path, caplog):
    assert pretrain(dataclasses.replace(config, cache_only=True)) == config.output / "cache"
    elsewhere = dataclasses.replace(config, output=tmp_path / "elsewhere", corpora=tmp_path / "nothing here")
    shutil.copytree(config.output / "cache", elsewhere.output / "cache")
    with caplog.at_level(logging.INFO):
        assert (pretrain(elsewhere) / "model.safetensors").exists()
    assert "of the measured matrix peak" in caplog.text


def test_the_clock_of_the_processor_counts_work_and_not_waiting(config, monkeypatch):
    monkeypatch.undo()  # the clocks themselves are looked at here
    config = dataclasses.replace(config, clock="cpu", minutes=0.025)
    spent = iter(range(10**6))
    monkeypatch.setattr("time.process_time", lambda: next(spent) * 0.125 * torch.get_num_threads())
    base = pretrain(config)
    told = json.loads((base / "pretraining.json").read_text())
    assert told["steps"] == 12  # an eighth of a second each, whatever the wall says


def test_operations_a_token_follow_the_model(config):
    wide = dataclasses.replace(config, hidden_size=128)
    assert flops_a_token(build_model(wide, 400), wide) > 2.5 * flops_a_token(build_model(config, 400), config)


def test_pieces_are_masked_in_shorter_spans():
    rng = np.random.default_rng(0)
    rows = rng.integers(N_SPECIAL, 500, (100, 100)).astype(np.int64)
    runs = {}
    for pieces in (False, True):
        chosen = (mask_spans(rows, 0.1, 500, np.random.default_rng(1), pieces)[1] != IGNORE).numpy()
        assert 0.08 < chosen.mean() < 0.12
        runs[pieces] = chosen.sum() / (np.diff(chosen.astype(int), axis=1, prepend=0) == 1).sum()
    assert runs[True] < runs[False]


_CHILD = """
import sys, time
from pathlib import Path
import torch
ticks = iter(range(10**9))
time.process_time = lambda: next(ticks) * 0.125 * torch.get_num_threads()  # an eighth of a second a step, exact in binary: the schedule is that of the steps
import logging
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
from training.config import PretrainConfig
from training.pretrain import pretrain
pretrain(PretrainConfig(
    corpora=Path(sys.argv[1]), output=Path(sys.argv[2]), vocab_size=400, layers=2, hidden_size=64, max_length=64, first_length=32, batch_tokens=512,
    tokens=20_000, minutes=0.125, clock="cpu", save_minutes=0.0001, log_steps=1, compile=False, device="cpu", threads=1,
))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_batches_and_losses(corpora, tmp_path):  # noqa: F811
    """kill -9 in the middle: what is trained is what an undisturbed run trains, to the last bit."""

    def start(folder):
        return subprocess.Popen([sys.executable, "-c", _CHILD, str(corpora), str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT)

    whole = start(tmp_path / "whole")
    assert whole.wait(timeout=300) == 0
    whole.stdout.close()
    killed = start(tmp_path / "killed")
    for line in killed.stdout:
        if "'step': 25," in line:
            killed.kill()
            break
    assert killed.wait(timeout=60) == -signal.SIGKILL
    killed.stdout.close()
    assert not (tmp_path / "killed" / "base").exists()
    resumed = start(tmp_path / "killed")
    assert resumed.wait(timeout=300) == 0
    resumed.stdout.close()
    one, two = (json.loads((tmp_path / name / "base" / "pretraining.json").read_text()) for name in ("whole", "killed"))
    keys = ("step", "loss", "characters")
    assert [[row[key] for key in keys] for row in one["log"]] == [[row[key] for key in keys] for row in two["log"]]
    assert one["steps"] == len(one["log"]) == 60
    a, b = (load_file(tmp_path / name / "base" / "model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_cache_of_another_run_is_refused(config):
    prepare_cache(config)
    with pytest.raises(InputError, match=r"kind 'encoder', now 'seq2seq'"):
        prepare_cache(dataclasses.replace(config, kind="seq2seq"))


def test_held_out_documents_train_nowhere(corpora):  # noqa: F811
    documents = read_mix(corpora, 50_000, seed=1)  # so many that all are repeated
    assert len({d.id for d in documents}) < len(documents)
    ordered, n_apart = _held_out_last(documents)
    assert n_apart >= 1
    last = ordered[-1]
    assert [d.id for d in ordered].count(last.id) == 1
    assert {d.id for d in ordered} == {d.id for d in documents}


def test_targets_come_from_what_the_source_holds(config):
    config = dataclasses.replace(config, kind="seq2seq", max_length=64)
    tokenizer = prepare_cache(config)
    batches = Batches(config, tokenizer)
    for step in range(30):
        batch = batches.draw(step, 0.95)
        for source, target in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
            text, wanted = (tokenizer.decode([i for i in ids if i >= N_SPECIAL]) for ids in (source, target))
            if tokenizer.convert_tokens_to_ids("[COPY]") == source[1] and MASK not in source:
                assert set(wanted) <= set(text)


def test_a_base_is_kept_on_the_way_and_warms_up_a_seq2seq(config, tmp_path):
    base = pretrain(dataclasses.replace(config, keep="0.5"))
    stored = load_file(config.output / "base-0.5" / "model.safetensors")
    assert not any(name.startswith("decoder.weight") for name in stored)  # tied to the embeddings: written once
    read = ModernBertForMaskedLM.from_pretrained(str(base))
    assert torch.equal(read.decoder.weight, read.model.embeddings.tok_embeddings.weight)
    later = dataclasses.replace(config, kind="seq2seq", output=tmp_path / "later", tokenizer=base, encoder=base)
    assert (pretrain(later) / "model.safetensors").exists()
    batches = Batches(later, load_tokenizer(base))
    begun = {}
    for warm in ("embeddings", "layers"):
        torch.manual_seed(1)
        begun[warm] = build_model(later, batches.vocab_size)
        begin(begun[warm], dataclasses.replace(later, warm=warm), batches)
    assert torch.equal(begun["embeddings"].shared.weight, begun["layers"].shared.weight)
    queries = [m.encoder.block[0].layer[0].SelfAttention.q.weight for m in begun.values()]
    assert not torch.equal(*queries)
    with pytest.raises(ValueError, match="warm must be"):
        dataclasses.replace(later, warm="all")
    with pytest.raises(InputError, match="the encoder does not fit: layers 3 and 2"):
        pretrain(dataclasses.replace(later, layers=3, output=tmp_path / "other"))


@pytest.mark.gpu
def test_a_state_is_restored_on_cuda(config):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    config = dataclasses.replace(config, device="cuda", minutes=0.02)
    pretrain(config)
    first = json.loads((config.output / "base" / "pretraining.json").read_text())["steps"]
    pretrain(dataclasses.replace(config, minutes=0.06))
    assert json.loads((config.output / "base" / "pretraining.json").read_text())["steps"] > first
