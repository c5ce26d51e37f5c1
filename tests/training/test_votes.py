import numpy as np

from data.taxonomy import load_taxonomy
from tests.training.test_finetune import examples
from training.lexical import marks_of
from training.votes import draw_folds, fit_votes, fit_weights, vote_scores

TAXONOMY = load_taxonomy()


def test_votes_learn_the_labels():
    model = fit_votes(examples(60), TAXONOMY, 5000)
    scores = vote_scores(model, examples(80)[60:], TAXONOMY)
    assert (scores.main.argmax(1) == scores.gold_main).mean() > 0.9
    assert ((scores.activity > 0) == (scores.gold_activity > 0.5)).mean() > 0.95


def test_the_same_articles_give_the_same_votes():
    one, two = (fit_votes(examples(20), TAXONOMY, 500) for _ in range(2))
    assert np.array_equal(one.weights, two.weights)
    assert np.array_equal(one.bias, two.bias)


def test_reprints_are_in_one_fold():
    train = examples(30)
    folds = draw_folds([*train, *train[:10]])
    assert np.array_equal(folds[30:], folds[:10])
    assert set(folds) <= set(range(5))


def test_a_vote_that_knows_the_label_gets_its_weight():
    rng = np.random.default_rng(0)
    marks = rng.random((200, 3)) < 0.3
    marks[:, 2] = False
    features = rng.normal(size=(200, 3, 4)).astype(np.float32)
    features[:, :, 1] += 3 * marks
    weights, bias = fit_weights(features, marks, TAXONOMY)
    assert (weights[:2].argmax(1) == 1).all()
    assert not weights[2].any()
    assert bias[2] == -8
    logits = np.einsum("nof,of->no", features, weights) + bias
    assert ((logits > 0) == marks).mean() > 0.9


def test_marks_follow_the_order_of_the_outputs():
    assert marks_of(examples(4), TAXONOMY).shape == (4, 2 * len(TAXONOMY.activity) + len(TAXONOMY.industry))
