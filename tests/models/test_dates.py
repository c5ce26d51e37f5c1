"""Dates: the parts the text gives, one after the other, and the format that says which."""

from decimal import Decimal

import pytest

from models.dates import match_date


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("2024年5月17日至19日", 20240517, 20240519, "YYYYMMDD"),
        ("2023年12月30日至2024年1月2日", 20231230, 20240102, "YYYYMMDD"),
        ("5月3号", 503, None, "MMDD"),
        ("十一月二日", 1102, None, "MMDD"),
        ("2019年底", 2019, None, "YYYY"),
        ("2021年1至6月", 202101, 202106, "YYYYMM"),
        ("2024/05/17", 20240517, None, "YYYYMMDD"),
    ],
)
def test_dates(text: str, low: int, high: int | None, unit: str) -> None:
    date = match_date(text, 0)
    assert date is not None
    assert (date.low, date.high, date.unit) == (Decimal(low), None if high is None else Decimal(high), unit)


@pytest.mark.parametrize("text", ["98年", "13月1日", "三日", "12号", "3日游", "2024-13-01", "90年代", "一月", "5个月"])
def test_what_is_no_date(text: str) -> None:
    date = match_date(text, 0)
    assert date is None


def test_a_day_without_its_unit_is_not_read() -> None:
    date = match_date("5月11个", 0)
    assert date is not None
    assert (date.low, date.unit, date.end) == (Decimal(5), "MM", 2)
