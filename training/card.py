"""Model cards, written from the manifest so that they never say something else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.schema import Group
from models.registry import Manifest, hash_file

_SOURCES = """\
Pretraining text: public Chinese news, broadcast items and statutes (IAAR-Shanghai/CRUD_RAG and UHGEval, Apache-2.0; repositories of
中新网 articles, NKU-Nikoni/News-Nankai, likgjava/eb, liuhuanyong/EventMonitor, ssymmetry/BBT-FinCUGE-Applications,
ppphhhleo/ContentSecurity_text, ZhouYNF/platform-1: no licence stated; china-data/xwlb and yuekcc/cctv_news: texts for study use;
LawRefBook/Laws). Most of it is press copyright: the model was trained on it, the text is not redistributed.
"""


def classifier_card(manifest: Manifest) -> str:
    """Return the card of a classifier checkpoint."""
    groups: tuple[Group, ...] = ("activity", "industry")
    labels = "\n".join(f"- {group}: " + "、".join(manifest.taxonomy.name(group, key) for key in manifest.taxonomy.group(group)) for group in groups)
    return f"""# {manifest.tag}: labels of Chinese investment-promotion articles

A Chinese encoder with one multi-label head: activity types, industries and the main activity.{_votes(manifest)} Made from scratch or from the
base named below by `python -m training finetune classifier`; the exact settings are in `manifest.json` under `config`.

## Labels

{labels}

## Data

Fine-tuned on {manifest.config.get("n_train")} annotated articles ({manifest.config.get("data")}; the data card of the corpus is `data/annotations/README.md` of the repository),
{manifest.config.get("n_dev")} kept for development. Articles written by us are constructed: invented companies and events at real places. {_SOURCES}
## Figures

{_table(manifest)}
Figures without a name of a split are those of {manifest.metrics.get("split")}, so they flatter. Where `test` stands, it was measured at the end.
Figures on other real articles stand in `EXPERIMENTS.md`.

## Limits

Read windows of {manifest.config.get("max_length")} tokens, pooled; a compact encoder trained on some thousand articles. Probabilities are calibrated
on articles of news agencies above all, which are not the crawl you have. Not for decisions about people.

## Files

Weights float16 safetensors; sha256 of every file in `manifest.json`; refused on load where one differs. Licence of the weights: Apache-2.0,
subject to what the sources above allow.
"""


def describe_base(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write ``pretraining.json`` and the card of a base whose weights and tokenizer are in ``folder``.

    Args:
        folder: of the base.
        summary: what the run was and measured (stages after the first under ``stage``).

    """
    hashes = {path.name: hash_file(path) for path in folder.iterdir() if path.name in ("model.safetensors", "tokenizer.json", "config.json")}
    whole = {**summary, "files": hashes}
    (folder / "pretraining.json").write_text(json.dumps(whole, indent=1), "utf-8")
    (folder / "README.md").write_text(base_card(whole), "utf-8")


def base_card(summary: Mapping[str, Any]) -> str:
    """Return the card of a base, from what its ``pretraining.json`` says."""
    config = summary["config"]
    encoder = config["kind"] == "encoder"
    what = "encoder (masked language modelling)" if encoder else "sequence-to-sequence model (holes, titles, briefs, key sentences)"
    rows = summary["log"][:: max(1, len(summary["log"]) // 12)] + summary["log"][-1:]
    curve = "\n".join(
        f"| {row['characters'] / 1e6:.1f} | {row.get('loss_per_character', row['loss']):.3f} | {row['characters_per_s']} |" for row in rows
    )
    files = "\n".join(f"- `{name}`: `{digest}`" for name, digest in sorted(summary["files"].items()))
    measured = {key: value for key, value in summary.items() if key.startswith(("held_out", "title_", "digit_", "target_"))}
    stage = summary.get("stage")
    second = (
        f"""A second stage read {stage["articles"]} unannotated articles, {stage["passes"]} times, with the soft labels of labelling functions (keywords, n-grams of the annotated articles, figures, sections);
on development the labels reach {stage["development"]["teacher"]}, the model {stage["development"]["student"]}.
"""
        if stage
        else ""
    )
    return f"""# A compact Chinese base: {what}

{summary["parameters"] / 1e6:.1f} million parameters: {config["layers"]} layers{"" if encoder else f" and {config['decoder_layers']} of the decoder"}, {config["hidden_size"]} wide, windows of {config["max_length"]} tokens, {summary["vocab_size"]} entries of up to
{summary["longest_piece"]} characters. From scratch by `python -m training pretrain`, to be fine-tuned by `python -m training finetune --base`.

## Data

{summary["characters"] / 1e6:.1f} million characters in {summary["steps"]} steps of {config["batch_tokens"]} tokens, {summary["training_s"] / 60:.0f} minutes; economic news first. {_SOURCES}{second}
## Figures

{", ".join(f"{key.replace('_', ' ')} {value}" for key, value in measured.items())} (held-out documents of the same sources).

| million characters | loss a character, nats | characters/s |
| ---: | ---: | ---: |
{curve}

## Limits

Small, and read for days of one machine at most: news register of 2011 to 2026, simplified Chinese; what it knows of the world is little. It may repeat names of its texts when it fills holes: it is a
beginning for classifiers and for summaries that are checked against their article, not a source of facts. Licence of the weights: Apache-2.0, subject to what the sources above allow.

## Files

Weights float16 safetensors, no pickle. sha256 (also in `pretraining.json`):

{files}
"""


def _votes(manifest: Manifest) -> str:
    """Say what stands beside the encoder."""
    if not manifest.config.get("lexical"):
        return ""
    return (
        f" Beside it {manifest.config['lexical']} character n-grams (as hashes) and a lexicon of the trade (`lexicon.json`, written by hand) vote on each label; a logistic regression "
        "a label, fitted on the same articles, weighs their votes, and its logits are added."
    )


def summarizer_card(manifest: Manifest) -> str:
    """Return the card of a summariser checkpoint."""
    copies = (
        "Its decoder generates tokens or copies those of its source, digits only by copying (`models/copynet.py`). "
        if manifest.decoding.get("source_characters")
        else ""
    )
    return f"""# {manifest.tag}: outcome summaries of Chinese investment-promotion articles

A Chinese sequence-to-sequence model: title and selected sentences in, one to three sentences with the outcomes out. {copies}Its text is served
only when every figure and name in it is supported by the article and its likelihood passes the gate in
`manifest.json`; otherwise the summary is built from the article's own clauses.

## Data

Fine-tuned on {manifest.config.get("n_train")} annotated articles ({manifest.config.get("data")}) less those whose summary is not supported; {manifest.config.get("n_dev")} kept for
development. Articles written by us are constructed. {_SOURCES}
## Figures on development

{_table(manifest)}
## Limits

A small checkpoint: many summaries, or all where the gate (`min_score`) is 0, come from the extractive fallback. See `EXPERIMENTS.md` for figures on real articles.

## Files

Weights float16 safetensors; sha256 of every file in `manifest.json`. Licence of the weights: Apache-2.0, subject to what the
sources above allow.
"""


def outcomes_card(manifest: Manifest) -> str:
    """Return the card of a ranker of facts."""
    return f"""# {manifest.tag}: which figure of an article is which fact

Four linear models (logistic regression over hashed features of a figure in its context; what the rules of `models/outcomes.py` say is one of them), fitted by `python -m training finetune outcomes`.

## Data

{manifest.config.get("n_train")} annotated articles within the domain; {manifest.config.get("n_dev")} development articles, labelled by a classifier, chose strength and thresholds. The data card of the corpus is
`data/annotations/README.md` of the repository. Articles written by us are constructed.

## Figures

{_table(manifest)}
## Limits

It chooses among the values that an article gives, by the words around them; it does not add up, and it follows the classifier's labels where these are wrong: an article called `other` has no facts.

## Files

float16 safetensors of hashed features, no text; sha256 of every file in `manifest.json`. Licence: Apache-2.0.
"""


def selection_card(manifest: Manifest) -> str:
    """Return the card of a selector of clauses."""
    return f"""# {manifest.tag}: which clauses of an article make its summary

A logistic regression over hashed features of a clause (its words, place, figures, what it shares with the headline, the labels) and {manifest.config.get("trees")} regression trees over its guesses and what
stands around a clause, fitted by `python -m training finetune selection`. The summary is made of beginnings of the article's sentences, so its figures and names are the article's.

## Data

The summaries of {manifest.config.get("n_train")} annotated articles; {manifest.config.get("n_dev")} development articles, labelled by a classifier, chose how long summaries are. The data card of the corpus is
`data/annotations/README.md` of the repository. Articles written by us are constructed.

## Figures

Character ROUGE of the rules that it replaces, of its linear model alone, and of the whole:

{_table(manifest)}
## Limits

It leaves out and never rewrites: two facts that stand far apart make two sentences, and a pronoun keeps pointing to what may be left out.

## Files

safetensors of hashed features and trees, no text; sha256 of every file in `manifest.json`. Licence: Apache-2.0.
"""


def _table(manifest: Manifest) -> str:
    rows = [f"| {key} | {value} |" for key, value in manifest.metrics.items() if key != "epochs"]
    return "| figure | value |\n| --- | --- |\n" + "\n".join(rows) + "\n"
