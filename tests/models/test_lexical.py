import math
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from data.errors import CheckpointRefused
from models.lexical import LEXICAL_FILE, LONGEST, LexicalModel, hash_ngrams, join_lines, page_of

PAGE = "现场签约项目12个，总投资38亿元；签约项目涵盖新能源😀。"


def ngrams(page):
    return Counter(page[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(page) - n + 1))


def hash_of(gram):
    """The hash of one n-gram: among those of the string alone, the one that no shorter part of it has."""
    own = set(hash_ngrams(gram)[0].tolist())
    for part in (gram[:-1], gram[1:]):
        own -= set(hash_ngrams(part)[0].tolist()) if part else set()
    (one,) = own
    return one


def model_of(pages, n_outputs=3, seed=0):
    rng = np.random.default_rng(seed)
    hashes = np.unique(np.concatenate([hash_ngrams(page)[0] for page in pages]))
    weights = rng.normal(size=(len(hashes), n_outputs)).astype(np.float32)
    return LexicalModel(hashes, np.float32(1 + rng.random(len(hashes))), weights, rng.normal(size=n_outputs).astype(np.float32))


def test_each_ngram_has_its_hash_and_its_count():
    hashes, counts = hash_ngrams(PAGE)
    expected = ngrams(PAGE)
    assert len(hashes) == len(expected)  # no two fall together
    assert (np.diff(hashes.astype(object)) > 0).all()
    assert dict(zip(hashes.tolist(), counts.tolist(), strict=True)) == {hash_of(gram): n for gram, n in expected.items()}


@pytest.mark.parametrize("page", ["", "签", "签约", "\ud800签约"])
def test_pages_shorter_than_the_longest_ngram_are_read(page):
    hashes, counts = hash_ngrams(page)
    assert len(hashes) == len(ngrams(page))
    assert counts.sum() == sum(ngrams(page).values())


def test_logits_are_sublinear_tfidf_times_weights():
    model = model_of([PAGE, "开工仪式"])
    page = PAGE + "不认识的字龘"
    counts = {hash_of(gram): n for gram, n in ngrams(page).items()}
    column = {h: i for i, h in enumerate(model.hashes.tolist())}
    values = {column[h]: (1 + math.log(n)) * float(model.idf[column[h]]) for h, n in counts.items() if h in column}
    norm = math.sqrt(sum(v * v for v in values.values()))
    expected = model.bias + sum(v / norm * model.weights[c] for c, v in values.items())
    np.testing.assert_allclose(model.run([page])[0].numpy(), expected, rtol=1e-5)


def test_a_page_is_read_the_same_alone_and_among_others():
    pages = [PAGE, "开工", "", "现场签约"]
    model = model_of(pages)
    together = model.run(pages)
    assert torch.equal(together, torch.cat([model.run([page]) for page in pages]))
    assert torch.equal(together[2], torch.from_numpy(model.bias))  # nothing known: the bias alone
    assert model.run([]).shape == (0, 3)


def test_the_title_counts_twice():
    once, twice = hash_ngrams("签约\n正文"), hash_ngrams(page_of("签约", "正文"))
    counts = dict(zip(twice[0].tolist(), twice[1].tolist(), strict=True))
    assert counts[hash_of("签约")] == 2 * dict(zip(once[0].tolist(), once[1].tolist(), strict=True))[hash_of("签约")]


@pytest.mark.parametrize(
    ("text", "joined"),
    [("签约\n7个", "签约7个"), ("签约 7个", "签约7个"), ("GDP 增长", "GDP增长"), ("Hello world", "Hello world"), ("", ""), ("\n甲 \n 乙", "甲乙")],
)
def test_lines_are_joined_and_words_of_latin_letters_stay_apart(text, joined):
    assert join_lines(text) == joined
    assert join_lines(joined) == joined


def test_what_is_saved_comes_back_within_a_half_step(tmp_path):
    model = model_of([PAGE])
    model.save(tmp_path)
    back = LexicalModel.load(tmp_path, 3)
    assert (back.hashes == model.hashes).all()
    step = np.abs(model.weights).max(axis=0) / 127
    assert (np.abs(back.weights - model.weights) <= step * 0.501).all()
    np.testing.assert_array_equal(back.bias, model.bias)
    np.testing.assert_allclose(back.run([PAGE]), model.run([PAGE]), atol=0.05)
    assert LexicalModel.load(tmp_path / "elsewhere", 3) is None


def test_a_file_that_does_not_fit_is_refused(tmp_path):
    model_of([PAGE]).save(tmp_path)
    with pytest.raises(CheckpointRefused, match="4 outputs"):
        LexicalModel.load(tmp_path, 4)
    tensors = load_file(tmp_path / LEXICAL_FILE)
    save_file({k: v for k, v in tensors.items() if k != "idf"}, tmp_path / LEXICAL_FILE)
    with pytest.raises(CheckpointRefused, match="idf"):
        LexicalModel.load(tmp_path, 3)
    (tmp_path / LEXICAL_FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointRefused, match="cannot be read"):
        LexicalModel.load(tmp_path, 3)


@pytest.mark.parametrize("cuts", [[0], [0, 5, 20], [0, 5, 5, 27], [0, 100]])
def test_pieces_add_up_to_the_logits(cuts):
    model = model_of([PAGE, "开工仪式"])
    page = PAGE + "不认识的字龘"
    parts = model.attribute(page, cuts)
    assert parts.shape == (len(cuts), 3)
    np.testing.assert_allclose(parts.sum(axis=0) + model.bias, model.run([page])[0].numpy(), rtol=1e-4, atol=1e-5)


def test_a_piece_gets_what_its_own_ngrams_add():
    model = model_of(["签约"], n_outputs=1)
    model.weights[:] = 1.0
    parts = model.attribute("无关的话。签约！别的话。", [0, 5, 8])
    assert parts[1, 0] > 0
    assert parts[0, 0] == parts[2, 0] == 0
    assert (model.attribute("", [0]) == 0).all()
