"""Classifier throughput on this machine: our batches against what a user writes first, in the same run.

    python -m tests.benchmarks.bench_classifier [--rounds 3]

Documents are the authored articles plus long ones joined from them. All engines run the same windows of the same
checkpoint, so no engine reads less than another; engines take turns, so that a busy machine slows all of them.
The last line of stdout is JSON. Timings are recorded, never asserted.
"""

import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers

from models.classifier import encode_article
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from tests.conftest import ROOT
from training.dataset import read_examples
from training.report import provenance


def build_documents(n_long: int, seed: int = 0) -> list[tuple[str | None, str]]:
    """Return (title, text) pairs: every authored article, and long ones of five texts each."""
    examples = read_examples(str(ROOT / "data" / "annotations" / "authored"))
    rng = random.Random(seed)
    short = [(e.article.title, e.article.text) for e in rng.sample(examples, min(60, len(examples)))]
    long = [(None, "\n".join(e.article.text for e in rng.sample(examples, 5))) for _ in range(n_long)]
    return short + long


def main() -> None:
    """Print the card, the table and one JSON line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    predictor = Predictor.load(DEFAULT_CHECKPOINT, "cpu")
    encoded = [encode_article(predictor.tokenizer, title, text, predictor.max_length) for title, text in build_documents(10)]
    rows = [ids for e in encoded for ids in e.input_ids]
    n_tokens = sum(e.n_tokens for e in encoded)
    model = predictor.classifier.model

    def one_by_one() -> None:
        with torch.inference_mode():
            for ids in rows:
                model(input_ids=torch.tensor([ids]))

    def fixed_batches(size: int = 32) -> None:
        with torch.inference_mode():
            for start in range(0, len(rows), size):
                batch = predictor.tokenizer.pad({"input_ids": [list(ids) for ids in rows[start : start + size]]}, return_tensors="pt")
                model(**batch)

    engines: dict[str, Callable[[], object]] = {
        "model(window), one by one": one_by_one,
        "padded batches of 32, unsorted": fixed_batches,
        "Zhaoshang: sorted, token budget": lambda: predictor.classifier.run(rows),
    }
    for engine in engines.values():
        engine()  # warm-up
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            started_at = time.perf_counter()
            engine()
            seconds[name].append(time.perf_counter() - started_at)
    rates = {name: [n_tokens / s for s in values] for name, values in seconds.items()}
    base = statistics.median(rates["model(window), one by one"])
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__} ({torch.get_num_threads()} threads), transformers {transformers.__version__}"
    )
    print(f"{predictor.manifest.tag}, {len(encoded)} articles, {len(rows)} windows, {n_tokens} tokens, {rounds} rounds\n")
    print("| engine | tokens/s, median (min-max) | articles/s | ratio |\n| --- | --- | --- | --- |")
    for name, values in rates.items():
        median = statistics.median(values)
        print(f"| {name} | {median:,.0f} ({min(values):,.0f}-{max(values):,.0f}) | {median * len(encoded) / n_tokens:.1f} | {median / base:.2f} |")
    print(json.dumps({**provenance(ROOT / "constraints.txt"), "tokens": n_tokens, "tokens_per_s": rates}))


if __name__ == "__main__":
    main()
