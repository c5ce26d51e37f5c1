"""Our figures beside JioNLP's, where both read an amount: ``pip install jionlp`` brings the oracle, without it these tests are skipped."""

import itertools
import random

import pytest

from models.figures import find_figures

CURRENCIES = {"元": "CNY", "美元": "USD", "欧元": "EUR", "港元": "HKD", "日元": "JPY"}
NUMBERS = ("5", "12", "160", "3000", "1.5", "22.75", "1256.8", "0.8", "一百二十", "三", "五十", "四千")
POWERS = ("万", "亿")
FORMS = {"exact": ("{}",), "about": ("约{}",), "over": ("超{}", "超过{}")}


def amounts():
    rng = random.Random(1)
    whole = [
        (form.format(f"{number}{power}{unit}"), unit, qualifier)
        for number, power, unit, (qualifier, forms) in itertools.product(NUMBERS, POWERS, CURRENCIES, FORMS.items())
        for form in forms
    ]
    return rng.sample(whole, 120)


@pytest.fixture(scope="module")
def oracle():
    return pytest.importorskip("jionlp", reason="the oracle (pip install jionlp) is not installed").parse_money


@pytest.mark.parametrize(("text", "unit", "qualifier"), amounts())
def test_amounts_are_those_of_the_oracle(oracle, text, unit, qualifier):
    (figure,) = find_figures(f"项目总投资{text}。")
    theirs = oracle(text)
    assert (figure.unit, figure.qualifier) == (CURRENCIES[unit], qualifier)
    assert theirs["case"] == unit
    assert float(figure.value) == pytest.approx(float(theirs["num"]), rel=1e-6)
    assert (theirs["definition"] == "accurate") == (qualifier == "exact")


@pytest.mark.parametrize("text", ["30-50亿元", "3000万元至5000万元", "2~3亿美元"])
def test_ranges_are_those_of_the_oracle(oracle, text):
    (figure,) = find_figures(f"投资{text}。")
    low, high = (float(value) for value in oracle(text)["num"])
    assert (float(figure.value), float(figure.max)) == pytest.approx((low, high))
