import dataclasses

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from tests.training.test_pairs import DOCUMENT, TEXT
from tests.training.test_pretrain import config, corpora  # noqa: F401 (fixtures)
from training.corpus import Document
from training.pairs import COPY, gap_sentences
from training.pretrain import Batches, prepare_cache
from training.probe_seq2seq import measure_seq2seq

CPU = torch.device("cpu")


@pytest.fixture
def model(tiny_bases):
    return AutoModelForSeq2SeqLM.from_pretrained(str(tiny_bases["seq2seq"])).train()


def test_digits_are_counted_as_the_model_predicts_them(model, tokenizer):
    found = measure_seq2seq(model, tokenizer, [DOCUMENT], lambda text: text, CPU)
    target = "".join(TEXT[a:b] for a, b in gap_sentences(TEXT))
    source = tokenizer(COPY + TEXT, return_tensors="pt")
    labels = tokenizer(target, return_tensors="pt")["input_ids"][:, 1:]
    with torch.inference_mode():
        predicted = model.eval()(input_ids=source["input_ids"], labels=labels).logits.argmax(-1)[0]
    places = [i for i, char in enumerate(target) if char.isdigit()]
    assert len(places) >= 3
    assert found["digit_accuracy"] == pytest.approx(sum(int(predicted[i] == labels[0, i]) for i in places) / len(places), abs=1e-4)
    assert 0 <= found["title_rouge_l"] <= 1
    assert found["target_loss_per_character"] > 0


def test_several_documents_are_measured_as_each_alone(model, tokenizer):
    other = dataclasses.replace(DOCUMENT, id="other", title=f"{DOCUMENT.title}：又一个项目")
    both, one, two = (measure_seq2seq(model, tokenizer, documents, lambda text: text, CPU) for documents in ([DOCUMENT, other], [DOCUMENT], [other]))
    sizes = [len(DOCUMENT.title), len(other.title)]
    mean = sum(size * found["target_loss_per_character"] for size, found in zip(sizes, (one, two), strict=True)) / sum(sizes)
    assert both["target_loss_per_character"] == pytest.approx(mean, abs=2e-3)
    assert both["digit_accuracy"] == one["digit_accuracy"] == two["digit_accuracy"]


def test_a_model_that_repeats_the_title_scores_one(model, tokenizer, monkeypatch):
    ids = tokenizer(DOCUMENT.title, return_tensors="pt")["input_ids"]
    monkeypatch.setattr(model, "generate", lambda **inputs: ids)
    assert measure_seq2seq(model, tokenizer, [DOCUMENT], lambda text: text, CPU)["title_rouge_l"] == 1


def test_documents_that_fit_no_task_measure_nothing(model, tokenizer):
    found = measure_seq2seq(model, tokenizer, [Document("d", None, "短。", None)], lambda text: text, CPU)
    assert set(found.values()) == {None}
    assert model.training


def test_held_out_documents_make_no_pairs(config):  # noqa: F811
    config = dataclasses.replace(config, kind="seq2seq")
    batches = Batches(config, prepare_cache(config))
    assert batches.held_out_documents
    assert not {d.id for d in batches.documents} & {d.id for d in batches.held_out_documents}
