"""What is no text, and what only looks like it."""

import pytest

from data.garbage import is_garbage
from data.mojibake import repair_mojibake

TEXT = "云溪市举行招商推介会，现场签约项目12个，总投资160亿元。"


@pytest.mark.parametrize(
    "text",
    [
        "PK\x03\x04" + "\x00\x01\x02\x03" * 20,
        "\ufffd" * 40 + "乱码",
        TEXT.encode("utf-16-le").decode("latin-1"),
        (TEXT.encode() + b"\xe4").decode("latin-1"),  # cut off: no longer reversible
        "\x00" * 5,
        TEXT * 10 + "\x07" * 12,
    ],
)
def test_binary_and_misread_data_is_garbage(text):
    assert is_garbage(text)


@pytest.mark.parametrize(
    "text", ["", TEXT, "\x00" * 4, TEXT + "\x00" * 4, TEXT * 10 + "\ufffd" * 6, f"第一行\r\n\t{TEXT}\x85\u3000𠮷", "\ud800" * 50]
)
def test_text_with_a_few_stray_characters_is_none(text):
    assert not is_garbage(text)


def test_misreading_that_cleaning_repairs_is_none():
    broken = TEXT.encode().decode("latin-1")
    assert repair_mojibake(broken).text == TEXT
    assert not is_garbage(broken)


def test_repaired_text_is_judged_again():
    assert is_garbage((TEXT + "\x00" * 40).encode().decode("latin-1"))
