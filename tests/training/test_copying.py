"""The stage that teaches a decoder to copy, and fine-tuning behind it."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from data.annotations import to_row
from data.encodings import encode_line
from data.errors import InputError
from models.copynet import TASKS, CopyTokens, is_copynet, load_copynet
from models.faithfulness import check_summary
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.registry import open_checkpoint
from tests.training.test_finetune import examples
from training.config import CopyConfig, FinetuneConfig
from training.copying import SOURCE_CHARACTERS, CopyStream, SelectionTeacher, pretrain_copying, read_articles
from training.corpus import Document
from training.finetune_summarizer import finetune_summarizer


@pytest.fixture
def config(tiny_bases, tmp_path, corpora):
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in examples(40)))
    return CopyConfig(
        base=tiny_bases["encoder"], corpora=corpora, output=tmp_path / "run", data=str(tmp_path / "a.jsonl"), batch_articles=3, max_length=128, characters=120,
        decoder_layers=1, minutes=0.03, log_steps=1, device="cpu", threads=1,
    )  # fmt: skip


def test_batches_are_those_of_their_step(config, tokenizer):
    articles = read_articles(config)
    assert not {a.id for a in articles} & {e.article.id for e in examples(40)}
    one, two = (CopyStream(articles, CopyTokens(tokenizer), config) for _ in range(2))
    for step in (0, 5, 9, 3):
        a, b = one.draw(step, 0.0), two.draw(step, 0.0)
        assert all(torch.equal(a[key], b[key]) for key in a)
        assert a["input_ids"].shape == a["copy_ids"].shape == a["attention_mask"].shape
        assert a["labels"].shape == a["decoder_input_ids"].shape
        assert set(a["task"].tolist()) <= set(range(len(TASKS)))


def test_the_stage_resumes_and_its_base_is_fine_tuned_and_served(config, tiny_checkpoint, tmp_path):
    base = pretrain_copying(config)
    told = json.loads((base / "pretraining.json").read_text("utf-8"))
    assert all(np.isfinite(row["loss"]) for row in told["log"])
    assert pretrain_copying(config) == base  # the time is spent: nothing more is trained
    made = finetune_summarizer(
        FinetuneConfig(
            base=str(base),
            kind="summarizer",
            output=tmp_path / "c" / "summarizer",
            data=config.data,
            epochs=1,
            max_length=128,
            selection=tmp_path / "none",
            device="cpu",
        )
    )
    assert open_checkpoint(tmp_path / "c" / "summarizer", "summarizer").sha256 == made.sha256
    assert is_copynet(tmp_path / "c" / "summarizer")
    (tmp_path / "c" / "classifier").symlink_to(tiny_checkpoint / "classifier")
    assert Predictor.load(tmp_path / "c", "cpu").tag["summarizer"] == made.tag


def test_a_base_of_another_kind_is_refused(config, tmp_path, tiny_bases):
    folder = tmp_path / "bert"
    from transformers import BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(str(tiny_bases["encoder"]))
    BertModel(
        BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    with pytest.raises(InputError, match="modernbert"):
        pretrain_copying(dataclasses.replace(config, base=folder))


def test_a_network_goes_on(config):
    base = pretrain_copying(config)
    further = pretrain_copying(dataclasses.replace(config, base=base, output=config.output.with_name("further"), minutes=1e-9))
    before, after = (load_copynet(folder)[1].state_dict() for folder in (base, further))
    assert all(torch.allclose(before[key], after[key], atol=1e-3) for key in before)  # one step at the first rate of the warm-up


TEXT = (
    "3月5日，青河市在长洲举行招商推介会，市长李明出席并致辞，来自长洲的六十余家企业负责人参加。会上，青河市推介了装备制造和新材料产业，介绍了园区的用地和人才政策。"
    "推介会现场签约项目12个，总投资86亿元，涵盖电子信息、新能源等领域。与会企业家表示，青河区位好、配套齐全，愿意多去看看。会后，客商一行还参观了当地的规划馆和老城。"
    * 3
)


def test_a_teachers_summary_is_supported_and_its_source_short():
    source, summary = SelectionTeacher(DEFAULT_CHECKPOINT / "selection").pair(
        Document("a", "青河市赴长洲招商签约12个项目", TEXT, None), SOURCE_CHARACTERS
    )
    assert len(source) <= SOURCE_CHARACTERS < len(TEXT)
    assert 30 <= len(summary) <= 160
    assert not check_summary(summary, TEXT, "青河市赴长洲招商签约12个项目")
    assert SelectionTeacher(DEFAULT_CHECKPOINT / "selection").pair(Document("b", None, "短。", None), SOURCE_CHARACTERS) is None


def test_taught_batches_are_those_of_their_step(config, tokenizer):
    config = dataclasses.replace(config, selection=DEFAULT_CHECKPOINT / "selection", selected=1.0, articles=20)
    articles = [Document(str(i), None, TEXT.replace("12个", f"{i + 12}个"), None) for i in range(30)]
    one, two = (CopyStream(articles, CopyTokens(tokenizer), config).draw(1, 0.0) for _ in range(2))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert set(one["task"].tolist()) == {TASKS.index("brief")}
    assert len(read_articles(config)) <= 20


def test_wrong_fields_are_told_together(tmp_path):
    with pytest.raises(ValueError, match=r"batch_articles must be above 0.*max_length must be at least 64.*selected must be a share"):
        CopyConfig(base=tmp_path, corpora=tmp_path, output=tmp_path, batch_articles=0, max_length=10, selected=2.0)


def test_a_loaded_base_has_the_encoders_weights(config):
    base = pretrain_copying(dataclasses.replace(config, minutes=1e-9))
    _, model = load_copynet(base)
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())
