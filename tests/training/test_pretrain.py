import dataclasses
import json
import logging
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

from tests.training.test_corpus import corpora  # noqa: F401 (a fixture)
from training.config import PretrainConfig
from training.pretrain import (
    IGNORE,
    MASK,
    N_SPECIAL,
    SEP,
    Batches,
    build_model,
    compute_loss,
    corrupt,
    flops_a_token,
    mask_spans,
    prepare_cache,
    pretrain,
)
from training.steps import build_optimizers, load_state, rate_at, save_state


@pytest.fixture
def config(corpora, tmp_path):  # noqa: F811
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
    config = dataclasses.replace(config, kind=kind, lr=5e-3)
    base = pretrain(config)
    log = json.loads((base / "pretraining.json").read_text())["log"]
    assert sum(row["loss"] for row in log[-3:]) < sum(row["loss"] for row in log[:3])
    model = auto.from_pretrained(str(base))
    assert len(AutoTokenizer.from_pretrained(str(base))) == model.config.vocab_size
    assert all(t.dtype == torch.float16 for t in load_file(base / "model.safetensors").values())
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
    config = dataclasses.replace(config, clock="cpu", minutes=0.02)
    spent = iter(range(10**6))
    monkeypatch.setattr("time.process_time", lambda: next(spent) * 0.1 * torch.get_num_threads())
    base = pretrain(config)
    told = json.loads((base / "pretraining.json").read_text())
    assert told["steps"] == 12  # a tenth of a second each, whatever the wall says


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
