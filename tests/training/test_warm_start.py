import pytest
import torch
from transformers import ModernBertForMaskedLM

from data.errors import InputError
from training.config import PretrainConfig
from training.pretrain import build_model
from training.warm_start import warm_start


@pytest.fixture
def pair(tmp_path):
    torch.manual_seed(0)
    common = {"corpora": tmp_path, "output": tmp_path, "layers": 2, "decoder_layers": 1, "hidden_size": 64, "max_length": 64, "first_length": 32}
    encoder = build_model(PretrainConfig(**common), 300)
    assert isinstance(encoder, ModernBertForMaskedLM)
    return build_model(PretrainConfig(kind="seq2seq", **common), 300), encoder


def test_embeddings_are_those_behind_the_norm(pair):
    model, encoder = pair
    before = model.encoder.block[0].layer[0].SelfAttention.k.weight.clone()
    warm_start(model, encoder, layers=False)
    ids = torch.arange(300)
    torch.testing.assert_close(model.shared(ids), encoder.model.embeddings(ids[None])[0])
    assert torch.equal(model.encoder.block[0].layer[0].SelfAttention.k.weight, before)


def test_a_layer_attends_as_the_encoder_does_without_positions(pair):
    """With the same input, scores of queries and keys are equal where nothing is rotated."""
    model, encoder = pair
    warm_start(model, encoder)
    attention, layer = model.encoder.block[1].layer[0].SelfAttention, encoder.model.layers[1]
    x = torch.randn(5, 64)
    q, k, _ = layer.attn.Wqkv(x).chunk(3, dim=-1)
    torch.testing.assert_close(attention.q(x) @ attention.k(x).T, q @ k.T * 64**-0.5)
    torch.testing.assert_close(model.encoder.block[1].layer[1].DenseReluDense(x), layer.mlp(x), atol=2e-3, rtol=1e-2)  # tanh and exact gelu


def test_what_does_not_fit_is_told(pair, tmp_path):
    _, encoder = pair
    other = build_model(PretrainConfig(corpora=tmp_path, output=tmp_path, kind="seq2seq", layers=3, hidden_size=128), 200)
    with pytest.raises(InputError, match=r"vocab_size 200 and 300, width 128 and 64.*layers 3 and 2"):
        warm_start(other, encoder)
