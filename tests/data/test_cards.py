"""Fact cards: the same seed draws the same cards, labels are the taxonomy's, all provinces and years occur."""

import random
import re

import pytest

from data.cards import NO_AMOUNTS, _lists, amount_surface, count_surface, draw_cards, to_numeral
from data.taxonomy import load_taxonomy

CARDS = draw_cards(1500, seed=4)


def test_a_seed_gives_the_same_cards_and_another_one_others():
    assert draw_cards(30, 9) == draw_cards(30, 9)
    assert draw_cards(30, 9) != draw_cards(30, 10)
    assert [card.number for card in CARDS] == list(range(1, 1501))


def test_cards_hold_labels_of_the_taxonomy():
    for card in CARDS:
        load_taxonomy().check(card.activity, card.industry)


def test_cards_spread_over_places_years_labels_and_lengths():
    assert {card.place.split()[0] for card in CARDS} == set(_lists()["places"])
    assert {card.published[:4] for card in CARDS} == {str(year) for year in range(2008, 2027)}
    assert {label for card in CARDS for label in card.activity} == set(load_taxonomy().activity)
    assert {label for card in CARDS for label in card.industry} == set(load_taxonomy().industry)
    assert min(card.length for card in CARDS) < 200
    assert max(card.length for card in CARDS) > 2300
    assert {card.titled for card in CARDS} == {True, False}


def test_a_card_without_amounts_has_no_other_wish():
    without = [card for card in CARDS if NO_AMOUNTS in card.figures]
    assert 0.03 < len(without) / len(CARDS) < 0.12
    assert {card.figures for card in without} == {(NO_AMOUNTS,)}
    asked = {distractor for card in without for distractor in card.distractors}
    assert asked
    assert not [distractor for distractor in asked if "金额" in distractor or "总额" in distractor or "到位资金" in distractor]
    assert {distractor for card in CARDS for distractor in card.distractors} == set(_lists()["distractors"])


def test_the_level_is_one_that_the_place_can_have():
    for card in CARDS:
        province, place = card.place.split()
        if card.level == "province":
            assert province in ("港澳台", "境外")
        if place.endswith(("开发区", "新区", "新片区")):
            assert card.level == "zone"
        assert province in ("港澳台", "境外") or re.search("[县旗区市]$", place), card.place
    assert {card.level for card in CARDS} == {"county", "city", "zone", "province"}


def test_no_card_is_dated_after_its_last_day():
    dates = [card.published for card in draw_cards(6000, 1)]
    assert "2026-10-01" <= max(dates) <= "2026-10-28"
    assert {date[5:7] for date in dates if date < "2026"} == {f"{month:02d}" for month in range(1, 13)}


def test_numerals_are_read_back_by_the_figure_grammar():
    from models.numerals import parse_han

    assert [int(parse_han(to_numeral(n))[0]) for n in range(1, 100)] == list(range(1, 100))
    with pytest.raises(ValueError, match="100"):
        to_numeral(100)


def test_surfaces_are_single_figures_of_the_grammar():
    from models.figures import find_figures

    rng = random.Random(2)
    for _ in range(300):
        (amount,) = find_figures(f"总投资{amount_surface(rng)}，")
        assert (amount.kind, amount.unit) == ("amount", "CNY")
        (count,) = find_figures(f"签约{count_surface(rng)}项目，")
        assert (count.kind, count.unit) == ("count", "个")
