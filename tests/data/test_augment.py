"""Crawl noise: what cleaning takes back comes back exactly; the rest loses only what it says."""

import json
import random

import pytest

from data.augment import CRAWL, NOISES, UNDONE, Rates, add_noise, add_pinyin, cut_off, glue_paragraphs, lose_bytes, make_traditional, widen_digits
from data.clean import clean_text
from tests.conftest import ROOT

ALL = [
    clean_text(json.loads(line)["text"]).text
    for path in sorted((ROOT / "data" / "annotations" / "authored").glob("*.jsonl"))
    for line in path.read_text("utf-8").split("\n")
    if line
]
TEXTS = ALL[::5]


@pytest.mark.parametrize("kind", UNDONE)
def test_cleaning_takes_this_noise_back_exactly(kind):
    assert len(ALL) > 1100
    broken = [i for i, text in enumerate(ALL) if clean_text(NOISES[kind](text, random.Random(i))).text != text]
    assert not broken


@pytest.mark.parametrize("noise", [make_traditional, add_pinyin])
def test_a_text_that_traditional_characters_would_change_stays(noise):
    for text in ("青禾县第一批覆盖64个村。", "商於古道旁的企业家来考察产业园区。", "企业家称「营商环境」好。"):
        assert noise(text, random.Random(0)) == text
    kept = [noise(text, random.Random(i)) == text for i, text in enumerate(ALL)]
    assert sum(kept) < len(ALL) // 100


def test_single_characters_that_would_change_are_put_back():
    made = make_traditional("企业背着设备，从岭下往园区走。", random.Random(0))
    assert made == "企業背着設備，從嶺下往園區走。"


def test_a_comma_between_two_figures_does_not_join_them():
    text = "10:40，110千伏变电站投产。"
    assert clean_text(widen_digits(text, random.Random(0))).text == text


def test_pinyin_marks_what_it_converts_itself():
    """Of a text that is traditional already it would mark next to nothing, so the two kinds exclude each other."""
    text = max(TEXTS, key=len)
    noisy, kinds = add_noise(text, random.Random(1), Rates({"traditional": 1.0, "pinyin": 1.0}))
    assert kinds == ("pinyin",)
    assert noisy.count("(") > len(text) // 20
    assert add_noise(text, random.Random(1), Rates({"traditional": 1.0}))[1] == ("traditional",)


@pytest.mark.parametrize("kind", [kind for kind in NOISES if kind != "cut_off"])
def test_each_kind_changes_some_texts(kind):
    changed = sum(NOISES[kind](text, random.Random(i)) != text for i, text in enumerate(TEXTS))
    assert changed > len(TEXTS) // 4


def test_all_undoable_noise_together_is_taken_back():
    rates = Rates(dict.fromkeys(UNDONE, 1.0))
    for i, text in enumerate(TEXTS):
        noisy, kinds = add_noise(text, random.Random(i), rates)
        assert kinds == tuple(kind for kind in NOISES if kind in UNDONE and kind != "traditional")
        assert clean_text(noisy).text == text


def test_a_cut_text_is_the_beginning_of_the_whole():
    long = "招商引资工作推进会。" * 60
    cut = cut_off(long, random.Random(0))
    assert long.startswith(cut)
    assert 0.66 * len(long) <= len(cut) <= 0.9 * len(long)
    assert cut_off("短讯。", random.Random(0)) == "短讯。"


def test_glued_paragraphs_keep_every_character():
    text = "第一段。\n第二段。\n第三段。"
    assert glue_paragraphs(text, random.Random(2)).replace(" ", "") == text.replace("\n", "")


def test_lost_bytes_are_what_cleaning_flags():
    text = "青禾县签约项目3个。现场气氛热烈，企业代表发言。会后参观园区。"
    for seed in range(8):
        noisy = lose_bytes(text, random.Random(seed))
        assert noisy != text
        assert "lost_bytes" in clean_text(noisy).steps


def test_the_same_seed_gives_the_same_noise_and_rates_are_kept():
    drawn = [add_noise(TEXTS[0], random.Random(i))[1] for i in range(400)]
    assert drawn == [add_noise(TEXTS[0], random.Random(i))[1] for i in range(400)]
    for kind, share in CRAWL.rates.items():
        assert abs(sum(kind in kinds for kinds in drawn) / 400 - share) < 0.08


def test_rates_refuse_unknown_kinds_and_shares():
    with pytest.raises(ValueError, match="typo"):
        Rates({"typo": 0.1})
    with pytest.raises(ValueError, match="share"):
        Rates({"pinyin": 1.5})
