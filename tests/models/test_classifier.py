import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from data.taxonomy import OTHER, load_taxonomy
from models.classifier import LENGTH_STEP, TITLE_TOKENS, batch_by_tokens, encode_article, pad_windows, pool_windows, split_groups

TAXONOMY = load_taxonomy()
SENTENCE = "临江市举行招商推介会，签约项目12个，总投资56亿元。"


def span_of(encoded, window):
    """The piece of the text a window holds."""
    return (encoded.offsets[window.first][0], encoded.offsets[window.last - 1][1]) if window.last > window.first else (0, 0)


@pytest.mark.parametrize("title", [None, "临江市举行招商推介会"])
@pytest.mark.parametrize("repeats", [0, 1, 3, 40])
def test_every_token_of_the_text_is_in_exactly_one_window(tokenizer, title, repeats):
    text = SENTENCE * repeats
    encoded = encode_article(tokenizer, title, text, 128)
    spans = [(w.first, w.last) for w in encoded.windows]
    assert spans[0][0] == 0
    assert spans[-1][1] == len(encoded.offsets) == len(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
    assert all(len(ids) <= 128 for ids in encoded.input_ids)
    assert "".join(text[slice(*span_of(encoded, w))] for w in encoded.windows) == text


def test_every_window_starts_with_the_title(tokenizer):
    encoded = encode_article(tokenizer, "临江市签约", SENTENCE * 40, 128)
    head = encoded.input_ids[0][:7]
    assert len(encoded.input_ids) > 2
    assert all(ids[:7] == head for ids in encoded.input_ids)
    assert tokenizer.decode(head) == "[CLS]临江市签约[SEP]"


def test_windows_end_at_sentence_ends(tokenizer):
    text = SENTENCE * 40
    encoded = encode_article(tokenizer, None, text, 128)
    assert all(text[: span_of(encoded, w)[1]].endswith("。") for w in encoded.windows)


def test_a_long_title_is_shortened_and_this_is_told(tokenizer):
    encoded = encode_article(tokenizer, "临江" * 300, SENTENCE * 10, 128)
    assert sum(w.last - w.first for w in encoded.windows) == len(encoded.offsets)
    assert encoded.n_tokens == 600 + len(encoded.offsets)
    assert encoded.n_used == TITLE_TOKENS + len(encoded.offsets)
    ordinary = encode_article(tokenizer, "临江市签约", SENTENCE, 128)
    assert ordinary.n_used == ordinary.n_tokens


@given(lengths=st.lists(st.integers(1, 512), min_size=1, max_size=60))
def test_batches_hold_every_row_once_within_the_budget(lengths):
    batches = batch_by_tokens(lengths, 2048, 8)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        width = -(-max(lengths[i] for i in batch) // LENGTH_STEP) * LENGTH_STEP
        assert len(batch) <= 8
        assert len(batch) == 1 or width * len(batch) <= 2048


def test_padding_is_masked_out_and_rounded():
    batch = pad_windows([[5, 6, 7], [8] * 40], pad_id=0)
    assert batch["input_ids"].shape == (2, 64)
    assert batch["attention_mask"].sum(1).tolist() == [3, 40]
    assert batch["input_ids"][0, 3:].eq(0).all()


def test_labels_pool_by_maximum_and_the_whole_by_mean():
    n = len(TAXONOMY.activity) * 2 + len(TAXONOMY.industry)
    logits = torch.stack([torch.full((n,), -1.0), torch.full((n,), 3.0), torch.full((n,), 5.0)])
    pooled = pool_windows(logits, torch.tensor([0, 0, 1]), 2, TAXONOMY)
    activity, industry, main = split_groups(pooled, TAXONOMY)
    other = TAXONOMY.activity.index(OTHER)
    assert activity[0, other] == 1.0
    assert activity[0, :other].eq(3.0).all()
    assert industry[0].eq(3.0).all()
    assert main[0].eq(1.0).all()
    assert pooled[1].eq(5.0).all()


@given(order=st.permutations(range(6)))
def test_pooling_does_not_depend_on_the_order_of_windows(order):
    torch.manual_seed(0)
    logits = torch.randn(6, len(TAXONOMY.activity) * 2 + len(TAXONOMY.industry), dtype=torch.float64)
    owner = torch.tensor([0, 0, 0, 1, 2, 2])
    index = torch.tensor(order)
    assert torch.allclose(pool_windows(logits, owner, 3, TAXONOMY), pool_windows(logits[index], owner[index], 3, TAXONOMY))


def test_an_article_without_a_window_is_an_error():
    logits = torch.zeros(1, len(TAXONOMY.activity) * 2 + len(TAXONOMY.industry))
    with pytest.raises(ValueError, match="at least one window"):
        pool_windows(logits, torch.tensor([0]), 2, TAXONOMY)
