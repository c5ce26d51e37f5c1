"""Near-duplicates: reprints are grouped, the same template with another city, date or amount is not."""

import random

import pytest

from data.dedup import find_excerpts, find_pairs, group_duplicates, group_reprints, normalise, overlap, shingles

ORIGINAL = (
    "6月12日，青禾县举行二季度重点项目集中签约仪式，现场签约项目12个，总投资86.5亿元，涵盖新型建材、食品加工、现代物流等领域。"
    "县委副书记在致辞中说，今年以来全县上下把招商引资作为头号工程，派出小分队四十余批次赴沿海各地登门拜访，对接企业两百多家。"
    "签约企业代表表示，青禾县区位便利、原料充足，项目将在签约后一个月内完成公司注册，年底前动工建设，力争明年下半年投产见效。"
    "仪式结束后，与会人员还到经济开发区实地察看了标准厂房和污水处理设施，并就用工、用气、物流成本等问题与开发区负责人作了交流。"
)


def test_a_reprint_with_another_by_line_is_a_duplicate():
    reprint = "本报讯（记者 白露 通讯员 秦川）" + ORIGINAL.replace("，", ",") + "\n责任编辑：白露"
    assert group_duplicates([ORIGINAL, "别的事。" * 40, reprint]) == [0, 1, 0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("86.5亿元", "68.5亿元"),
        ("12个", "21个"),
        ("6月12日", "7月12日"),
        ("青禾县", "白川县"),
        ("四十余", "五十余"),
        ("两百多家", "三百多家"),
    ],
)
def test_the_same_template_with_another_city_date_or_amount_is_related_only(old, new):
    pairs = find_pairs([ORIGINAL, ORIGINAL.replace(old, new)])
    assert [pair.relation for pair in pairs] == ["related"]
    assert group_duplicates([ORIGINAL, ORIGINAL.replace(old, new)]) == [0, 1]


def test_a_reprint_cut_at_its_end_keeps_part_of_the_figures_and_is_a_duplicate():
    assert group_duplicates([ORIGINAL, ORIGINAL[: int(len(ORIGINAL) * 0.9)]]) == [0, 0]


def test_groups_are_named_by_their_first_member_and_do_not_depend_on_what_stands_between():
    texts = [f"{chr(0x4E00 + i)}" * 60 + f"第{i}条消息，与别的无关。" for i in range(20)]
    assert group_duplicates(texts) == list(range(20))
    assert group_duplicates([ORIGINAL, *texts, ORIGINAL]) == [0, *range(1, 21), 0]


def test_short_texts_are_not_all_alike():
    assert group_duplicates(["签约", "开工", "签约"]) == [0, 1, 0]
    assert shingles("签约") == {"签约"}


def test_normalising_ignores_widths_script_and_typesetting():
    assert normalise("簽約項目１２個，總投資８６.５億元。") == normalise("签约项目12个，总投资86.5亿元")


def test_minhash_finds_what_exact_comparison_finds():
    rng = random.Random(1)
    sentences = ORIGINAL.split("。")
    texts = ["。".join(rng.sample(sentences, len(sentences) - 1)) + f"补充{chr(0x5000 + i)}{chr(0x6000 + i)}。" for i in range(30)]
    grams = [shingles(normalise(text)) for text in texts]
    exact = {(a, b) for a, b, _ in overlap(grams, 0.8)}
    assert exact == {(pair.first, pair.second) for pair in find_pairs(texts)}
    assert exact


def test_overlap_gives_the_exact_jaccard():
    grams = [{"a", "b", "c"}, {"b", "c", "d"}, {"x"}]
    assert overlap(grams, 0.1) == [(0, 1, 0.5)]
    assert overlap(grams, 0.6) == []


def test_excerpts_are_reprints_though_no_duplicates():
    excerpt = ORIGINAL[: len(ORIGINAL) // 2]
    assert group_duplicates([ORIGINAL, excerpt]) == [0, 1]
    assert group_reprints([ORIGINAL, excerpt]) == [0, 0]


@pytest.mark.parametrize(("old", "new"), [("深圳", "上海"), ("三个", "五个"), ("3亿元", "9亿元"), ("30-50亿元", "3050亿元")])
def test_the_guard_sees_places_without_suffix_single_numerals_and_ranges(old, new):
    text = ORIGINAL.replace("沿海", old) if old == "深圳" else ORIGINAL + f"资金来源：企业自筹，合同约定为{old}。"
    assert [pair.relation for pair in find_pairs([text, text.replace(old, new)])] == ["related"]


def test_many_copies_are_one_group_and_few_pairs():
    copies = [ORIGINAL] * 30
    assert len(find_pairs(copies)) == 29
    assert set(group_duplicates(copies)) == {0}
    assert set(group_reprints([*copies, *(f"综合消息。{ORIGINAL}" for _ in range(20))])) == {0}


def test_excerpts_with_their_figures_are_found_and_others_are_not():
    excerpt = ORIGINAL[: len(ORIGINAL) // 2]
    (pair,) = find_excerpts([ORIGINAL, excerpt])
    assert (pair.first, pair.second, pair.relation, pair.jaccard) == (0, 1, "excerpt", pytest.approx(1.0, abs=0.1))
    assert find_excerpts([ORIGINAL, excerpt.replace("86.5", "68.5")]) == []
