"""Sentences tile the text; ends within short quotations do not count; what has no end is cut at pauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sentences import split_sentences

ALPHABET = "中文。！？；，、“”（）「」\n 12,.;!?a\U00020000"


def pieces(text: str, max_chars: int = 240) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, max_chars)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("云溪县签约。会上发言！", ["云溪县签约。", "会上发言！"]),
        ("一是开工；二是投产", ["一是开工；", "二是投产"]),
        ("第一段\n第二段", ["第一段\n", "第二段"]),
        ("他说：“地够吗？够。”随后签字。", ["他说：“地够吗？够。”", "随后签字。"]),
        ("他问“地够吗？够。”的事。", ["他问“地够吗？够。”", "的事。"]),
        ("共签约9个（其中工业5个；农业4个）项目。完", ["共签约9个（其中工业5个；农业4个）项目。", "完"]),
        ("真的？！好……", ["真的？！", "好……"]),
        ("总投资1.2亿元.下一步", ["总投资1.2亿元.下一步"]),
    ],
)
def test_ends_and_quotations(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_endless_text_is_cut_behind_a_pause() -> None:
    text = "新材料产业园，" * 30
    assert all(piece.endswith("，") and len(piece) <= 40 for piece in pieces(text, 40))
    assert "".join(pieces(text, 40)) == text


def test_endless_text_without_pause_is_cut_at_the_limit() -> None:
    assert [len(piece) for piece in pieces("项" * 95, 40)] == [40, 40, 15]


def test_a_thousands_separator_is_no_pause() -> None:
    assert all("1,256" in piece for piece in pieces("签约1,256个" * 20, 16) if "," in piece)


@given(st.text(alphabet=ALPHABET, max_size=300), st.integers(1, 50))
def test_spans_tile_the_text(text: str, max_chars: int) -> None:
    assert "".join(pieces(text, max_chars)) == text
    assert all(0 < len(piece) <= max_chars for piece in pieces(text, max_chars))


def test_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="max_chars must be at least 1, got 0"):
        split_sentences("文", 0)


@pytest.mark.parametrize("char", ["。", "“", " ", "\n", "，", "文", "（"])
def test_adversarial_text_is_linear(char: str) -> None:
    assert sum(end - start for start, end in split_sentences(char * 200_000)) == 200_000
