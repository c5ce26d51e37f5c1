"""Number words: Chinese and Arabic, powers, vague digits; malformed ones are None."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.numerals import match_number, parse_han


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("一百零五", 105),
        ("一百二", 120),
        ("两千零三十", 2030),
        ("一万二", 12000),
        ("三十万", 300000),
        ("一千二百亿", 12 * 10**10),
    ],
)
def test_number_words(word: str, value: int) -> None:
    assert parse_han(word) == (Decimal(value), None, "exact")


@pytest.mark.parametrize("word", ["亿千", "十十", "百千", "一二亿三四", "万亿万万亿", "几", "数"])
def test_malformed_number_words_are_none(word: str) -> None:
    assert parse_han(word) is None


@pytest.mark.parametrize(
    ("text", "low", "vague", "end"),
    [
        ("1,256.8亿", Decimal("125680000000"), "exact", 8),
        ("160多亿元", Decimal(160 * 10**8), "over", 5),
        ("5个亿", Decimal(5 * 10**8), "exact", 3),
        ("5个亿元以上项目", Decimal(5), "exact", 1),
        ("1亿2000万", Decimal(12 * 10**7), "exact", 7),
        ("十几家", Decimal(10), "over", 2),
        ("数百万", Decimal(10**6), "about", 3),
        ("22万千瓦", Decimal(220_000), "exact", 3),
    ],
)
def test_match_number_reads_up_to_the_unit(text: str, low: Decimal, vague: str, end: int) -> None:
    number, _ = match_number(text, 0)
    assert number is not None
    assert (number.low, number.vague, number.end) == (low, vague, end)


@given(st.text(alphabet="一二两三零十百千万亿几数多余", max_size=12))
def test_any_word_is_read_or_refused(word: str) -> None:
    reading = parse_han(word) if word else None
    assert reading is None or reading[0] >= 0


@given(st.integers(1, 9999))
def test_written_numbers_are_read_back(number: int) -> None:
    digits, word, gap = "零一二三四五六七八九", "", False
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        word += ("零" if gap and word and digit else "") + (digits[digit] + name if digit else "")
        gap = digit == 0
    assert parse_han(word) == (Decimal(number), None, "exact")
