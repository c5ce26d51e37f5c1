from data.schema import Facts
from training.summary_traits import count_traits

TEXT = "5月8日，宁波举行签约仪式，集中签约7个项目，总投资30亿元。宁波甲乙科技有限公司将建新厂。"
GOLD = "宁波集中签约7个项目，总投资30亿元。"
FACTS = Facts(signed_projects=7, signed_amount=30.0, total_projects=9)


def test_key_figures_are_those_of_the_facts_that_the_gold_summary_holds():
    whole = count_traits("签约7个项目，总投资30亿元。", GOLD, None, TEXT, FACTS)
    assert (whole["n_key_figures"], whole["n_key_found"]) == (2, 2)  # 9 is not in the gold summary
    assert count_traits("签约7个项目，总投资30万元。", GOLD, None, TEXT, FACTS)["n_key_found"] == 1
    assert count_traits("", GOLD, None, TEXT, FACTS)["n_key_found"] == 0
    assert count_traits("签约7个项目。", "", None, TEXT, FACTS)["n_key_figures"] == 0


def test_names_count_where_the_article_has_them():
    right = count_traits("宁波甲乙科技有限公司将建新厂。", GOLD, None, TEXT, FACTS)
    assert (right["n_names"], right["n_named"]) == (1, 1)
    wrong = count_traits("宁波丙丁科技有限公司将建新厂。", GOLD, None, TEXT, FACTS)
    assert (wrong["n_names"], wrong["n_named"]) == (1, 0)


def test_own_words_and_repetition_are_counted_by_four_characters():
    assert count_traits("集中签约7个项目", GOLD, None, TEXT, FACTS)["n_novel"] == 0
    assert count_traits("甲乙丙丁", GOLD, None, TEXT, FACTS)["n_novel"] == 1
    assert count_traits("甲乙丙丁", GOLD, "甲乙丙丁", TEXT, FACTS)["n_novel"] == 0  # a headline is the article's too
    assert count_traits("签约签约签约", GOLD, None, TEXT, FACTS)["n_repeated"] == 1
    assert count_traits("签约", GOLD, None, TEXT, FACTS)["n_grams"] == 0


def test_a_summary_that_stands_in_one_sentence_copies_it():
    assert count_traits("宁波举行签约仪式，集中签约7个项目，总投资30亿元。", GOLD, None, TEXT, FACTS)["copies_sentence"] == 1
    assert count_traits("宁波举行签约仪式。宁波甲乙科技有限公司将建新厂。", GOLD, None, TEXT, FACTS)["copies_sentence"] == 0
    assert count_traits("", GOLD, None, TEXT, FACTS)["copies_sentence"] == 0
