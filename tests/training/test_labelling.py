import numpy as np
import pytest

from data.schema import Article
from data.taxonomy import load_taxonomy
from tests.training.test_finetune import examples
from training.labelling import LabelModel
from training.votes import read_lexicon

TAXONOMY = load_taxonomy()
N_LABELS = len(TAXONOMY.activity) + len(TAXONOMY.industry)


@pytest.fixture(scope="module")
def model():
    made = LabelModel(TAXONOMY)
    made.fit(examples(60), [None] * 60, n_ngrams=2000)
    return made


def test_the_label_model_gives_the_labels_of_its_articles(model):
    held = examples(80)[60:]
    probs = model.probs([e.article for e in held], [None] * len(held))
    assert probs.shape == (20, model.n_outputs)
    main = [TAXONOMY.activity[i] for i in probs[:, N_LABELS:].argmax(1)]
    assert sum(a == e.annotation.activity[0] for a, e in zip(main, held, strict=True)) >= 18


def test_probabilities_are_probabilities(model):
    probs = model.probs([Article("a", "天气晴"), Article("b", "总投资3亿元的项目开工", "开工")], ["ty", None])
    assert ((probs >= 0) & (probs <= 1)).all()
    np.testing.assert_allclose(probs[:, N_LABELS:].sum(1), 1, rtol=1e-5)


def test_an_article_is_labelled_the_same_alone(model):
    articles = [e.article for e in examples(6)]
    together = model.logits(articles, [None] * 6)
    alone = np.concatenate([model.logits([a], [None]) for a in articles])
    np.testing.assert_allclose(together, alone, rtol=1e-9)


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("signing", "现场签约项目12个", True),
        ("signing", "8家企业代表在会上签约", True),
        ("signing", "签约仪式上，嘉宾致辞。总投资3亿元", False),
        ("project_progress", "总投资46亿元的产业园开工建设", True),
        ("project_progress", "18个项目集中开工，年度投资9亿元", True),
        ("project_progress", "学校开学", False),
    ],
)
def test_figures_beside_words_of_signing_and_building(rule, text, expected):
    assert read_lexicon(TAXONOMY).find_figures(text)[rule == "project_progress"] == expected


def test_without_fitting_there_are_no_labels():
    with pytest.raises(ValueError, match="fit comes first"):
        LabelModel(TAXONOMY).logits([Article("a", "签约")], [None])


def test_a_label_that_all_or_none_have_is_sure():
    same = [e for e in examples(60) if e.annotation.activity == ("signing",)]
    made = LabelModel(TAXONOMY)
    made.fit(same, [None] * len(same), n_ngrams=500)
    probs = made.probs([same[0].article], [None])[0]
    signing = TAXONOMY.activity.index("signing")
    assert probs[signing] > 0.99
    assert np.delete(probs[: len(TAXONOMY.activity)], signing).max() < 0.01
