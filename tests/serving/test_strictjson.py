import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.problems import Problem
from serving.strictjson import MAX_DEPTH, MAX_STRUCTURE_BYTES, has_lone_surrogate, parse_json, without_surrogates

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_valid_json_is_read_as_it_is(value, ascii_only):
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_problem(body):
    try:
        parse_json(body)
    except Problem as problem:
        assert problem.status == 400


def test_byte_order_mark_is_passed_over():
    assert parse_json(b"\xef\xbb\xbf{}") == {}


def test_depth_is_bounded_exactly():
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(Problem, match="nested"):
        parse_json(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "body", [b"[" + b"[]," * MAX_STRUCTURE_BYTES + b"[]]", b"[" + b"1," * MAX_STRUCTURE_BYTES + b"1]", b" " * 2 * MAX_STRUCTURE_BYTES + b"1"]
)
def test_millions_of_values_are_refused_unread(body):
    with pytest.raises(Problem, match="far more values"):
        parse_json(body)


@pytest.mark.parametrize("text", ["[{,\\" * 100_000, '"' * 400_000, "招商[1]" * 100_000, "\\" * 300_001])
def test_long_texts_are_no_structure(text):
    assert parse_json(json.dumps([text], ensure_ascii=False).encode()) == [text]


@given(st.text(st.characters() | st.characters(categories=["Cs"])))
def test_surrogates_are_found_and_replaced(text):
    clean = without_surrogates({text: [text]})
    json.dumps(clean, ensure_ascii=False).encode()
    assert has_lone_surrogate(text) is (clean != {text: [text]})
    assert all(len(key) == len(text) for key in clean)
