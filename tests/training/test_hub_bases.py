"""Bases of other makers: every architecture that the README names, tiny and random, written by ``transformers``, fine-tuned and served."""

import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForSeq2SeqLM,
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    BertTokenizerFast,
    ErnieConfig,
    ErnieForMaskedLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    MT5Config,
    MT5ForConditionalGeneration,
    PegasusConfig,
    PegasusForConditionalGeneration,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5ForConditionalGeneration,
)  # fmt: skip

from data.errors import InputError
from data.schema import Article
from models.predictor import Predictor
from tests.training.test_finetune import TEXTS, data_file, examples  # noqa: F401 (a fixture)
from training.config import FinetuneConfig
from training.finetune import finetune_classifier, write_model
from training.finetune_summarizer import finetune_summarizer

CHARACTERS = sorted({c for _, _, text, summary in TEXTS for c in text + summary if c not in "{n} "} | set("0123456789临江新闻会议要求推动经济发展"))
WIDTHS = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def bert_tokenizer(folder):
    """The tokenizer of BERT, RoBERTa-wwm, MacBERT, ERNIE and the Chinese BART: a vocab.txt of characters."""
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]) + "\n", "utf-8")
    return BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=128)


def sentencepiece_tokenizer(folder):
    """A tokenizer like T5's and Pegasus's: pieces with a mark for spaces, no [CLS]."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)] + [(c, -3.0) for c in CHARACTERS]
    backend = Tokenizer(models.Unigram(pieces, unk_id=2))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=128)


def save(folder, tokenizer, model):
    torch.manual_seed(0)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def make_bert(folder):
    tokenizer = bert_tokenizer(folder)
    save(folder, tokenizer, BertForMaskedLM(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **WIDTHS)))


def make_roberta(folder):
    tokenizer = bert_tokenizer(folder)
    save(
        folder,
        tokenizer,
        RobertaForMaskedLM(
            RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=129, pad_token_id=0, bos_token_id=2, eos_token_id=3, **WIDTHS)
        ),
    )


def make_ernie(folder):
    tokenizer = bert_tokenizer(folder)
    save(folder, tokenizer, ErnieForMaskedLM(ErnieConfig(vocab_size=len(tokenizer), max_position_embeddings=128, **WIDTHS)))


def make_modernbert(folder):
    """With local attention in two layers of three, as the hub ones have."""
    tokenizer = bert_tokenizer(folder)
    special = {"pad_token_id": 0, "bos_token_id": 2, "cls_token_id": 2, "eos_token_id": 3, "sep_token_id": 3}
    save(
        folder,
        tokenizer,
        ModernBertForMaskedLM(ModernBertConfig(vocab_size=len(tokenizer), max_position_embeddings=256, local_attention=16, **special, **WIDTHS)),
    )


def make_bart(folder):
    """As fnlp/bart-base-chinese: BART behind BERT's tokenizer, which gives token_type_ids that BART does not take."""
    tokenizer = bert_tokenizer(folder)
    config = BartConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_position_embeddings=256, pad_token_id=0, bos_token_id=2, eos_token_id=3, decoder_start_token_id=2, forced_eos_token_id=3,
    )  # fmt: skip
    save(folder, tokenizer, BartForConditionalGeneration(config))


def make_pegasus(folder):
    tokenizer = sentencepiece_tokenizer(folder)
    config = PegasusConfig(
        vocab_size=len(tokenizer), d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=64,
        decoder_ffn_dim=64, max_position_embeddings=256, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, forced_eos_token_id=1,
    )  # fmt: skip
    save(folder, tokenizer, PegasusForConditionalGeneration(config))


def make_t5(folder, config_class=T5Config, model_class=T5ForConditionalGeneration):
    tokenizer = sentencepiece_tokenizer(folder)
    config = config_class(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=1, num_decoder_layers=1, num_heads=2, decoder_start_token_id=0, pad_token_id=0,
        eos_token_id=1,
    )  # fmt: skip
    save(folder, tokenizer, model_class(config))


def make_mt5(folder):
    make_t5(folder, MT5Config, MT5ForConditionalGeneration)


@pytest.fixture
def base(tmp_path):
    (tmp_path / "base").mkdir()
    return tmp_path / "base"


@pytest.mark.parametrize("make", [make_bert, make_roberta, make_ernie, make_modernbert])
def test_classifier_bases(tmp_path, base, data_file, make):  # noqa: F811
    make(base)
    config = FinetuneConfig(base=str(base), output=tmp_path / "m" / "classifier", data=str(data_file), epochs=1, max_length=128, device="cpu")
    finetune_classifier(config)
    predictor = Predictor.load(tmp_path / "m", "cpu")
    long = Article("long", TEXTS[0][2].format(n=3) * 30)
    row = predictor.analyze([long])[0].to_json()
    assert row["input"]["tokens_used"] == row["input"]["tokens"] > 128
    together = predictor.analyze([e.article for e in examples(5)])
    for article, result in zip([e.article for e in examples(5)], together, strict=True):
        alone = predictor.analyze([article])[0]
        assert [a.label for a in alone.activity] == [a.label for a in result.activity]
        assert alone.activity[0].prob == pytest.approx(result.activity[0].prob, abs=1e-4)


@pytest.mark.parametrize("make", [make_bert, make_roberta])
def test_windows_longer_than_the_base_reads_are_refused(tmp_path, base, data_file, make):  # noqa: F811
    make(base)
    config = FinetuneConfig(base=str(base), output=tmp_path / "m" / "classifier", data=str(data_file), epochs=1, max_length=129, device="cpu")
    with pytest.raises(InputError, match="max_length is 129 tokens, and this base reads 128"):
        finetune_classifier(config)


@pytest.mark.parametrize("make", [make_bart, make_pegasus, make_t5, make_mt5])
def test_summarizer_bases(tmp_path, base, tiny_checkpoint, data_file, make):  # noqa: F811
    make(base)
    shutil.copytree(tiny_checkpoint / "classifier", tmp_path / "m" / "classifier")
    config = FinetuneConfig(
        base=str(base), output=tmp_path / "m" / "summarizer", data=str(data_file), kind="summarizer", epochs=1, max_length=128, device="cpu"
    )
    manifest = finetune_summarizer(config)
    assert manifest.decoding["prefix"] == ""
    assert all(t.dtype == torch.float16 and bool(t.isfinite().all()) for t in load_file(config.output / "model.safetensors").values())
    if make in (make_t5, make_mt5):  # their activations overflow in float16: nobody should load them so
        assert AutoModelForSeq2SeqLM.from_pretrained(str(config.output), dtype="auto").dtype == torch.float32
    result = Predictor.load(tmp_path / "m", "cpu").analyze([examples(1)[0].article])[0]
    assert result.summary.ungrounded == ()
    assert result.model["summarizer"] == manifest.tag


def test_weights_that_half_precision_cannot_hold_stay_whole(tmp_path, base):
    make_bert(base)
    model = BertForMaskedLM.from_pretrained(str(base))
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight[3, 3] = 1e5
    write_model(model, BertTokenizerFast.from_pretrained(str(base)), tmp_path / "out")
    assert float(load_file(tmp_path / "out" / "model.safetensors")["bert.embeddings.word_embeddings.weight"].max()) == 1e5
