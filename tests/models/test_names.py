"""Candidates for names by what stands beside them."""

import pytest

from models.names import iter_names


def names(text: str) -> list[str]:
    return [text[name.start : name.end] for name in iter_names(text, set())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("王明率队考察。", ["王明"]),
        ("会上，陈远山表示欢迎。", ["陈远山"]),
        ("由李晓带队。", ["李晓"]),
        ("负责人周也说。", ["周也"]),
        ("欧阳海介绍情况。", ["欧阳海"]),
        ("金融办指出问题。", []),
        ("方面表示欢迎。", []),
        ("高校指出方向。", []),
        ("许多人说好。", []),
        ("施工方表示按期完工。", []),
        ("温州强调创新。", ["温州", "温州"]),
        ("大家说好。", []),
    ],
)
def test_persons_by_what_they_do(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_a_verb_before_a_suffix_makes_no_name() -> None:
    assert names("草案送协会。") == []
