import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from data.errors import CheckpointRefused
from data.taxonomy import load_taxonomy
from models.lexicon import LEXICON_FILE
from models.votes import VOTES_FILE, VoteModel, _best_other, feature_names
from tests.training.test_finetune import examples
from training.votes import fit_votes, pages_of

TAXONOMY = load_taxonomy()
PAGES = pages_of(examples(8))


@pytest.fixture(scope="module")
def model():
    return fit_votes(examples(40), TAXONOMY, 2000)


def test_what_is_saved_is_what_is_served(model, tmp_path):
    model.save(tmp_path)
    again = VoteModel.load(tmp_path, TAXONOMY)
    np.testing.assert_allclose(again.run(PAGES), model.run(PAGES), atol=2e-3)
    assert np.array_equal(again.run(PAGES), VoteModel.load(tmp_path, TAXONOMY).run(PAGES))


def test_an_article_is_voted_on_alike_alone_and_with_others(model):
    together = model.run(PAGES)
    for row, page in enumerate(PAGES):
        np.testing.assert_allclose(model.run([page])[0], together[row], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("end", ["\n", " ", "\n\n"])
def test_glued_paragraphs_vote_as_the_paragraphs_did(model, end):
    broken = [(title, text.replace("。", f"。{end}")) for title, text in PAGES]
    assert broken != PAGES
    np.testing.assert_array_equal(model.run(broken), model.run(PAGES))


def test_ngrams_alone_vote_with_their_own_logits(model, tmp_path):
    model.lexical.save(tmp_path)
    alone = VoteModel.load(tmp_path, TAXONOMY)
    assert alone.lexicon is None
    np.testing.assert_allclose(alone.run(PAGES), alone.run_ngrams(PAGES), rtol=1e-6)


def test_without_ngrams_there_are_no_votes(tmp_path):
    assert VoteModel.load(tmp_path, TAXONOMY) is None


def test_scaling_scales_every_logit(model):
    before = model.run(PAGES).numpy()
    factors = np.linspace(0.5, 2, len(model.bias)).astype(np.float32)
    weights, bias = model.weights, model.bias
    model.scale(factors)
    try:
        np.testing.assert_allclose(model.run(PAGES).numpy(), before * factors, rtol=1e-4, atol=1e-4)
    finally:
        model.weights, model.bias = weights, bias


def test_the_strongest_other_label_is_another_one():
    scores = np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 0.0]], dtype=np.float32)
    assert _best_other(scores).tolist() == [[2, 3, 3], [5, 5, 5]]
    assert _best_other(scores[:, :1]).tolist() == [[0], [0]]


def test_features_have_names(model):
    features = model.features(PAGES, model.run_ngrams(PAGES))
    assert features.shape == (8, len(model.bias), len(feature_names(TAXONOMY)))
    assert np.isfinite(features).all()
    industry = [i for i, name in enumerate(feature_names(TAXONOMY)) if "industry_" in name]
    n_activity = len(TAXONOMY.activity)
    assert not features[:, :n_activity, industry].any()
    mine = features[:, n_activity : n_activity + len(TAXONOMY.industry)]
    assert mine[:, :, industry].any()
    n_votes = features.shape[2] // 2
    outside = mine[:, :, -1:]
    assert ((outside > 0) & (outside < 1)).all()
    np.testing.assert_allclose(mine[:, :, n_votes:-1] * (1 - outside), mine[:, :, :n_votes] * outside, rtol=1e-3, atol=1e-6)  # one vote, shared out
    assert not features[:, :n_activity, n_votes:].any()


@pytest.mark.parametrize("harm", ["shape", "no weights", "lexicon"])
def test_a_damaged_part_is_refused(model, tmp_path, harm):
    model.save(tmp_path)
    tensors = load_file(tmp_path / VOTES_FILE)
    if harm == "shape":
        save_file({"weights": tensors["weights"][:3].copy(), "bias": tensors["bias"]}, tmp_path / VOTES_FILE)
    elif harm == "no weights":
        save_file({"bias": tensors["bias"]}, tmp_path / VOTES_FILE)
    else:
        (tmp_path / LEXICON_FILE).write_text("{}", "utf-8")
    with pytest.raises(CheckpointRefused, match="votes"):
        VoteModel.load(tmp_path, TAXONOMY)
