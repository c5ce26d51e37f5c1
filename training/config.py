"""Configurations of the training commands: one frozen dataclass each, flags made from the fields.

``options_from(Config)`` turns a dataclass into a Typer command, so that a field, its default, its
help line and the JSON written into the checkpoint never disagree. ``--config FILE`` repeats a run.
"""

import dataclasses
import inspect
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import typer

from models.paths import DEFAULT_CHECKPOINT

Config = TypeVar("Config")
logger = logging.getLogger(__name__)


def doc(default: Any, help: str) -> Any:
    """Return a dataclass field with its default and the line that explains it (with its unit)."""
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata={"help": help})
    return dataclasses.field(default=default, metadata={"help": help})


def too_small(config: Any, least: int, *names: str) -> list[str]:
    """Return a finding for each field of a configuration that is below ``least``."""
    wanted = "above 0" if least == 1 else f"at least {least}"
    return [f"{name} must be {wanted}, got {getattr(config, name)}" for name in names if getattr(config, name) < least]


@dataclasses.dataclass(frozen=True)
class FinetuneConfig:
    """Fine-tuning of any base on annotated articles; the same fields for both models."""

    base: str = doc(dataclasses.MISSING, "local folder or hub name of the base checkpoint")
    output: Path = doc(dataclasses.MISSING, "checkpoint folder to write, such as models/default/classifier")
    data: str = doc(
        "data/annotations/authored",
        "what `python -m data prepare` wrote, or annotated articles: files or folders of .jsonl or .parquet, comma-separated",
    )
    corpora: Path | None = doc(None, "folder of the corpora that annotations without text refer to by id")
    kind: str = doc("classifier", "classifier or summarizer")
    name: str = doc("zhaoshang-mini", "name of the checkpoint in every answer")
    version: str = doc("0.1.0", "version of the checkpoint in every answer")
    dev_share: float = doc(0.2, "share of the articles kept for choosing thresholds, temperatures and epochs, where the data names no splits")
    epochs: int = doc(
        8,
        "passes over the training articles; 0 keeps the weights of the base and fits n-grams, calibration and thresholds, or the gate of a summariser, anew",
    )
    noise: float = doc(0.25, "share of the articles that train with drawn crawl noise, anew each epoch (classifier)")
    lexical: int = doc(40_000, "character n-grams of the linear part beside the encoder (classifier); 0 for none")
    batch_articles: int = doc(16, "articles of one optimizer step")
    max_length: int = doc(0, "longest window or source, tokens; 0 for what the base reads, at most 512")
    lr: float = doc(4e-4, "peak learning rate of the top layer and heads")
    layer_decay: float = doc(0.9, "factor of the rate from each layer to the one below it")
    weight_decay: float = doc(0.05, "decoupled weight decay")
    dropout: float = doc(0.1, "dropout of a freshly made head")
    selection: Path | None = doc(None, "selection checkpoint that picks what a copying decoder reads (summarizer); the shipped one if absent")
    loss: str = doc("weighted", "weighted, or asymmetric: easy negatives fade out of the labels' loss (classifier)")
    agreement: float = doc(
        0.0, "weight of the agreement of two passes under different dropout (R-Drop), which doubles the time; 0 for one pass (classifier)"
    )
    average: int = doc(0, "last epochs whose weights are averaged; 0 keeps the best epoch's (classifier)")
    seed: int = doc(7, "random seed")
    threads: int = doc(0, "CPU threads of torch; 0 leaves its own choice")
    device: str = doc("auto", "auto, cpu or cuda")

    def __post_init__(self) -> None:
        """Check the fields against each other; all findings in one error."""
        wrong = []
        if self.loss not in ("weighted", "asymmetric"):
            wrong.append(f"loss must be weighted or asymmetric, got {self.loss!r}")
        if self.agreement < 0:
            wrong.append(f"agreement must be 0 or more, got {self.agreement}")
        if not 0 <= self.average <= max(self.epochs, 0):
            wrong.append(f"average must be in [0, epochs], got {self.average}")
        if self.kind not in ("classifier", "summarizer"):
            wrong.append(f"kind must be classifier or summarizer, got {self.kind!r}")
        if not 0 < self.dev_share < 0.9:
            wrong.append(f"dev_share must be in (0, 0.9), got {self.dev_share}")
        if self.lexical < 0:
            wrong.append(f"lexical must be 0 or more n-grams, got {self.lexical}")
        if not 0 <= self.noise <= 1:
            wrong.append(f"noise must be in [0, 1], got {self.noise}")
        if self.max_length and self.max_length < 64:
            wrong.append(f"max_length must be 0 or at least 64 tokens, got {self.max_length}")
        if self.epochs < 0:
            wrong.append(f"epochs must be 0 or more, got {self.epochs}")
        if not 0 < self.layer_decay <= 1:
            wrong.append(f"layer_decay must be in (0, 1], got {self.layer_decay}")
        if wrong:
            raise ValueError("; ".join(wrong))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """A pretraining run by the clock: what every stage has in common."""

    output: Path = doc(dataclasses.MISSING, "run folder: cache, resumable state, and base/ at the end")
    minutes: float = doc(60.0, "training time over all resumed runs; the learning rate follows it")
    lr: float = doc(2e-3, "peak learning rate")
    weight_decay: float = doc(0.05, "decoupled weight decay of matrices")
    clock: str = doc("wall", "wall, or cpu: processor time over the threads, so that a busy machine does not shorten the run")
    warmup: float = doc(0.03, "share of the time spent warming up")
    decay: float = doc(0.4, "share of the time at the end in which the rate falls to zero")
    save_minutes: float = doc(5.0, "time between resumable checkpoints")
    log_steps: int = doc(50, "optimizer steps between log lines")
    keep: str = doc("", "shares of the time at which to keep the base beside the final one, comma-separated, such as 0.1,0.3")
    compile: bool = doc(True, "compile the encoder where a C++ compiler is found")
    seed: int = doc(20, "random seed")
    threads: int = doc(0, "CPU threads of torch; 0 leaves its own choice")
    device: str = doc("auto", "auto, cpu or cuda")

    def _findings(self) -> list[str]:
        wrong = []
        if self.clock not in ("wall", "cpu"):
            wrong.append(f"clock must be wall or cpu, got {self.clock!r}")
        if self.minutes <= 0:
            wrong.append(f"minutes must be above 0, got {self.minutes}")
        if self.warmup + self.decay > 1:
            wrong.append(f"warmup + decay must not exceed 1, got {self.warmup + self.decay}")
        if bad := [share for share in self.kept_shares if not 0 < share < 1]:
            wrong.append(f"keep must be shares in (0, 1), got {bad[0]}")
        return wrong

    @property
    def kept_shares(self) -> tuple[float, ...]:
        """Return the shares of ``keep`` as numbers."""
        return tuple(float(share) for share in self.keep.split(",") if share.strip())


@dataclasses.dataclass(frozen=True, kw_only=True)
class PretrainConfig(ScheduleConfig):
    """Pretraining of a compact base model from scratch on public Chinese text."""

    corpora: Path = doc(dataclasses.MISSING, "folder of .jsonl.zst files with title, text, summary")
    kind: str = doc("encoder", "encoder (masked language modelling) or seq2seq (denoising, then body to title or brief)")
    tokenizer: Path | None = doc(None, "folder of a tokenizer to share; built from the corpora if absent")
    encoder: Path | None = doc(None, "encoder base to begin with, of the same tokenizer, layers and width")
    vocab_size: int = doc(8192, "entries of a new tokenizer, special tokens included")
    longest_piece: int = doc(1, "characters of the longest piece of a new tokenizer; 1 for single characters")
    layers: int = doc(4, "encoder layers")
    decoder_layers: int = doc(3, "decoder layers (seq2seq)")
    hidden_size: int = doc(256, "width of the hidden states")
    max_length: int = doc(512, "longest sequence, tokens")
    first_length: int = doc(128, "sequence length at the start, tokens; doubles up to max_length")
    batch_tokens: int = doc(4096, "tokens of one optimizer step")
    masked: float = doc(0.3, "share of tokens masked")
    word_vectors: int = doc(5, "pieces to either side that are counted for the word vectors in which embeddings begin (encoder); 0 for random ones")
    warm: str = doc("layers", "what a seq2seq takes over from --encoder: embeddings, or layers too")
    tokens: int = doc(40_000_000, "characters of the corpora to cache for the run")
    cache_only: bool = doc(False, "stop when the text is tokenised: RUN/cache is all that a run on another machine needs")
    supervised: float = doc(0.45, "share of the time at the end spent on body to title or brief (seq2seq)")

    def __post_init__(self) -> None:
        """Check the fields against each other; all findings in one error."""
        wrong = self._findings()
        if self.kind not in ("encoder", "seq2seq"):
            wrong.append(f"kind must be encoder or seq2seq, got {self.kind!r}")
        if not 0 < self.masked < 1:
            wrong.append(f"masked must be in (0, 1), got {self.masked}")
        if not 16 <= self.first_length <= self.max_length:
            wrong.append(f"first_length must be in [16, {self.max_length}], got {self.first_length}")
        if self.word_vectors < 0:
            wrong.append(f"word_vectors must be 0 or more, got {self.word_vectors}")
        if not 1 <= self.longest_piece <= 16:
            wrong.append(f"longest_piece must be in [1, 16] characters, got {self.longest_piece}")
        if self.warm not in ("embeddings", "layers"):
            wrong.append(f"warm must be embeddings or layers, got {self.warm!r}")
        if self.encoder is not None and self.tokenizer != self.encoder:
            wrong.append("encoder needs the same folder as tokenizer")
        if self.hidden_size % 64:
            wrong.append(f"hidden_size must be a multiple of 64 (heads are 64 wide), got {self.hidden_size}")
        if wrong:
            raise ValueError("; ".join(wrong))


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelsConfig(ScheduleConfig):
    """A second pretraining stage of an encoder: articles of the corpora with soft labels of labelling functions."""

    base: Path = doc(dataclasses.MISSING, "base folder of the first stage")
    corpora: Path = doc(dataclasses.MISSING, "folder of .jsonl.zst files with title and text")
    data: str = doc("data/processed", "what `python -m data prepare` wrote: the label model learns from it, and none of it is among the articles")
    teacher: Path | None = doc(None, "checkpoint folder whose probabilities are the labels (self-training); labelling functions if absent")
    articles: int = doc(100_000, "unannotated articles to label")
    characters: int = doc(400, "characters of an article that are labelled and read, from the first")
    max_length: int = doc(256, "longest sequence, tokens; the rest of an article is left out")
    batch_articles: int = doc(12, "articles of one optimizer step")
    minutes: float = doc(20.0, "training time over all resumed runs; the learning rate follows it")
    lr: float = doc(1e-3, "peak learning rate")

    def __post_init__(self) -> None:
        """Check the fields; all findings in one error."""
        wrong = self._findings()
        wrong += too_small(self, 1, "articles", "characters", "batch_articles") + too_small(self, 64, "max_length")
        if wrong:
            raise ValueError("; ".join(wrong))


@dataclasses.dataclass(frozen=True, kw_only=True)
class CopyConfig(ScheduleConfig):
    """A stage for the summariser that copies: an encoder base and a fresh decoder on titles, briefs and central sentences of public articles."""

    base: Path = doc(dataclasses.MISSING, "base folder of the encoder, or a copying network to go on with")
    corpora: Path = doc(dataclasses.MISSING, "folder of .jsonl.zst files with title, text, summary")
    data: str = doc("data/processed", "what `python -m data prepare` wrote: none of it is among the articles")
    selection: Path | None = doc(None, "selection checkpoint that teaches: its summaries are targets for `selected` of the articles")
    selected: float = doc(0.6, "share of the articles that a selection checkpoint summarises, where there is one")
    articles: int = doc(0, "so many articles, those richest in words of the trade; 0 for all")
    decoder_layers: int = doc(2, "decoder layers")
    characters: int = doc(480, "characters of an article that are read, from the first")
    max_length: int = doc(300, "longest source, tokens")
    batch_articles: int = doc(16, "articles of one optimizer step")
    minutes: float = doc(20.0, "training time over all resumed runs; the learning rate follows it")
    lr: float = doc(1e-3, "peak learning rate of the decoder")

    def __post_init__(self) -> None:
        """Check the fields; all findings in one error."""
        wrong = self._findings()
        wrong += too_small(self, 1, "decoder_layers", "batch_articles") + too_small(self, 64, "characters", "max_length")
        if not 0 <= self.selected <= 1:
            wrong.append(f"selected must be a share in [0, 1], got {self.selected}")
        if wrong:
            raise ValueError("; ".join(wrong))


WRITERS = ("lead1", "lead2", "lead3", "textrank", "rules")  # summaries without a checkpoint
SYSTEMS = ("model", "keywords", "tfidf", "majority", *WRITERS)  # what evaluate compares, in the order of its table


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """Score a checkpoint and the baselines on annotated articles."""

    data: Path = doc(dataclasses.MISSING, "annotated .jsonl, or a folder of articles.jsonl and gold.jsonl")
    checkpoint: Path | None = doc(None, "folder of classifier/ and summarizer/; the shipped one if absent")
    train: str | None = doc(None, "files or folders to fit the baselines on, comma-separated; those of data/annotations if absent")
    corpora: Path | None = doc(None, "folder of .jsonl.zst with the texts of training annotations that have none; these are left out if absent")
    systems: str = doc(",".join(SYSTEMS), "what to run, in the order of the table")
    device: str = doc("auto", "auto, cpu or cuda")
    json: Path | None = doc(None, "file for the whole report")
    report: Path | None = doc(None, "HTML page to write about the checkpoint")
    pin: str = doc("", "name under which the figures become floors (training/floors.json)")
    lower_floors: bool = doc(False, "let --pin lower floors, or replace those of another gold set")
    log: Path | None = doc(None, "Markdown file to append the tables to, such as EXPERIMENTS.md")
    note: str = doc("", "a sentence for the log: what was tried, what came of it")
    limit: int = doc(0, "articles to evaluate, from the first; 0 for all")
    worst: int = doc(0, "ids to list of the articles on which the first system does worst")

    def __post_init__(self) -> None:
        """Check the fields; all findings in one error."""
        wrong = [f"systems: {name!r} is not one of {', '.join(SYSTEMS)}" for name in self.names if name not in SYSTEMS]
        wrong += [f"{name} must be 0 or more, got {value}" for name, value in (("limit", self.limit), ("worst", self.worst)) if value < 0]
        wrong += [f"{name} needs the system model" for name in ("report", "pin") if getattr(self, name) and "model" not in self.names]
        if wrong or not self.names:
            raise ValueError("; ".join(wrong) or "systems is empty")

    @property
    def names(self) -> list[str]:
        """Return the systems to run."""
        return [name.strip() for name in self.systems.split(",") if name.strip()]


@dataclasses.dataclass(frozen=True)
class OutcomesConfig:
    """Fitting of the ranker that decides which figure is which fact."""

    output: Path = doc(dataclasses.MISSING, "checkpoint folder to write, such as models/checkpoints/mine/outcomes")
    data: str = doc("data/processed", "what `python -m data prepare` wrote, or annotated articles")
    corpora: Path | None = doc(None, "folder of the corpora that annotations without text refer to by id")
    classifier: Path | None = doc(None, "checkpoint whose labels the development articles get; the shipped one if absent")
    name: str = doc("zhaoshang-facts", "name of the checkpoint in every answer")
    version: str = doc("0.1.0", "version of the checkpoint in every answer")
    device: str = doc("auto", "auto, cpu or cuda")


@dataclasses.dataclass(frozen=True)
class SelectionConfig:
    """Fitting of the choice of clauses for summaries."""

    output: Path = doc(dataclasses.MISSING, "checkpoint folder to write, such as models/checkpoints/mine/selection")
    data: str = doc("data/processed", "what `python -m data prepare` wrote, or annotated articles")
    corpora: Path | None = doc(None, "folder of the corpora that annotations without text refer to by id")
    classifier: Path | None = doc(None, "checkpoint whose labels the development articles get; the shipped one if absent")
    trees: int = doc(300, "trees behind the linear model")
    name: str = doc("zhaoshang-selection", "name of the checkpoint in every answer")
    version: str = doc("0.1.0", "version of the checkpoint in every answer")
    seed: int = doc(7, "random seed")
    device: str = doc("auto", "auto, cpu or cuda")

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.trees < 1:
            raise ValueError(f"trees must be at least 1, got {self.trees}")


@dataclasses.dataclass(frozen=True)
class RobustnessConfig:
    """Label articles as they are and changed in what does not matter, and compare."""

    data: Path = doc(dataclasses.MISSING, "annotated articles, as for evaluate; their annotations are not looked at")
    checkpoint: Path | None = doc(None, "folder of classifier/; the shipped one if absent")
    json: Path | None = doc(None, "file for the rows")
    limit: int = doc(0, "articles, from the first; 0 for all")
    seed: int = doc(7, "of the changes")
    device: str = doc("auto", "auto, cpu or cuda")


@dataclasses.dataclass(frozen=True)
class PromoteConfig:
    """Put a checkpoint into the place that is served, if it holds the floors and does not lose to the one there."""

    checkpoint: Path = doc(dataclasses.MISSING, "folder of classifier/ and summarizer/, or one of them: the candidate")
    data: Path = doc(dataclasses.MISSING, "annotated articles that neither has learnt from, as for evaluate")
    place: Path = doc(DEFAULT_CHECKPOINT, "folder of the checkpoint that is served")
    despite: str = doc("", "promote although it is refused; the reason goes into the history")
    device: str = doc("auto", "auto, cpu or cuda")


@dataclasses.dataclass(frozen=True)
class RollbackConfig:
    """Put the checkpoint back that the last promotion replaced."""

    place: Path = doc(DEFAULT_CHECKPOINT, "folder of the checkpoint that is served")


@dataclasses.dataclass(frozen=True)
class LeaveoutConfig:
    """Find label errors: train on all folds but one, list confident disagreements on that one."""

    data: str = doc(dataclasses.MISSING, "what `python -m data prepare` wrote, or annotated articles")
    output: Path = doc(dataclasses.MISSING, ".jsonl to write: suspected labels, the most confident first")
    corpora: Path | None = doc(None, "folder of the corpora that annotations without text refer to by id")
    base: str | None = doc(None, "base to fine-tune for each fold; the TF-IDF baseline (minutes instead of an hour) if absent")
    folds: int = doc(5, "parts of the articles")
    most: int = doc(0, "labels to list; 0 for all")
    epochs: int = doc(4, "passes over the training articles (with --base)")
    max_length: int = doc(512, "longest window, tokens (with --base)")
    lr: float = doc(5e-4, "peak learning rate (with --base)")
    seed: int = doc(7, "random seed")
    device: str = doc("auto", "auto, cpu or cuda")

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.folds < 2:
            raise ValueError(f"folds must be at least 2, got {self.folds}")


@dataclasses.dataclass(frozen=True)
class CurveConfig:
    """Learning curve over shares of the real training articles, with and without the written ones."""

    data: str = doc("data/processed", "what `python -m data prepare --corpora …` wrote")
    base: str | None = doc(None, "base to fine-tune; the model's rows are left out if absent")
    real_shares: str = doc("0.25,0.5,0.75,1", "shares of the real training articles, comma-separated")
    characters: int = doc(0, "characters of each article that are read, from the first; 0 for all")
    epochs: int = doc(5, "passes over the training articles")
    max_length: int = doc(512, "longest window, tokens")
    lr: float = doc(5e-4, "peak learning rate")
    json: Path | None = doc(None, "file for the rows, written as they come")
    seed: int = doc(7, "random seed")
    device: str = doc("auto", "auto, cpu or cuda")

    def __post_init__(self) -> None:
        """Check the shares."""
        if wrong := [share for share in self.shares if not 0 < share <= 1]:
            raise ValueError(f"real_shares must be in (0, 1], got {wrong[0]}")

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the shares as numbers."""
        return tuple(float(share) for share in self.real_shares.split(","))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the systems to run."""
        return ("tfidf", "model") if self.base else ("tfidf",)


@dataclasses.dataclass(frozen=True)
class BasesConfig:
    """Fine-tune several bases alike and set them side by side."""

    bases: str = doc(dataclasses.MISSING, "base folders, comma-separated; random:FOLDER for fresh weights of that architecture")
    data: str = doc("data/processed", "what `python -m data prepare` wrote")
    corpora: Path | None = doc(None, "folder of the corpora: telling their sections apart from frozen states; left out if absent")
    seeds: str = doc("7", "random seeds, comma-separated; every base runs with each")
    articles: int = doc(0, "training articles, the same ones for every base and seed; 0 for all")
    characters: int = doc(0, "characters of each training article that are read, from the first; 0 for all")
    epochs: int = doc(4, "passes over the training articles")
    max_length: int = doc(256, "longest window, tokens")
    lr: float = doc(5e-4, "peak learning rate")
    loss: str = doc("weighted", "as for finetune")
    agreement: float = doc(0.0, "as for finetune")
    average: int = doc(0, "as for finetune")
    json: Path | None = doc(None, "file for the rows, written as they come; rows in it are not run again")
    threads: int = doc(0, "CPU threads of torch; 0 leaves its own choice")
    device: str = doc("auto", "auto, cpu or cuda")

    @property
    def names(self) -> list[str]:
        """Return the bases."""
        return [name.strip() for name in self.bases.split(",") if name.strip()]

    @property
    def seed_numbers(self) -> list[int]:
        """Return the seeds as numbers."""
        return [int(seed) for seed in self.seeds.split(",") if seed.strip()]

    def __post_init__(self) -> None:
        """Check the lists."""
        if not self.names:
            raise ValueError("bases is empty")
        if not self.seeds.strip(", ") or not all(seed.strip().isdigit() for seed in self.seeds.split(",") if seed.strip()):
            raise ValueError(f"seeds must be whole numbers, got {self.seeds!r}")


@dataclasses.dataclass(frozen=True)
class PlotConfig:
    """Draw the loss and the throughput of pretraining runs."""

    runs: str = doc(dataclasses.MISSING, "base folders of pretraining runs, comma-separated")
    output: Path = doc(Path("out/pretraining.svg"), "picture to write, .svg or .png")


@dataclasses.dataclass(frozen=True)
class BlindConfig:
    """Write a sheet for a blind comparison of summaries, or count a filled one."""

    data: Path = doc(Path("data/processed/test.parquet"), "annotated articles, as for evaluate")
    output: Path = doc(Path("out/blind.jsonl"), "sheet to write; its key stands beside it")
    checkpoint: Path | None = doc(None, "checkpoint whose summaries are compared; the shipped one if absent")
    against: str = doc("lead2", "the other summaries: lead1, lead2, lead3, textrank or rules")
    articles: int = doc(60, "articles of the domain to draw")
    seed: int = doc(7, "of the articles and of the order of the sides")
    device: str = doc("auto", "auto, cpu or cuda")
    count: Path | None = doc(None, "filled sheet to count instead")

    def __post_init__(self) -> None:
        """Check the fields; all findings in one error."""
        wrong = [] if self.against in WRITERS else [f"against: {self.against!r} is not one of {', '.join(WRITERS)}"]
        wrong += too_small(self, 1, "articles")
        if wrong:
            raise ValueError("; ".join(wrong))


@dataclasses.dataclass(frozen=True)
class AuditConfig:
    """Look at a folder of annotations as a whole: written against real articles, first against second summaries."""

    corpora: Path = doc(dataclasses.MISSING, "folder of the corpora that annotations without text refer to by id")
    data: Path = doc(Path("data/annotations"), "folder of annotations")


_SAVED_BESIDE = {"date", "n_train", "n_dev"}  # what a manifest's config says besides the fields


def read_config(path: Path, fields: list[dataclasses.Field[Any]]) -> dict[str, Any]:
    """Return the fields of a JSON file: a config, or the manifest of a checkpoint that a run has written.

    Raises:
        typer.BadParameter: not readable as JSON, or keys that are no fields.

    """
    try:
        row = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--config {path}: {error}") from error
    values = row["config"] if "format" in row and "config" in row else row
    known = {field.name for field in fields} | {"kind"}
    unknown = sorted(set(values) - known - _SAVED_BESIDE)
    if unknown and values is not row:  # a checkpoint of another version: its other fields still repeat the run
        logger.warning("%s: fields that this version does not know are left out: %s", path, ", ".join(unknown))
    elif unknown:
        raise typer.BadParameter(f"--config {path}: unknown fields {', '.join(unknown)}")
    return {key: value for key, value in values.items() if key in known}


def to_json(config: Any) -> dict[str, Any]:
    """Return the fields of a config dataclass as JSON values (paths as strings)."""
    return {key: str(value) if isinstance(value, Path) else value for key, value in dataclasses.asdict(config).items()}


def named_config(config: Any) -> dict[str, Any]:
    """Return the same with folders reduced to their names: what a file that travels may say of the machine it was made on."""
    return {key: value.name if isinstance(value, Path) else name_folders(value) for key, value in dataclasses.asdict(config).items()}


def name_folders(value: Any) -> Any:
    """Return a comma-separated list of folders with the absolute ones reduced to their names; any other value as it is."""
    if not isinstance(value, str) or "/" not in value:
        return value
    return ",".join(Path(part).name if Path(part).is_absolute() else part for part in value.split(","))


def options_from(config_type: type[Config], **fixed: Any) -> Callable[[Callable[[Config], Any]], Callable[..., None]]:
    """Return a decorator that turns ``run(config)`` into a Typer command with one flag a field.

    ``--config FILE`` reads a JSON file of fields first; flags given beside it win. ``fixed`` fields get no flag:
    the command's own name says them.
    """

    def decorate(run: Callable[[Config], Any]) -> Callable[..., None]:
        hints = get_type_hints(config_type)
        fields = [field for field in dataclasses.fields(config_type) if field.name not in fixed]  # type: ignore[arg-type]

        def command(config: Path | None = None, **given: Any) -> None:
            values = read_config(config, fields) if config else {}
            values |= {key: value for key, value in given.items() if value is not None} | fixed
            values = {key: Path(v) if "Path" in str(hints[key]) and v is not None else v for key, v in values.items()}
            try:
                made = config_type(**values)
            except (TypeError, ValueError) as error:
                raise typer.BadParameter(str(error)) from error
            run(made)

        parameters = [
            inspect.Parameter(
                "config", inspect.Parameter.KEYWORD_ONLY, default=typer.Option(None, help="JSON file of a run to repeat"), annotation=Path | None
            )
        ]
        for field in fields:
            default = "required" if field.default is dataclasses.MISSING else f"default: {field.default}"
            option = typer.Option(None, help=f"{field.metadata['help']} [{default}]", show_default=False)
            parameters.append(inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=hints[field.name] | None))
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        command.__doc__ = run.__doc__ or config_type.__doc__
        return command

    return decorate
