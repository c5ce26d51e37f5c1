"""The check that figures stand where the article has them."""

import pytest

from models.relations import find_misplaced

TITLE = "青河大会签约26个项目"
TEXT = (
    "11月11日，2023青河发展大会在长洲开幕。大会上，总投资达869.8亿元的26个项目集中签约，涵盖高端装备、新材料等领域。今年全市要新签约重大产业项目300个以上，其中外资项目100个以上。"
    "大会设停车场10个，停车泊位约2900个。会后，河湾公司与青河市签订合作协议，总投资12亿元，明年5月投产。"
)


@pytest.mark.parametrize(
    "summary",
    [
        "11月11日，2023青河发展大会在长洲开幕，总投资达869.8亿元的26个项目集中签约，涵盖高端装备、新材料等领域。",
        "河湾公司与青河市签订合作协议，总投资12亿元，明年5月投产。",
        "青河大会签约26个项目，今年全市要新签约重大产业项目300个以上。",
        "2023青河发展大会在长洲开幕，大会设停车场10个，停车泊位约2900个。",
        "",
    ],
)
def test_what_the_article_says_is_let_through(summary):
    assert find_misplaced(summary, TEXT, TITLE) == []


@pytest.mark.parametrize(
    ("summary", "wrong"),
    [
        ("2023青河发展大会在长洲开幕，今年全市要新签约重大产业项目100个以上。", "100个"),  # another project's number
        ("2023青河发展大会在长洲开幕，大会设停车场10个，总投资12亿元。", "12亿元"),  # the amount of something else
        ("11月11日，2023青河发展大会在长洲开幕，26个26个项目集中签约，涵盖高端装备等领域。", "26个"),
        ("2023青河发展大会在长洲开幕，涵盖新材料、新材料等领域，河湾公司与青河市签订合作协议。", "新材料、新材料"),
        ("河湾公司与青河市签订合作协议，明年5月投产，河湾公司与青河市签订合作协议。", "河湾公司与青河市"),
        ("2023青河发展大会在长洲开幕，总投资达869.8亿元的26个项目集中。", "总投资达869.8亿元的26个项目集中"),
        ("2023青河发展大会在长洲开幕，河湾公司与青河市签订合作协议（总投资12亿元。", "总投资12亿元"),
        ("2023青河发展大会在长洲开幕，火星上的商人也来了两次并且很满意。", "火星上的商人也来了两次并且很满意"),
    ],
)
def test_what_it_does_not_say_is_named(summary, wrong):
    assert any(wrong in part for part in find_misplaced(summary, TEXT, TITLE))


def test_every_article_says_its_own_sentences():
    for sentence in TEXT.split("。")[:-1]:
        assert find_misplaced(sentence + "。", TEXT) == []


def test_an_empty_article_says_nothing():
    assert find_misplaced("签约26个项目。", "") == ["签约26个项目", "26个"]
