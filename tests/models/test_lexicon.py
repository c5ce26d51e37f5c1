import json
from pathlib import Path

import numpy as np
import pytest

from data.taxonomy import load_taxonomy
from models.lexicon import PLACES, Lexicon
from training.votes import read_lexicon

TAXONOMY = load_taxonomy()
TITLE = "新能源产业推介会举行"
TEXT = "推介会重点介绍锂电、光伏、储能、氢能四条产业链。食堂供应饮料。总投资3亿元的锂电项目签约。"


@pytest.fixture(scope="module")
def lexicon():
    return read_lexicon(TAXONOMY)


def places_of(lexicon, key, title=TITLE, text=TEXT):
    return dict(zip(PLACES, lexicon.place_industries(title, text)[TAXONOMY.industry.index(key)].tolist(), strict=True))


def test_words_are_counted_where_they_stand(lexicon):
    found = places_of(lexicon, "new_energy")
    assert found["in_title"] >= 1
    assert found["in_lists"] >= 4
    assert found["in_projects"] >= 1
    assert found["in_enumerations"] == 1
    assert found["in_first"] == 1
    assert found["sentences"] == pytest.approx(2 / 3)
    food = places_of(lexicon, "food")
    assert food["words"] >= 1
    assert food["in_title"] == food["in_lists"] == food["in_projects"] == food["in_first"] == 0


def test_what_only_looks_like_a_word_is_none(lexicon):
    assert places_of(lexicon, "automotive", None, "代表团抵达汽车站。")["words"] == 0
    assert places_of(lexicon, "automotive", None, "代表团走访汽车企业。")["words"] == 1


def test_an_empty_article_has_no_words(lexicon):
    assert not lexicon.place_industries(None, "").any()
    assert lexicon.score_domain(lexicon.page(None, ""))[2] == 0


def test_the_parts_of_a_score_are_the_score(lexicon):
    page = lexicon.page(TITLE, TEXT)
    scores = lexicon.score_labels(page)
    assert scores.shape == (len(TAXONOMY.activity) + len(TAXONOMY.industry), 4)
    row = TAXONOMY.activity.index("promotion_conference")
    terms = lexicon.activity["promotion_conference"]
    assert scores[row, :3].sum() == pytest.approx(terms.score(page)) == pytest.approx(scores[row, 3] * terms.threshold)
    assert not scores[TAXONOMY.activity.index("other")].any()


def test_what_is_saved_is_what_is_read(lexicon, tmp_path):
    lexicon.save(tmp_path)
    again = Lexicon.load(tmp_path, TAXONOMY)
    page = lexicon.page(TITLE, TEXT)
    assert np.array_equal(again.score_labels(page), lexicon.score_labels(page))
    assert np.array_equal(again.place_industries(TITLE, TEXT), lexicon.place_industries(TITLE, TEXT))
    assert again.score_domain(page) == lexicon.score_domain(page)


def test_rules_of_unknown_labels_are_refused(lexicon, tmp_path):
    raw = json.loads(json.dumps(lexicon.raw))
    raw["industry"]["alchemy"] = raw["industry"]["food"]
    with pytest.raises(ValueError, match="alchemy"):
        Lexicon(raw, TAXONOMY)
    with pytest.raises(OSError, match=r"lexicon\.json"):
        Lexicon.load(Path(tmp_path), TAXONOMY)
