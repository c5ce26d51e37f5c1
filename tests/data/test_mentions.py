"""Annotated figures: the form, the fit of fields, places in the text, and the way onto the cleaned text."""

import pytest

from data.clean import clean_text
from data.encodings import encode_line
from data.errors import InputError
from data.mentions import check_mentions, move_mentions, read_mentions, scan_mentions
from data.schema import content_hash

TEXT = "啟明市簽約項(xiàng)目１2個，總投資160多億元。"
COUNT = {
    "start": 14,
    "end": 17,
    "kind": "count",
    "value": "12",
    "max": None,
    "unit": "个",
    "qualifier": "exact",
    "role": None,
    "scope": "batch",
    "status": "signed",
}
AMOUNT = {
    "start": 21, "end": 27, "kind": "amount", "value": "16000000000", "max": None, "unit": "CNY", "qualifier": "over", "role": "investment",
    "scope": "batch", "status": "signed",
}  # fmt: skip


def row(*mentions, **changes):
    return {"id": "a", "text_sha256": content_hash(TEXT), "mentions": list(mentions), **changes}


def test_sound_mentions_have_no_findings():
    assert TEXT[14:17] == "１2個"
    assert TEXT[21:27] == "160多億元"
    assert check_mentions(row(COUNT, AMOUNT), TEXT) == []
    assert check_mentions(row(COUNT, AMOUNT), None) == []


@pytest.mark.parametrize(
    ("mention", "says"),
    [
        ({**AMOUNT, "role": "profit"}, "role must be one of"),
        ({**AMOUNT, "role": None}, "role must be given for amounts alone"),
        ({**COUNT, "role": "investment"}, "role must be given for amounts alone"),
        ({**COUNT, "scope": None}, "scope must be given"),
        ({**AMOUNT, "kind": "date"}, "role must be given"),
        ({**AMOUNT, "value": 160}, "value must be a decimal string"),
        ({**AMOUNT, "value": "1.6e10"}, "value must be a decimal string"),
        ({**AMOUNT, "qualifier": "range", "max": "1"}, "max 1 is not above"),
        ({**AMOUNT, "qualifier": "range", "max": "16000000000.0"}, "max 16000000000.0 is not above"),
        ({**COUNT, "qualifier": "range", "max": "12"}, "max 12 is not above"),
        ({**COUNT, "qualifier": "range"}, "max must be given for ranges alone, got None for range"),
        ({**COUNT, "max": "13"}, "max must be given for ranges alone, got '13' for exact"),
        ({**AMOUNT, "unit": None}, "unit must be a string"),
        ({**COUNT, "unit": None}, "unit must be a string"),
        ({**COUNT, "unit": 5}, "unit must be a string"),
        ({**COUNT, "unit": ""}, "unit must be a string"),
        ({**COUNT, "kind": ["count"]}, "kind must be one of"),
        ({**COUNT, "start": True, "end": 17}, "must be a span, got True"),
        ({**COUNT, "start": False, "end": True}, "must be a span, got False"),
        ({**AMOUNT, "unit": "元"}, "ISO 4217"),
        ({**AMOUNT, "start": 27, "end": 21}, "must be a span"),
        ({**AMOUNT, "end": 99}, "ends at 99"),
        ({**AMOUNT, "start": 0, "end": 3}, "holds no number"),
        ({key: value for key, value in AMOUNT.items() if key != "scope"}, "must be an object with"),
        ({**AMOUNT, "text": "160多億元"}, "must be an object with"),
    ],
)
def test_each_rule_is_a_finding(mention, says):
    (finding,) = [f for f in check_mentions(row(mention), TEXT) if says in f]
    assert finding.startswith("mention 0: ")


def date(unit, value, max):
    return {**COUNT, "kind": "date", "unit": unit, "value": value, "max": max, "qualifier": "range", "scope": None, "status": None}


def test_ranges_of_dates_without_a_year_may_turn_into_the_next_month():
    assert check_mentions(row({**COUNT, "qualifier": "range", "max": "13"}), TEXT) == []
    assert check_mentions(row(date("DD", "28", "2")), TEXT) == []
    assert check_mentions(row(date("MMDD", "1228", "103")), TEXT) == []
    assert check_mentions(row(date("YYYYMM", "202311", "202312")), TEXT) == []
    assert check_mentions(row(date("YYYYMM", "202312", "202301")), TEXT) == ["mention 0: max 202301 is not above value 202312"]


def test_overlaps_and_another_text_are_findings():
    assert any("overlap" in f for f in check_mentions(row(AMOUNT, {**AMOUNT, "start": 22}), TEXT))
    assert check_mentions(row(COUNT), TEXT + "。") == ["text_sha256 is not that of the text"]


def test_mentions_move_onto_the_cleaned_text():
    cleaned = clean_text(TEXT)
    moved = move_mentions([COUNT, AMOUNT], cleaned.offsets)
    assert [cleaned.text[m["start"] : m["end"]] for m in moved] == ["12个", "160多亿元"]
    pinyin = {**COUNT, "start": 6, "end": 13}
    assert TEXT[6:13] == "(xiàng)"
    assert move_mentions([pinyin], cleaned.offsets) == []


def test_reading_refuses_other_lines_and_an_id_twice(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(encode_line(row(COUNT)))
    assert read_mentions([path]) == {"a": row(COUNT)}
    path.write_bytes(encode_line(row(COUNT)) * 2)
    with pytest.raises(InputError, match="stands before"):
        read_mentions([path])
    path.write_bytes(encode_line({"id": "a"}))
    with pytest.raises(InputError, match=r"m\.jsonl:1"):
        read_mentions([path])


def test_scanning_goes_on_over_broken_lines(tmp_path):
    path = tmp_path / "m.jsonl"
    lines = [b"{\n", encode_line({"id": "b", "mentions": {}}), encode_line(row(COUNT)), encode_line(row(AMOUNT)), encode_line(row(id="c"))]
    path.write_bytes(b"".join(lines))
    rows, findings = scan_mentions([path])
    assert rows == {"a": row(COUNT), "c": row(id="c")}
    assert [f.removeprefix(f"{path}:")[:2] for f in findings] == ["1:", "2:", "4:"]
    assert "stands before" in findings[2]
