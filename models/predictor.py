"""The one way from ``Article`` to ``Result``: clean, window, classify, read figures, summarise, map offsets back.

``score``, the API, notebooks and evaluation all call ``Predictor.analyze``, so a label cannot differ by route.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from transformers import AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from data.clean import Cleaned, clean_text, clean_title
from data.errors import CheckpointRefused, RecordError
from data.schema import Article, Figure, Group, Outcomes
from data.taxonomy import OTHER, Taxonomy
from models.classifier import Encoded, TorchClassifier, encode_article, pool_windows, probs_of
from models.copynet import CopySummarizer, is_copynet, load_copynet
from models.decoding import Decoding, decode_activities, decode_industries, is_doubtful
from models.device import pick_device
from models.factrank import FactRanker
from models.lexical import join_lines, page_of
from models.outcomes import build_outcomes
from models.paths import DEFAULT_CHECKPOINT
from models.registry import Manifest, open_checkpoint
from models.result import Evidence, InputReport, LabelScore, Options, Result, ReviewReason, Summary
from models.selector import ClauseSelector
from models.sentences import split_sentences
from models.summarizer import Engine, Generation, TorchSummarizer, summarize
from models.votes import VoteModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """An article cleaned and tokenised, before any model has run."""

    article: Article
    title: str | None
    cleaned: Cleaned
    encoded: Encoded


@dataclass(frozen=True)
class Labelled:
    """The classifier's answer for one article: probabilities by label, and each window's main activity."""

    activity: dict[str, float]
    industry: dict[str, float]
    main: dict[str, float]
    window_mains: tuple[tuple[str, float], ...]


class Predictor:
    """Both checkpoints, loaded, behind ``analyze``. Not for several threads at once: callers queue."""

    def __init__(
        self, classifier: TorchClassifier, tokenizer: PreTrainedTokenizerBase, manifest: Manifest,
        summarizer: Engine | None = None, summarizer_manifest: Manifest | None = None, max_length: int = 512,
        votes: VoteModel | None = None, facts: FactRanker | None = None, facts_manifest: Manifest | None = None,
        selector: ClauseSelector | None = None, selector_manifest: Manifest | None = None,
    ) -> None:  # fmt: skip
        """Join loaded parts; ``load`` is the usual way."""
        self.classifier = classifier
        self.tokenizer = tokenizer
        self.manifest = manifest
        self.decoding = Decoding.from_json(manifest.decoding, manifest.taxonomy)
        self.taxonomy: Taxonomy = manifest.taxonomy
        self.summarizer = summarizer
        self.summarizer_manifest = summarizer_manifest
        self.max_length = max_length
        self.votes = votes
        self.facts = facts
        self.facts_manifest = facts_manifest
        self.selector = selector
        self.selector_manifest = selector_manifest
        self.tag = {
            "classifier": manifest.tag,
            "summarizer": self._summarizer_tag(),
            **({"outcomes": facts_manifest.tag} if facts_manifest else {}),
            "taxonomy": manifest.taxonomy.version,
        }

    @classmethod
    def load(cls, checkpoint: Path = DEFAULT_CHECKPOINT, device: str = "auto", threads: int = 0) -> "Predictor":
        """Load ``checkpoint/classifier``, ``summarizer``, ``selection`` and ``outcomes`` after checking every file of them.

        Args:
            checkpoint: folder of the checkpoints; without ``summarizer`` summaries are extractive, without ``selection`` by rules, without ``outcomes`` rules alone decide the facts.
            device: auto, cpu or cuda.
            threads: CPU threads of torch; 0 leaves its own choice.

        Raises:
            CheckpointRefused: something in the folder does not match.

        """
        target = pick_device(device)
        if threads:
            torch.set_num_threads(threads)
        folder = checkpoint / "classifier"
        manifest = open_checkpoint(folder, "classifier")
        tokenizer, model = _load(AutoModelForSequenceClassification, folder, target)
        classifier = TorchClassifier(model, int(tokenizer.pad_token_id), target)
        votes = VoteModel.load(folder, manifest.taxonomy)
        summarizer: Engine | None = None
        summarizer_manifest = None
        if (checkpoint / "summarizer").exists():
            summarizer_manifest = open_checkpoint(checkpoint / "summarizer", "summarizer")
            if summarizer_manifest.taxonomy.sha256 != manifest.taxonomy.sha256:
                raise CheckpointRefused(f"{checkpoint}: classifier and summarizer were made for different taxonomies")
            generation = Generation.from_json(summarizer_manifest.decoding)
            if generation.min_score < 0:  # a decoder whose gate is shut is verified but takes no memory
                summarizer = _load_summarizer(checkpoint / "summarizer", generation, target)
        facts, facts_manifest = None, None
        if (checkpoint / "outcomes").exists():
            facts_manifest = open_checkpoint(checkpoint / "outcomes", "outcomes")
            facts = FactRanker.load(checkpoint / "outcomes")
        selector, selector_manifest = None, None
        if (checkpoint / "selection").exists():
            selector_manifest = open_checkpoint(checkpoint / "selection", "selection")
            if selector_manifest.taxonomy.sha256 != manifest.taxonomy.sha256:
                raise CheckpointRefused(f"{checkpoint}: classifier and selection were made for different taxonomies")
            selector = ClauseSelector.load(checkpoint / "selection")
        max_length = int(manifest.config.get("max_length", 512))
        logger.info("loaded %s on %s with %d threads", manifest.tag, target, torch.get_num_threads())
        return cls(
            classifier, tokenizer, manifest, summarizer, summarizer_manifest, max_length, votes, facts, facts_manifest, selector, selector_manifest
        )  # fmt: skip

    def _summarizer_tag(self) -> str:
        """Return what writes the summaries: the decoder where its gate is open, else what chooses clauses, else the rules."""
        if self.selector_manifest is not None and self.summarizer is None:
            return self.selector_manifest.tag
        return self.summarizer_manifest.tag if self.summarizer_manifest else "extractive@1"

    # Public ---------------------------------------------------------------------------------------------------

    def analyze(self, articles: Sequence[Article], options: Options = Options()) -> list[Result | RecordError]:  # noqa: B008 (frozen)
        """Return one result or error per article, in order; windows of all articles share the batches."""
        prepared = [self._prepare(article, row) for row, article in enumerate(articles)]
        good = [p for p in prepared if isinstance(p, Prepared)]
        labelled = iter(self._classify(good) if good else [])
        evidence = iter(self._find_evidence(good) if good and options.evidence and options.labels else [{}] * len(good))
        return [p if isinstance(p, RecordError) else self._finish(p, next(labelled), next(evidence), options) for p in prepared]

    def label_probs(self, articles: Sequence[Article]) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities, (n_articles, n_outputs): activities, industries, main activities, in the order of the taxonomy.

        Raises:
            RecordError: an article without text.

        """
        prepared = []
        for row, article in enumerate(articles):
            item = self._prepare(article, row)
            if isinstance(item, RecordError):
                raise item
            prepared.append(item)
        found = self._classify(prepared) if prepared else []
        return np.array([[*one.activity.values(), *one.industry.values(), *one.main.values()] for one in found])

    def count_tokens(self, text: str) -> int:
        """Return the tokens of a text, without special ones."""
        return len(self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def describe(self) -> dict[str, Any]:
        """Return the body of ``GET /v1/model``."""
        manifests = {
            "classifier": self.manifest,
            "summarizer": self.summarizer_manifest,
            "outcomes": self.facts_manifest,
            "selection": self.selector_manifest,
        }
        models = {
            kind: {"name": m.name, "version": m.version, "sha256": m.sha256, "decoding": m.decoding, "metrics": m.metrics}
            for kind, m in manifests.items()
            if m is not None
        }
        taxonomy = {**self.taxonomy.to_json(), "sha256": self.taxonomy.sha256}
        engine = {
            "name": "torch",
            "version": torch.__version__,
            "device": str(self.classifier.device),
            "threads": torch.get_num_threads(),
            "dtype": "float32",
        }
        return {**self.tag, "models": models, "labels": taxonomy, "clean_version": self.manifest.clean_version, "engine": engine}

    # Steps ----------------------------------------------------------------------------------------------------

    def _prepare(self, article: Article, row: int) -> Prepared | RecordError:
        cleaned = clean_text(article.text)
        if not cleaned.text.strip():
            return RecordError("empty_text", "the text is empty (after cleaning)", article.origin, article.line, article.id)
        title = clean_title(article.title)
        return Prepared(article, title, cleaned, encode_article(self.tokenizer, title, cleaned.text, self.max_length, row))

    def _classify(self, prepared: Sequence[Prepared]) -> list[Labelled]:
        rows = [ids for p in prepared for ids in p.encoded.input_ids]
        owner = torch.tensor([i for i, p in enumerate(prepared) for _ in p.encoded.input_ids])
        logits = self.classifier.run(rows)
        pooled = pool_windows(logits, owner, len(prepared), self.taxonomy)
        if self.votes is not None:  # votes are on the whole article: each of its windows has them all
            votes = self.votes.run([(p.title, p.cleaned.text) for p in prepared])
            pooled, logits = pooled + votes, logits + votes[owner]
        activity, industry, main = (t.tolist() for t in probs_of(pooled, self.taxonomy, self.decoding))
        per_window = probs_of(logits, self.taxonomy, self.decoding)[2]
        keys = self.taxonomy.activity
        return [
            Labelled(
                dict(zip(keys, activity[i], strict=True)),
                dict(zip(self.taxonomy.industry, industry[i], strict=True)),
                dict(zip(keys, main[i], strict=True)),
                tuple((keys[int(p.argmax())], float(p.max())) for p in per_window[owner == i]),
            )
            for i in range(len(prepared))
        ]

    def _find_evidence(self, prepared: Sequence[Prepared]) -> list[dict[str, tuple[int, int]]]:
        """Return for each article and label the sentence (span of the cleaned text) that speaks most for it.

        Where the checkpoint has n-grams, it is the sentence whose n-grams add most to the label's logit: exact for that part, and no further pass. Else each sentence is read on its own.
        """
        spans = [[(a, b) for a, b in split_sentences(p.cleaned.text) if p.cleaned.text[a:b].strip()] for p in prepared]
        names = [f"activity/{k}" for k in self.taxonomy.activity] + [f"industry/{k}" for k in self.taxonomy.industry]
        if self.votes is not None:
            scores = [self._ngram_evidence(self.votes, p, own) for p, own in zip(prepared, spans, strict=True)]
        else:
            rows = [ids for p, own in zip(prepared, spans, strict=True) for a, b in own for ids in self._sentence_ids(p.cleaned.text[a:b])]
            bounds = np.cumsum([len(own) for own in spans])[:-1]
            scores = np.split(self.classifier.run(rows).numpy(), bounds)
        return [dict(zip(names, (own[i] for i in rows.argmax(axis=0)[: len(names)]), strict=True)) for own, rows in zip(spans, scores, strict=True)]

    def _ngram_evidence(self, votes: VoteModel, item: Prepared, spans: Sequence[tuple[int, int]]) -> npt.NDArray[np.float32]:
        pieces = [join_lines(item.cleaned.text[start:end]) for start, end in spans]
        page = page_of(item.title, "") + "".join(pieces)
        offset = len(page) - sum(map(len, pieces))  # headlines stand in front: they have no offsets and are no evidence
        return votes.attribute(page, [0, *(offset + start for start in accumulate([0, *map(len, pieces[:-1])]))])[1:]

    def _sentence_ids(self, sentence: str) -> list[tuple[int, ...]]:
        return [encode_article(self.tokenizer, None, sentence, self.max_length).input_ids[0]]

    def _finish(self, item: Prepared, labelled: Labelled, evidence: dict[str, tuple[int, int]], options: Options) -> Result:
        activities = decode_activities(labelled.activity, labelled.main, self.decoding)
        industries = decode_industries(labelled.industry, self.decoding)
        outcomes = build_outcomes(item.cleaned.text, item.title, activities, self.facts)
        summary = self._summary(item, activities, outcomes, options)
        reasons = self._review(item, labelled, activities, summary, outcomes if options.summary else None)
        probs: dict[Group, dict[str, float]] = {"activity": labelled.activity, "industry": labelled.industry}
        return Result(
            id=item.article.id,
            input=InputReport(
                characters=len(item.article.text), tokens=item.encoded.n_tokens, tokens_used=item.encoded.n_used,
                cleaning=item.cleaned.steps, text=item.article.text if item.article.text_extracted else None,
            ),
            model=dict(self.tag),
            activity=self._scores(item, "activity", activities, labelled.activity, evidence) if options.labels else None,
            industry=self._scores(item, "industry", industries, labelled.industry, evidence) if options.labels else None,
            summary=summary,
            outcomes=_on_source(outcomes, item) if options.summary else None,
            review_reasons=reasons,
            probs=probs if options.labels and options.probs == "all" else None,
            with_evidence=options.evidence,
            main_prob=max(labelled.main.values()),
        )  # fmt: skip

    def _scores(
        self, item: Prepared, group: Group, keys: Sequence[str], probs: dict[str, float], evidence: dict[str, tuple[int, int]]
    ) -> tuple[LabelScore, ...]:
        def proof(key: str) -> Evidence | None:
            span = evidence.get(f"{group}/{key}")
            if span is None:
                return None
            start, end = item.cleaned.to_source(*_strip(item.cleaned.text, *span))
            return Evidence(item.article.text[start:end], start, end)

        return tuple(LabelScore(key, self.taxonomy.name(group, key), probs[key], proof(key)) for key in keys)

    def _summary(self, item: Prepared, activities: Sequence[str], outcomes: Outcomes, options: Options) -> Summary | None:
        wanted = options.summaries == "all" or (options.summaries == "domain" and list(activities) != [OTHER])
        if not (options.summary and wanted):
            return None
        text, title, selector = item.cleaned.text, item.title, self.selector
        if selector is None:
            return summarize(self.summarizer, title, text, outcomes, brief=list(activities) == [OTHER])
        own = (text, title, outcomes, activities, self.taxonomy)
        choose, pick, read = partial(selector.summarize, *own), partial(selector.pick_sentences, *own), partial(selector.read_expected, *own)
        return summarize(self.summarizer, title, text, outcomes, list(activities) == [OTHER], choose, pick, read)

    def _review(
        self, item: Prepared, labelled: Labelled, activities: Sequence[str], summary: Summary | None, outcomes: Outcomes | None
    ) -> tuple[ReviewReason, ...]:
        reasons: list[ReviewReason] = []
        if is_doubtful(labelled.activity, labelled.industry, labelled.main, self.decoding):
            reasons.append("low_confidence")
        if len(labelled.window_mains) > 1 and any(key not in activities and prob >= 0.5 for key, prob in labelled.window_mains):
            reasons.append("windows_disagree")  # some window is surely about something that the whole is not
        if item.encoded.n_unknown > 0.05 * item.encoded.n_tokens or _chinese_share(item.cleaned.text) < 0.3:
            reasons.append("out_of_domain")
        if item.cleaned.damage:
            reasons.append("damaged_input")
        if summary and summary.ungrounded:
            reasons.append("ungrounded")
        if outcomes and outcomes.conflicts:
            reasons.append("conflict")
        if item.encoded.n_used < item.encoded.n_tokens:
            reasons.append("truncated")
        return tuple(reasons)


def _load(auto_class: Any, folder: Path, device: torch.device) -> tuple[PreTrainedTokenizerBase, Any]:
    """Return tokenizer and model of a verified folder, as float32, without any code or network of others."""
    disable_progress_bar()  # type: ignore[no-untyped-call]  # it would stand between our own lines on stderr
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        model, report = auto_class.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise CheckpointRefused(f"{folder}: cannot be loaded ({type(error).__name__}: {error})") from error
    gaps = {key: sorted(map(str, report[key])) for key in ("missing_keys", "mismatched_keys", "unexpected_keys") if report[key]}
    if gaps:  # transformers would fill them with random weights and only print a note
        raise CheckpointRefused(f"{folder}: the weights do not fit the model: {gaps}")
    return tokenizer, model.to(device).eval()


def _load_summarizer(folder: Path, generation: Generation, device: torch.device) -> Engine:
    """Return the decoder of a verified folder: one that copies, or any sequence-to-sequence model of ``transformers``."""
    if is_copynet(folder):
        tokenizer, model = load_copynet(folder)
        return CopySummarizer(model.to(device), tokenizer, generation, device)
    tokenizer, other = _load(AutoModelForSeq2SeqLM, folder, device)
    return TorchSummarizer(other, tokenizer, generation, device)


def _on_source(outcomes: Outcomes, item: Prepared) -> Outcomes:
    """Return the outcomes with every span on the submitted text."""

    def move(figure: Figure) -> Figure:
        start, end = item.cleaned.to_source(figure.start, figure.end)
        return replace(figure, start=start, end=end, text=item.article.text[start:end])

    return replace(outcomes, mentions=tuple(move(figure) for figure in outcomes.mentions))


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without white space at its ends."""
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def _chinese_share(text: str) -> float:
    """Return the share of Chinese characters among all that are no white space."""
    solid = [char for char in text[:5000] if not char.isspace()]
    return sum("\u4e00" <= char <= "\u9fff" for char in solid) / max(len(solid), 1)
