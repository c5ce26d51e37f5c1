import math

import numpy as np
import pytest
import torch
from transformers import ModernBertConfig, ModernBertForMaskedLM

from training.embeddings import begin_with_counts, count_neighbours, word_vectors

SPECIAL = 3


def naive_counts(tokens, vocab_size, reach):
    table = np.zeros((vocab_size, vocab_size))
    for i, a in enumerate(tokens):
        for distance in range(1, reach + 1):
            if i + distance < len(tokens):
                b = tokens[i + distance]
                table[a, b] += 1 / distance
                table[b, a] += 1 / distance
    return table


def two_topics(rng, n=6000):
    """Ids 3 to 12 stand beside each other, and so do 13 to 22."""
    topics = rng.integers(0, 2, n // 10)
    return np.concatenate([rng.integers(SPECIAL + 10 * topic, SPECIAL + 10 + 10 * topic, 10) for topic in topics]).astype(np.uint16)


def small_model(vocab_size):
    torch.manual_seed(0)
    return ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=vocab_size, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, pad_token_id=0,
            bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2, layer_types=["full_attention"],
        )
    )  # fmt: skip


@pytest.mark.parametrize("reach", [1, 3])
def test_neighbours_are_counted_as_the_definition_says(reach):
    tokens = np.random.default_rng(1).integers(0, 7, 300).astype(np.uint16)
    assert np.allclose(count_neighbours(tokens, 7, reach), naive_counts(tokens, 7, reach), atol=1e-4)


def test_pieces_of_one_topic_lie_closer_than_pieces_of_two():
    tokens = two_topics(np.random.default_rng(2))
    vectors = word_vectors(count_neighbours(tokens, 24, 3), 4, seed=0)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    within = (unit[3:13] @ unit[3:13].T).mean()
    across = (unit[3:13] @ unit[13:23].T).mean()
    assert within > across + 0.5
    assert not vectors[:SPECIAL].any()  # never occurred
    assert not vectors[23].any()
    assert np.isfinite(vectors).all()


def test_a_model_begins_with_vectors_and_frequencies_and_keeps_its_special_rows():
    tokens = two_topics(np.random.default_rng(3))
    model = small_model(24)
    before = model.get_input_embeddings().weight.detach().clone()
    begin_with_counts(model, tokens, 3, SPECIAL, seed=0)
    after = model.get_input_embeddings().weight.detach()
    assert torch.equal(after[:SPECIAL], before[:SPECIAL])
    assert torch.equal(after[23], before[23])
    assert not torch.isclose(after[3:23], before[3:23]).all(1).any()
    assert model.decoder.weight is model.get_input_embeddings().weight
    share = (tokens == 5).mean()
    assert math.isclose(float(model.decoder.bias.detach()[5]), math.log(share), abs_tol=1e-5)
    assert after[3:23].std() == pytest.approx(float(before.std()), rel=0.2)


def test_fewer_pieces_than_numbers_leave_the_model_as_it_is(caplog):
    model = small_model(6)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    begin_with_counts(model, np.array([3, 4, 5, 3], dtype=np.uint16), 2, SPECIAL, seed=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert "no word vectors" in caplog.text
