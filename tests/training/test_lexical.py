from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from data.taxonomy import load_taxonomy
from models.lexical import LEXICAL_FILE, LexicalModel
from models.lexicon import LEXICON_FILE
from models.predictor import Predictor
from models.registry import open_checkpoint
from models.votes import VOTES_FILE, VoteModel
from tests.training.test_finetune import data_file, examples  # noqa: F401 (a fixture)
from training.calibration import Scores
from training.config import FinetuneConfig
from training.finetune import finetune_classifier
from training.lexical import NgramFit, add_scores, marks_of, mix_in, scores_of
from training.votes import pages_of

TAXONOMY = load_taxonomy()
N_OUTPUTS = 2 * len(TAXONOMY.activity) + len(TAXONOMY.industry)


def fit_lexical(train, n_ngrams):
    return NgramFit(train, TAXONOMY).fit(n_ngrams)


def lexical_scores(model, held):
    return scores_of(torch.from_numpy(VoteModel(model, TAXONOMY).run_ngrams(pages_of(held))), held, TAXONOMY)


def test_it_learns_the_phrases_of_the_labels():
    model = fit_lexical(examples(40), 10_000)
    held = examples(60)[40:]
    scores = lexical_scores(model, held)
    assert (scores.main.argmax(1) == scores.gold_main).mean() > 0.9
    assert ((scores.activity > 0) == (scores.gold_activity > 0.5)).mean() > 0.95


def test_labels_that_nobody_has_stay_far_from_given():
    model = fit_lexical(examples(12), 10_000)
    unseen = TAXONOMY.activity.index("work_meeting")
    assert (model.run(["签约", "开工"])[:, unseen] < -7).all()


def test_the_kept_ngrams_are_those_that_weigh():
    train = examples(40)
    whole, half = fit_lexical(train, 10**6), fit_lexical(train, 60)
    assert len(half.hashes) == 60 < len(whole.hashes)
    assert set(half.hashes.tolist()) <= set(whole.hashes.tolist())
    scores = lexical_scores(half, train)
    assert (scores.main.argmax(1) == scores.gold_main).mean() > 0.9


def test_solving_among_articles_is_solving_among_ngrams():
    """The weights are those of a solver that works in the space of the n-grams."""
    train = examples(40)
    fit = NgramFit(train, TAXONOMY)
    model = fit.fit(10**6)
    marks = marks_of(train, TAXONOMY)
    mixed = [output for output in range(len(TAXONOMY.activity)) if 0 < marks[:, output].sum() < len(train)]
    assert len(mixed) >= 2
    for output in mixed:
        gold = marks[:, output]
        other = LogisticRegression(class_weight="balanced", C=10.0, max_iter=2000, tol=1e-8, solver="liblinear").fit(fit._matrix, gold)
        np.testing.assert_allclose(model.weights[:, output], other.coef_[0], atol=0.02 * np.abs(other.coef_).max())
        assert model.bias[output] == pytest.approx(other.intercept_[0], abs=0.02)


def test_out_of_fold_nothing_is_known_of_an_article_itself():
    train = examples(40)
    fold = np.arange(40) % 4
    held = NgramFit(train, TAXONOMY).out_of_fold(fold)
    other = [replace(e, annotation=replace(e.annotation, activity=("other",), industry=())) if i % 4 == 1 else e for i, e in enumerate(train)]
    changed = NgramFit(other, TAXONOMY).out_of_fold(fold)
    np.testing.assert_allclose(changed[fold == 1], held[fold == 1], atol=1e-5)  # its own labels, and those of its fold, say nothing
    assert np.abs(changed[fold == 0] - held[fold == 0]).max() > 0.1


def test_the_same_articles_give_the_same_weights():
    one, two = (fit_lexical(examples(20), 500) for _ in range(2))
    assert (one.weights == two.weights).all()


def scores(rng, gold, skill):
    """Logits that know the gold more or less."""
    n = len(gold)
    activity = np.zeros((n, len(TAXONOMY.activity)))
    activity[np.arange(n), gold] = 1
    industry = (rng.random((n, len(TAXONOMY.industry))) < 0.1).astype(float)

    def logits(marks):
        return skill * (2 * marks - 1) + rng.normal(size=marks.shape)

    return Scores(logits(activity), logits(industry), logits(activity), activity, industry, gold)


@pytest.mark.parametrize(("skill", "least", "most"), [(2.0, 0.4, 8.0), (0.0, 0.0, 0.25)])
def test_what_knows_more_counts_more(skill, least, most):
    rng = np.random.default_rng(0)
    gold = rng.integers(0, len(TAXONOMY.activity), 300)
    encoder = scores(rng, gold, 1.0)
    other = scores(rng, gold, skill)
    lexical = Scores(other.activity, skill * (2 * encoder.gold_industry - 1) + rng.normal(size=encoder.industry.shape), other.main, *[encoder.__dict__[k] for k in ("gold_activity", "gold_industry", "gold_main")])  # fmt: skip
    model = VoteModel(
        LexicalModel(
            np.zeros(1, dtype=np.uint64), np.ones(1, dtype=np.float32), np.ones((1, N_OUTPUTS), dtype=np.float32), np.ones(N_OUTPUTS, dtype=np.float32)
        ),
        TAXONOMY, bias=np.ones(N_OUTPUTS, dtype=np.float32),
    )  # fmt: skip
    factors = mix_in(model, encoder, lexical, TAXONOMY)
    assert all(least <= factor <= most for factor in factors.values()), factors
    assert (add_scores(encoder, lexical, factors).main.argmax(1) == gold).mean() >= (encoder.main.argmax(1) == gold).mean()
    n_activity, n_industry = len(TAXONOMY.activity), len(TAXONOMY.industry)
    expected = np.repeat([factors["activity"], factors["industry"], factors["main"]], [n_activity, n_industry, n_activity])
    np.testing.assert_allclose(model.weights[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(model.bias, expected, rtol=1e-6)
    np.testing.assert_allclose(add_scores(encoder, lexical, factors).main, encoder.main + factors["main"] * lexical.main)


def test_serving_adds_the_same_logits_as_training(tiny_bases, tmp_path, data_file):  # noqa: F811
    config = FinetuneConfig(
        base=str(tiny_bases["encoder"]),
        output=tmp_path / "m" / "classifier",
        data=str(data_file),
        epochs=1,
        max_length=128,
        lexical=500,
        device="cpu",
    )
    made = finetune_classifier(config)
    manifest = open_checkpoint(config.output, "classifier")
    assert {LEXICAL_FILE, LEXICON_FILE, VOTES_FILE} <= set(manifest.files)
    assert "without_votes" in made.metrics
    predictor = Predictor.load(tmp_path / "m", "cpu")
    article = examples(1)[0].article
    prepared = [predictor._prepare(article, 0)]
    page = (article.title, article.text)
    largest = float(predictor.votes.run([page]).abs().max())
    predictor.votes.scale(np.full(N_OUTPUTS, 1 / largest, dtype=np.float32))  # so that no probability of this toy is 0 or 1 in floats
    both = predictor._classify(prepared)[0]
    assert both.window_mains == ((max(both.main, key=both.main.get), pytest.approx(max(both.main.values()))),)  # one window is the article
    votes, predictor.votes = predictor.votes, None
    alone = predictor._classify(prepared)[0]
    t, b = predictor.decoding.temperature["activity"], predictor.decoding.bias["activity"]
    added = votes.run([page])[0, : len(TAXONOMY.activity)]
    before = (torch.logit(torch.tensor(list(alone.activity.values()), dtype=torch.float64)) - b) * t
    after = (torch.logit(torch.tensor(list(both.activity.values()), dtype=torch.float64)) - b) * t
    torch.testing.assert_close(after - before, added.double(), atol=1e-3, rtol=1e-3)


def test_no_epochs_keep_the_weights_of_the_base(tiny_checkpoint, tmp_path, data_file):  # noqa: F811
    config = FinetuneConfig(
        base=str(tiny_checkpoint / "classifier"), output=tmp_path / "c", data=str(data_file), epochs=0, max_length=128, lexical=100, device="cpu"
    )
    made = finetune_classifier(config)
    assert (
        made.files["model.safetensors"]["sha256"]
        == open_checkpoint(tiny_checkpoint / "classifier", "classifier").files["model.safetensors"]["sha256"]
    )
