"""Fine-tuning of the classifier on annotated articles; see ``finetune_summarizer.py`` for summaries.

``python -m training finetune classifier --base FOLDER --output models/default/classifier`` takes any local or hub
encoder: windows, pooling and decoding are those of serving. The epoch, temperatures and thresholds are
chosen on the development split; what is saved is a complete checkpoint folder.
"""

import datetime
import json
import logging
import math
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerBase

from data.augment import add_noise
from data.clean import CLEAN_VERSION, clean_text
from data.errors import InputError
from data.schema import Example
from data.taxonomy import Taxonomy, load_taxonomy
from models.classifier import LENGTH_STEP, Encoded, TorchClassifier, batch_by_tokens, encode_article, pad_windows, pool_windows, split_groups
from models.decoding import Decoding
from models.device import mixed_precision, pick_device
from models.registry import MANIFEST, Manifest, label_names, save_checkpoint
from models.votes import VoteModel
from training.calibration import Scores, cross_fitted_ece, decoded_f1, ece_of, fit_decoding
from training.card import classifier_card
from training.config import FinetuneConfig, name_folders, to_json
from training.dataset import read_splits
from training.lexical import add_scores, mix_in
from training.votes import fit_votes, vote_scores

logger = logging.getLogger(__name__)
_LARGEST_HALF = 6e4  # float16 ends at 65,504
_LONGEST = 512  # tokens of a window: longer ones cost more than they tell on a CPU
_NEVER_HALF = frozenset({"t5", "mt5"})
_MAX_TRAIN_WINDOWS = 4  # a long article trains on four of its windows, the lead always, drawn anew each epoch: memory stays flat


def finetune_classifier(config: FinetuneConfig) -> Manifest:
    """Fine-tune a base into a classifier checkpoint and return its manifest."""
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    device = pick_device(config.device)
    taxonomy = load_taxonomy()
    config = replace(config, max_length=pick_length(config))
    splits = read_splits(config.data, config.corpora, config.dev_share)
    train, dev = splits.train, splits.development
    logger.info("%d articles to train on, %d for development, %d to calibrate", len(train), len(dev), len(splits.calibration))
    tokenizer, model = build_classifier(config, taxonomy)
    model.to(device)
    started_at = time.monotonic()
    history = fit(model, tokenizer, train, dev, taxonomy, config, device)
    minutes = round((time.monotonic() - started_at) / 60, 1)
    parts = {"development": dev, "calibration": splits.calibration, **splits.tests}
    scored = {name: score_examples(model, tokenizer, part, taxonomy, config.max_length, device) for name, part in parts.items() if part}
    votes, without = None, _figures(scored["development"], taxonomy, fit_decoding(scored["development"], taxonomy, scored.get("calibration")))
    if config.lexical:
        votes = fit_votes(train, taxonomy, config.lexical)
        alone = {name: vote_scores(votes, parts[name], taxonomy) for name in scored}
        known = "calibration" if "calibration" in scored else "development"
        factors = mix_in(votes, scored[known], alone[known], taxonomy)
        scored = {name: add_scores(part, alone[name], factors) for name, part in scored.items()}
    decoding = fit_decoding(scored["development"], taxonomy, scored.get("calibration"))
    metrics = {
        "split": "development (also chose the epoch and thresholds" + (")" if splits.calibration else ", and calibrated)"), "articles": len(dev),
        "trained_on": len(train), "calibrated_on": len(splits.calibration or dev), **_figures(scored["development"], taxonomy, decoding),
        "ece": ece_of(scored["development"], decoding) if splits.calibration else cross_fitted_ece(scored["development"], taxonomy),
        **{name: _figures(scored[name], taxonomy, decoding) | {"articles": len(part), "ece": ece_of(scored[name], decoding)} for name, part in splits.tests.items()},
        **({"without_votes": without} if votes else {}), "epochs": history, "minutes": minutes,
    }  # fmt: skip
    logger.info("development: %s", {key: value for key, value in metrics.items() if key != "epochs"})
    made = Manifest("classifier", config.name, config.version, taxonomy, CLEAN_VERSION, decoding.to_json(), metrics, saved_config(config, train, dev))
    return save_checkpoint(config.output, made, lambda folder: write_model(model, tokenizer, folder, votes), classifier_card(made))


def saved_config(config: FinetuneConfig, train: Sequence[Example], dev: Sequence[Example]) -> dict[str, Any]:
    """Return what a manifest says of a training run; folders of this machine are reduced to their names."""
    row = to_json(config)
    for key in ("base", "output", "corpora"):
        row[key] = row[key] and Path(row[key]).name
    row["data"] = name_folders(config.data)
    return {**row, "date": datetime.date.today().isoformat(), "n_train": len(train), "n_dev": len(dev)}


def build_classifier(config: FinetuneConfig, taxonomy: Taxonomy) -> tuple[PreTrainedTokenizerBase, Any]:
    """Return tokenizer and model of a base, with a fresh head over all label groups where it has none for them.

    Raises:
        InputError: no epochs are asked for and the base has no head of these labels.

    """
    names = label_names(taxonomy)
    tokenizer = AutoTokenizer.from_pretrained(config.base, trust_remote_code=False)
    settings = AutoConfig.from_pretrained(config.base, trust_remote_code=False)
    own = [(settings.id2label or {}).get(i) for i in range(len(names))]
    settings.id2label = dict(enumerate(names))
    settings.label2id = {name: i for i, name in enumerate(names)}
    settings.problem_type = "multi_label_classification"
    for field in ("classifier_dropout", "mlp_dropout"):
        if hasattr(settings, field):
            setattr(settings, field, config.dropout)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        config.base, config=settings, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
    )
    if not config.epochs and (own != names or report["missing_keys"]):
        raise InputError(f"{config.base} has no head for these labels: --epochs 0 keeps a classifier's weights, it cannot make one")
    return tokenizer, model


def write_model(model: Any, tokenizer: PreTrainedTokenizerBase, folder: Path, votes: VoteModel | None = None) -> None:
    """Write weights as float16 safetensors (half the size; the difference is below 1e-3 in the logits), the tokenizer and the votes.

    Weights that float16 cannot hold stay float32. Models always compute in float32; T5's config says so too, because its activations overflow in float16.
    """
    fits = all(float(p.detach().abs().max()) < _LARGEST_HALF for p in model.parameters() if p.numel())
    model.to("cpu", torch.float16 if fits else torch.float32).save_pretrained(str(folder))
    if model.config.model_type in _NEVER_HALF:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "dtype": "float32"}, ensure_ascii=False, indent=2) + "\n", "utf-8")
    tokenizer.save_pretrained(str(folder))
    if votes is not None:
        votes.save(folder)


def pick_length(config: FinetuneConfig) -> int:
    """Return the longest window or source in tokens: what was asked for, or what the base reads, at most 512.

    With ``epochs`` 0 a checkpoint keeps the windows that it was trained on.

    Raises:
        InputError: longer than the base reads.

    """
    settings = AutoConfig.from_pretrained(config.base, trust_remote_code=False)
    positions = getattr(settings, "max_position_embeddings", None)
    if positions and settings.model_type in ("roberta", "xlm-roberta"):
        positions -= settings.pad_token_id + 1  # its positions begin behind that of padding
    if positions and settings.model_type != "modernbert":  # learnt positions end: windows are padded to multiples of LENGTH_STEP
        positions = positions // LENGTH_STEP * LENGTH_STEP
    if positions and config.max_length > positions:
        raise InputError(f"max_length is {config.max_length} tokens, and this base reads {positions}; give --max-length {positions} or less")
    manifest = Path(config.base) / MANIFEST
    if not config.epochs and not config.max_length and manifest.is_file():
        return int(json.loads(manifest.read_text("utf-8"))["config"].get("max_length") or _LONGEST)
    return config.max_length or min(positions or _LONGEST, _LONGEST)


def shorten(example: Example, characters: int) -> Example:
    """Return an article with the first ``characters`` of its text; 0 for all."""
    return replace(example, article=replace(example.article, text=example.article.text[: characters or None]))


# Targets and loss ---------------------------------------------------------------------------------------------


def targets_of(examples: Sequence[Example], taxonomy: Taxonomy) -> tuple[Tensor, Tensor, Tensor]:
    """Return (n, n_activity) and (n, n_industry) float 0/1 and (n,) int64 main activities."""
    activity = torch.tensor([[float(k in e.annotation.activity) for k in taxonomy.activity] for e in examples])
    industry = torch.tensor([[float(k in e.annotation.industry) for k in taxonomy.industry] for e in examples])
    main = torch.tensor([taxonomy.activity.index(e.annotation.activity[0]) for e in examples])
    return activity, industry, main


def classification_loss(logits: Tensor, targets: tuple[Tensor, Tensor, Tensor], taxonomy: Taxonomy, kind: str = "weighted") -> Tensor:
    """Return the weighted sum of three losses (a mean over labels is small beside the softmax's).

    Args:
        logits: (n_articles, n_outputs), pooled over windows.
        targets: of ``targets_of``, or probabilities.
        taxonomy: labels.
        kind: ``weighted``: binary cross-entropy, the positives of the rare industry labels twice; ``asymmetric``: see ``asymmetric_loss``.

    """
    activity, industry, main = split_groups(logits, taxonomy)
    if kind == "asymmetric":
        labels = asymmetric_loss(activity, targets[0]) + asymmetric_loss(industry, targets[1])
    else:
        twice = torch.full((len(taxonomy.industry),), 2.0, device=logits.device)
        labels = nn.functional.binary_cross_entropy_with_logits(activity, targets[0])
        labels = labels + nn.functional.binary_cross_entropy_with_logits(industry, targets[1], pos_weight=twice)
    return labels * 4 + nn.functional.cross_entropy(main, targets[2]) * 0.5


def asymmetric_loss(logits: Tensor, marks: Tensor, focus: float = 2.0, margin: float = 0.05) -> Tensor:
    """Return the mean loss of labels in which negatives that are nearly told apart count little, and those below ``margin`` not at all.

    Args:
        logits: (n_articles, n_labels), before sigmoid.
        marks: the same shape, 0 to 1.
        focus: exponent of a negative's probability in its weight.
        margin: taken off a negative's probability.

    Source: asymmetric loss for multi-label classification (arXiv 2009.14119).

    """
    shifted = (torch.sigmoid(logits) - margin).clamp(min=0)
    negative = -torch.log1p(-shifted) * shifted**focus
    return (-marks * nn.functional.logsigmoid(logits) + (1 - marks) * negative).mean()


def disagreement(one: Tensor, two: Tensor, taxonomy: Taxonomy) -> Tensor:
    """Return how far two passes over the same articles are apart: symmetric Kullback-Leibler divergences, weighted as the losses are.

    Source: R-Drop (arXiv 2106.14448).
    """
    total = torch.zeros((), device=one.device)
    groups = zip(split_groups(one, taxonomy), split_groups(two, taxonomy), (4.0, 4.0, 0.5), strict=True)
    for number, (a, b, weight) in enumerate(groups):
        if number < 2:  # a label on its own: (p - q)(logit p - logit q) is the sum of both directions
            apart = ((torch.sigmoid(a) - torch.sigmoid(b)) * (a - b)).mean() / 2
        else:
            apart = ((torch.softmax(a, 1) - torch.softmax(b, 1)) * (torch.log_softmax(a, 1) - torch.log_softmax(b, 1))).sum(1).mean() / 2
        total = total + weight * apart
    return total


# Training -----------------------------------------------------------------------------------------------------


def fit(
    model: Any, tokenizer: PreTrainedTokenizerBase, train: Sequence[Example], dev: Sequence[Example],
    taxonomy: Taxonomy, config: FinetuneConfig, device: torch.device, soft: tuple[Tensor, Tensor, Tensor] | None = None,
) -> list[dict[str, float]]:  # fmt: skip
    """Train in place, keep the weights of the best epoch on development (of the last one without), or the mean of the last ``average``; return one row of figures an epoch.

    ``soft`` are targets in place of the annotations: (n, n_activity), (n, n_industry) and (n, n_activity) probabilities.
    """
    if not config.epochs:
        return []
    with_titles = [encode_article(tokenizer, e.article.title, e.article.text, config.max_length) for e in train]
    without = [encode_article(tokenizer, None, e.article.text, config.max_length) for e in train]
    targets = soft or targets_of(train, taxonomy)
    optimizer = torch.optim.AdamW(parameter_groups(model, config), betas=(0.9, 0.98))
    n_steps = config.epochs * math.ceil(len(train) / config.batch_articles)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.1 * n_steps + 1), max(0.0, (n_steps - step) / (0.9 * n_steps)))
    )
    rng = random.Random(config.seed)
    history: list[dict[str, float]] = []
    best: tuple[float, dict[str, Tensor]] | None = None
    summed: dict[str, Tensor] = {}
    for epoch in range(config.epochs):
        order = rng.sample(range(len(train)), len(train))
        # Articles as a crawl may deliver them, drawn anew each epoch.
        noisy = {i: _encode_noisy(tokenizer, train[i], rng, config) for i in order if rng.random() < config.noise}
        model.train()
        total = 0.0
        for start in range(0, len(order), config.batch_articles):
            chosen = order[start : start + config.batch_articles]
            # One article in five trains without its headline: crawls often lose it.
            batch = [noisy[i] if i in noisy else without[i] if rng.random() < 0.2 else with_titles[i] for i in chosen]
            rows, owner = _draw_windows(batch, rng)
            picked = (targets[0][chosen].to(device), targets[1][chosen].to(device), targets[2][chosen].to(device))
            passes = [
                pool_windows(run_windows(model, rows, int(tokenizer.pad_token_id), device), owner.to(device), len(chosen), taxonomy)
                for _ in range(2 if config.agreement else 1)
            ]
            loss = torch.stack([classification_loss(logits, picked, taxonomy, config.loss) for logits in passes]).mean()
            if config.agreement:
                loss = loss + config.agreement * disagreement(passes[0], passes[1], taxonomy)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            total += loss.item() * len(chosen)
        row = {
            "epoch": epoch + 1,
            "loss": round(total / len(train), 4),
            **(_dev_figures(model, tokenizer, dev, taxonomy, config, device) if dev else {}),
        }
        history.append(row)
        logger.info("%s", row)
        if epoch >= config.epochs - config.average:
            for key, tensor in model.state_dict().items():
                summed[key] = summed[key] + tensor.detach() if key in summed else tensor.detach().clone()
        if not dev:
            continue
        value = row["activity_micro_f1"] + row["industry_micro_f1"] + row["main_accuracy"]
        if best is None or value >= best[0]:
            best = (value, {key: tensor.detach().clone() for key, tensor in model.state_dict().items()})
    if config.average:
        model.load_state_dict({key: tensor / config.average if tensor.is_floating_point() else tensor for key, tensor in summed.items()})
        row = {"epoch": config.epochs, "averaged": config.average, **(_dev_figures(model, tokenizer, dev, taxonomy, config, device) if dev else {})}
        history.append(row)
        logger.info("%s", row)
    elif best is not None:
        model.load_state_dict(best[1])
    return history


def _encode_noisy(tokenizer: PreTrainedTokenizerBase, example: Example, rng: random.Random, config: FinetuneConfig) -> Encoded:
    """Return an article with drawn crawl noise, cleaned as serving cleans it: what is left is what cleaning cannot take back."""
    text, _ = add_noise(example.article.text, rng)
    return encode_article(tokenizer, example.article.title, clean_text(text).text, config.max_length)


def _draw_windows(batch: Sequence[Encoded], rng: random.Random) -> tuple[list[tuple[int, ...]], Tensor]:
    rows, owner = [], []
    for i, encoded in enumerate(batch):
        windows = list(encoded.input_ids)
        if len(windows) > _MAX_TRAIN_WINDOWS:
            windows = [windows[0], *rng.sample(windows[1:], _MAX_TRAIN_WINDOWS - 1)]
        rows += windows
        owner += [i] * len(windows)
    return rows, torch.tensor(owner)


def run_windows(model: Any, rows: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> Tensor:
    """Return the logits of all windows with gradients, (n_windows, n_outputs) float32, batched by padded length."""
    out: dict[int, Tensor] = {}
    for group in batch_by_tokens([len(row) for row in rows], max_batch_tokens=4096, max_rows=32):
        inputs = {key: value.to(device) for key, value in pad_windows([rows[i] for i in group], pad_id).items()}
        with mixed_precision(device):
            logits = model(**inputs).logits
        out.update(zip(group, logits.float(), strict=True))
    return torch.stack([out[i] for i in range(len(rows))])


def parameter_groups(model: Any, config: FinetuneConfig) -> list[dict[str, Any]]:
    """Return parameter groups whose rate falls by ``layer_decay`` a layer from the heads down to the embeddings.

    Source: ULMFiT (arXiv 1801.06146), as used for BERT in arXiv 2006.05987.
    """
    named = list(model.named_parameters())
    n_layers = max((_layer_of(name, 0) for name, _ in named), default=0)  # the top layer shares the head's rate
    groups: dict[tuple[int, bool], list[Tensor]] = {}
    for name, parameter in named:
        groups.setdefault((_layer_of(name, n_layers), parameter.ndim >= 2), []).append(parameter)
    return [
        {"params": params, "lr": config.lr * config.layer_decay ** (n_layers - depth), "weight_decay": config.weight_decay if matrix else 0.0}
        for (depth, matrix), params in groups.items()
    ]


def _layer_of(name: str, n_layers: int) -> int:
    """Return 0 for embeddings, k + 1 for layer k, and ``n_layers`` (the top layer's) for everything after."""
    for mark in ("layers.", "layer.", "block."):
        if mark in name:
            number = name.split(mark, 1)[1].split(".", 1)[0]
            if number.isdigit():
                return int(number) + 1
    return 0 if "embed" in name else n_layers


def score_examples(
    model: Any, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], taxonomy: Taxonomy, max_length: int, device: torch.device
) -> Scores:
    """Return pooled logits and gold of examples, run as serving runs them."""
    model.eval()
    encoded = [encode_article(tokenizer, e.article.title, e.article.text, max_length) for e in examples]
    engine = TorchClassifier(model, int(tokenizer.pad_token_id), device, max_batch_tokens=4096)
    owner = torch.tensor([i for i, e in enumerate(encoded) for _ in e.input_ids])
    pooled = pool_windows(engine.run([ids for e in encoded for ids in e.input_ids]), owner, len(examples), taxonomy)
    activity, industry, main = (t.double().numpy() for t in split_groups(pooled, taxonomy))
    gold = [t.numpy() for t in targets_of(examples, taxonomy)]
    return Scores(activity, industry, main, gold[0].astype(np.float64), gold[1].astype(np.float64), gold[2])


def _dev_figures(
    model: Any, tokenizer: PreTrainedTokenizerBase, dev: Sequence[Example], taxonomy: Taxonomy, config: FinetuneConfig, device: torch.device
) -> dict[str, float]:
    scores = score_examples(model, tokenizer, dev, taxonomy, config.max_length, device)
    return _figures(scores, taxonomy, fit_decoding(scores, taxonomy))


def _figures(scores: Scores, taxonomy: Taxonomy, decoding: Decoding) -> dict[str, float]:
    activity_f1, industry_f1 = decoded_f1(scores, taxonomy, decoding)
    accuracy = float((scores.main.argmax(1) == scores.gold_main).mean())
    return {"activity_micro_f1": round(activity_f1, 4), "industry_micro_f1": round(industry_f1, 4), "main_accuracy": round(accuracy, 4)}
