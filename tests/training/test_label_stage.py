"""The second stage: articles drawn without any annotated one, labelled by functions, learnt by the student."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from data.annotations import to_row
from data.clean import clean_text, clean_title
from data.encodings import encode_line
from data.errors import InputError
from data.schema import Annotation, Article, Example, content_hash
from data.taxonomy import load_taxonomy
from models.predictor import Predictor
from models.registry import label_names
from tests.corpora import text_of
from tests.training.test_finetune import examples
from training.config import FinetuneConfig, LabelsConfig
from training.dataset import Splits, read_splits
from training.finetune import finetune_classifier
from training.label_stage import LabelledArticles, draw_articles, prepare_articles, pretrain_on_labels

TAXONOMY = load_taxonomy()


def made(id, text):
    return Example(Article(id, text), Annotation(id, ("other",), (), ""))


def test_articles_are_drawn_without_annotated_ones_and_their_reprints(corpora):
    splits = Splits(examples(40), [made("n:95", text_of(95))], tests={"test": [made("x", "综合消息。" + text_of(97))]})
    found = [d.id for d in draw_articles(corpora, 6, splits, seed=1)]
    assert len(set(found)) == 6
    assert found == [d.id for d in draw_articles(corpora, 6, splits, seed=1)]
    everything = {d.id for d in draw_articles(corpora, 100, splits, seed=1)}
    assert everything == {f"n:{i}" for i in range(95, 109)} - {"n:95", "n:97"}  # one annotated, one a reprint of what measures


@pytest.fixture
def config(tiny_bases, tmp_path, corpora):
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in examples(60)))
    return LabelsConfig(
        base=tiny_bases["encoder"], corpora=corpora, output=tmp_path / "run", data=str(tmp_path / "a.jsonl"), articles=8, batch_articles=3,
        max_length=128, minutes=0.05, log_steps=1, compile=False, device="cpu", threads=1,
    )  # fmt: skip


def stream_of(config, tokenizer):
    prepare_articles(config, tokenizer, read_splits(config.data, None, 0.2), TAXONOMY)
    return LabelledArticles(config, int(tokenizer.pad_token_id), TAXONOMY)


def test_a_pass_reads_every_article_once_and_the_next_in_another_order(config, tokenizer):
    stream = stream_of(config, tokenizer)
    assert (stream.n_articles, stream.batches_a_pass) == (8, 2)
    passes = [torch.cat([stream.draw(2 * number + i, 0.0)["input_ids"] for i in range(2)]) for number in range(2)]
    rows = [{tuple(row.tolist()) for row in p} for p in passes]
    assert len(rows[0]) == len(rows[1]) == 6  # two whole batches of three; the rest waits for another pass
    assert not torch.equal(passes[0], passes[1])
    again = stream_of(config, tokenizer)  # from the cache
    assert torch.equal(again.draw(3, 0.9)["labels"], stream.draw(3, 0.1)["labels"])


def test_batches_are_articles_with_probabilities(config, tokenizer):
    batch = stream_of(config, tokenizer).draw(0, 0.0)
    assert batch["input_ids"].shape == (3, 128)
    assert torch.equal(batch["attention_mask"], (batch["input_ids"] != tokenizer.pad_token_id).long())
    labels = batch["labels"]
    assert labels.shape == (3, len(label_names(TAXONOMY)))
    assert bool(((labels >= 0) & (labels <= 1)).all())
    np.testing.assert_allclose(labels[:, -len(TAXONOMY.activity) :].sum(1), 1, atol=2e-3)


def test_the_stage_writes_a_base_that_finetuning_takes_with_its_head(config, tmp_path):
    base = pretrain_on_labels(config)
    stage = json.loads((config.output / "stage.json").read_text())
    assert set(stage["development"]) == {"teacher", "student"}
    assert stage["articles"] == 8
    assert all(np.isfinite(row["loss"]) for row in stage["log"])
    model = AutoModelForSequenceClassification.from_pretrained(str(base))
    assert list(model.config.id2label.values()) == label_names(TAXONOMY)
    made = finetune_classifier(
        FinetuneConfig(base=str(base), output=tmp_path / "c", data=config.data, epochs=0, max_length=128, lexical=0, device="cpu")
    )
    kept = AutoModelForSequenceClassification.from_pretrained(str(tmp_path / "c"))
    assert torch.equal(kept.classifier.weight, model.classifier.weight)
    assert made.config["base"] == "base"
    assert pretrain_on_labels(config) == base  # the time is spent: nothing more is trained


def test_a_fine_tuned_checkpoint_teaches_in_the_place_of_labelling_functions(config, tmp_path, tokenizer):
    finetune_classifier(
        FinetuneConfig(
            base=str(config.base), output=tmp_path / "t" / "classifier", data=config.data, epochs=1, max_length=128, lexical=500, device="cpu"
        )
    )
    taught = dataclasses.replace(config, teacher=tmp_path / "t")
    stream = stream_of(taught, tokenizer)
    splits = read_splits(config.data, None, 0.2)
    drawn = draw_articles(config.corpora, config.articles, splits, config.seed)
    articles = [Article(d.id, clean_text(d.text[: 2 * config.characters]).text[: config.characters], clean_title(d.title)) for d in drawn]
    np.testing.assert_allclose(stream.targets, Predictor.load(tmp_path / "t", "cpu").label_probs(articles), atol=1e-3)
    with pytest.raises(InputError, match="teacher"):  # labels of another kind are not taken for these
        stream_of(config, tokenizer)
    assert set(json.loads((pretrain_on_labels(taught).parent / "stage.json").read_text())["development"]) == {"teacher", "student"}


def test_a_text_longer_than_a_row_fills_it(config, tokenizer):
    short = dataclasses.replace(config, max_length=64, output=config.output.with_name("short"))
    for step in range(2):
        assert bool((stream_of(short, tokenizer).draw(step, 0.0)["attention_mask"].sum(1) == 64).all())


def test_a_cache_made_for_something_else_is_refused(config, tokenizer):
    stream_of(config, tokenizer)
    for change in ({"characters": 300}, {"max_length": 96}, {"articles": 7}):
        with pytest.raises(InputError, match=f"{next(iter(change))} .*, now"):
            stream_of(dataclasses.replace(config, **change), tokenizer)


def test_real_annotations_without_text_are_not_drawn(config, tokenizer, corpora):
    row = to_row(examples(1)[0]) | {"id": "n:96", "text": None, "text_sha256": content_hash(text_of(96)), "split": "test"}
    rows = [{**to_row(e), "split": "development" if i % 4 == 0 else "train"} for i, e in enumerate(examples(40))]
    (config.output.parent / "b.jsonl").write_bytes(b"".join(encode_line(r) for r in (*rows, row)))
    splits = read_splits(str(config.output.parent / "b.jsonl"), corpora, 0.2)
    assert "n:96" in splits.ids
    assert "n:96" not in {d.id for d in draw_articles(corpora, 100, splits, 1)}


def test_findings_are_told_together(tmp_path):
    with pytest.raises(ValueError, match=r"minutes must be above 0.*articles must be above 0"):
        LabelsConfig(base=tmp_path, corpora=tmp_path, output=tmp_path, minutes=0, articles=0)
