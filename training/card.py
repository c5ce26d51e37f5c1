"""Model cards, written from the manifest so that they never say something else."""

from data.schema import Group
from models.registry import Manifest

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

A Chinese encoder with one multi-label head: activity types, industries and the main activity.{_ngrams(manifest)} Made from scratch or from the
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


def _ngrams(manifest: Manifest) -> str:
    """Say what stands beside the encoder."""
    if not manifest.config.get("lexical"):
        return ""
    return f" Beside it a linear model over {manifest.config['lexical']} character n-grams (as hashes), fitted on the same articles, whose logits are added."


def summarizer_card(manifest: Manifest) -> str:
    """Return the card of a summariser checkpoint."""
    return f"""# {manifest.tag}: outcome summaries of Chinese investment-promotion articles

A Chinese sequence-to-sequence model: title and selected sentences in, one to three sentences with the outcomes out. Its text is served
only when every figure and name in it is supported by the article and its likelihood passes the gate in
`manifest.json`; otherwise the summary is built from the article's own clauses.

## Data

Fine-tuned on {manifest.config.get("n_train")} annotated articles ({manifest.config.get("data")}) less those whose summary is not supported; {manifest.config.get("n_dev")} kept for
development. Articles written by us are constructed. {_SOURCES}
## Figures on development

{_table(manifest)}
## Limits

A first, small checkpoint: many summaries come from the extractive fallback. See `EXPERIMENTS.md` for figures on real articles.

## Files

Weights float16 safetensors; sha256 of every file in `manifest.json`. Licence of the weights: Apache-2.0, subject to what the
sources above allow.
"""


def _table(manifest: Manifest) -> str:
    rows = [f"| {key} | {value} |" for key, value in manifest.metrics.items() if key != "epochs"]
    return "| figure | value |\n| --- | --- |\n" + "\n".join(rows) + "\n"
