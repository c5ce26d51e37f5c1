"""Figures and names of summaries: supported, rounded, invented, unit or role changed, qualifier dropped."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import Facts
from models.faithfulness import check_annotation, check_summary

TITLE = "青禾县在深圳签下12个项目"
TEXT = (
    "4月18日至20日，青禾县委书记陈远山率队赴深圳、东莞考察。19日，“智汇青禾”招商推介会在深圳举行，近80家企业参加。"
    "会上，12个项目签约，总投资160多亿元，其中工业项目8个；广西华昇（集团）新材料有限公司投资5.6亿元建设光学膜项目。"
    "项目达产后年产值可达10亿元、税收5000万元，用地220亩。青禾高新区还与东江大学签署框架协议，引入LED检测平台。"
)


def unsupported(summary: str) -> tuple[str, ...]:
    return check_summary(summary, TEXT, TITLE)


@pytest.mark.parametrize(
    "summary",
    [
        "4月18日至20日，青禾县委书记陈远山率队赴深圳、东莞考察。",
        "青禾县12个项目签约，总投资160多亿元。",
        "青禾县在深圳举行“智汇青禾”招商推介会，近80家企业参加，签约项目12个。",
        "广西华昇新材料有限公司投资5.6亿元建设光学膜项目，用地220亩。",  # a bracketed part may be left out
        "华昇（集团）新材料有限公司投资5.6亿元。",
        "该县与东江大学签署框架协议，当地引入led检测平台。",
        "项目达产后年产值10亿元、税收5000万元。".replace("10", "可达10"),
        "4月18日，青禾县赴深圳。",  # the start of the span, as written
        "青禾县投资５．６亿元。",
    ],
)
def test_supported_summaries(summary: str) -> None:
    assert unsupported(summary) == ()


@pytest.mark.parametrize(
    ("summary", "expected", "why"),
    [
        ("12个项目签约，总投资160亿元。", ("160亿元",), "qualifier dropped"),
        ("12个项目签约，总投资超160亿元。", (), "the same qualifier in another word"),
        ("12个项目签约，总投资160多万元。", ("160多万元",), "万 for 亿"),
        ("投资5.6万元建设光学膜项目。", ("5.6万元",), "万 for 亿"),
        ("投资6亿元建设光学膜项目。", ("6亿元",), "rounded"),
        ("投资56000万元建设光学膜项目。", (), "the same value"),
        ("13个项目签约。", ("13个",), "invented"),
        ("12家企业签约。", ("12家",), "unit changed"),
        ("80家企业参加。", ("80家",), "近 dropped"),
        ("约80家企业参加。", ("约80家",), "近 is not 约"),
        ("项目总投资10亿元。", ("10亿元",), "role changed: output"),
        ("项目总投资5000万元。", ("5000万元",), "role changed: tax"),
        ("4月17日，青禾县赴深圳考察。", ("4月17日",), "date changed"),
        ("8日，青禾县赴深圳考察。", ("8日",), "a piece of 18日"),
        ("用地22亩。", ("22亩",), "a piece of 220亩"),
        ("第3届推介会举行。", ("第3届",), "ordinal invented"),
        ("“智造青禾”推介会举行。", ("智造青禾",), "quoted name changed"),
        ("青禾县引入LCD检测平台。", ("LCD",), "Latin name changed"),
        ("广西华晟新材料有限公司投资5.6亿元。", ("广西华晟新材料有限公司",), "one character of a name changed"),
        ("青山县12个项目签约。", ("青山县",), "place invented"),
        ("青禾县赴广州考察。", ("广州",), "city invented"),
        ("青禾县委书记陈志远率队考察。", ("陈志远",), "person invented"),
        ("青禾县委书记陈远川率队考察。", ("陈远川",), "person changed"),
        ("与西江大学签署框架协议。", ("西江大学",), "university changed"),
        ("华昇公司投资5.6亿元。", ("华昇公司",), "a name the article does not use"),
        ("参数规模320亿，覆盖面广。", ("320亿",), "a bare number with 亿"),
        ("项目编号765，12个项目签约。", ("765",), "bare digits"),
    ],
)
def test_unsupported_parts(summary: str, expected: tuple[str, ...], why: str) -> None:
    assert unsupported(summary) == expected, why


def test_findings_stand_in_the_summary_in_order() -> None:
    summary = "青山县在广州签约13个项目，总投资160亿元。"
    found = unsupported(summary)
    assert found == ("青山县", "广州", "13个", "160亿元")
    assert sorted(found, key=summary.index) == list(found)


def test_the_title_supports_too() -> None:
    assert check_summary("青禾县签下12个项目。", "会议召开。", TITLE) == ()
    assert check_summary("青禾县签下12个项目。", "会议召开。") != ()


def test_an_article_supports_its_own_sentences() -> None:
    for sentence in TEXT.split("。"):
        assert unsupported(sentence + "。") == ()


@given(st.text(alphabet="青禾县市公司集团12个亿万元多，。“”（）A第届书记陈", max_size=60))
def test_any_summary_is_answered_with_its_own_strings(summary: str) -> None:
    assert all(found in summary for found in unsupported(summary))


WHOLE = "会上签约项目20个，总投资50亿元，其中，亿元项目5个，总投资30亿元；截至目前，园区累计引进项目76个。"
GREW = "全县签约金额由去年的80亿元增加到100亿元。"


@pytest.mark.parametrize(
    ("summary", "text", "expected"),
    [
        ("签约金额达80亿元。", GREW, ("80亿元",)),
        ("签约金额达100亿元。", GREW, ()),
        ("签约金额由去年的80亿元增加到100亿元。", GREW, ()),
        ("签约项目5个，总投资30亿元。", WHOLE, ("5个", "30亿元")),
        ("签约项目20个，总投资50亿元，其中亿元项目5个，总投资30亿元。", WHOLE, ()),
        ("会上签约项目76个。", WHOLE, ("76个",)),
        ("园区累计引进项目76个。", WHOLE, ()),
        ("签约食品项目8个。", "签约项目20个，其中食品项目8个。", ()),
        ("签约项目8个。", "签约项目20个，其中食品项目8个。", ("8个",)),
        ("总投资10亿元以上。", "签约项目20个，10亿元以上项目8个。", ("10亿元以上",)),
        ("签约10亿元以上项目8个。", "签约项目20个，10亿元以上项目8个。", ()),
    ],
)
def test_a_part_or_an_earlier_figure_is_not_the_result(summary: str, text: str, expected: tuple[str, ...]) -> None:
    assert check_summary(summary, text) == expected


@pytest.mark.parametrize(
    ("summary", "text", "expected"),
    [
        ("11月23日，云溪县召开会议。", "云溪县23日召开会议，部署11月工作。", ()),
        ("12月23日，云溪县召开会议。", "云溪县23日召开会议，部署11月工作。", ("12月23日",)),
        ("11月23日，云溪县召开会议。", "云溪县召开会议，部署11月工作，10月23日曾有部署。", ("11月23日",)),
        ("9月4日至6日，客商在云溪县考察。", "9月4日，客商抵达云溪县考察，6日返程。", ()),
        ("9月4日至5日，客商在云溪县考察。", "9月4日至6日，客商在云溪县考察，5日座谈。", ("9月4日至5日",)),
        ("2023年9月4日，云溪县召开会议。", "云溪县9月4日召开会议。", ("2023年9月4日",)),
        ("4人参加，两处厂房签约。", "四人参加，2处厂房签约。", ()),
        ("4人参加。", "十四人参加。", ("4人",)),
        ("4人参加。", "近四人参加。", ("4人",)),
        ("12人参加。", "十二人参加。", ()),
        ("1家新材料企业落户。", "一家人过年。", ("1家",)),
        ("签约4个项目。", "四个企业参会。", ("4个",)),
    ],
)
def test_days_and_small_numbers_in_another_form(summary: str, text: str, expected: tuple[str, ...]) -> None:
    assert check_summary(summary, text) == expected


@pytest.mark.parametrize(
    ("summary", "text", "expected"),
    [
        ("三年间拆除低效旧工业区。", "三年下来，拆除低效旧工业区。", ()),
        ("规则草案送协会修改。", "规则草案用邮件送到协会，请对方修改。", ()),
        ("客商对接设立区域实验室。", "客商就设立区域实验室开展对接。", ()),
        ("客商考察云山州。", "客商考察云山彝族自治州。", ()),
        ("客商考察云山州。", "客商考察云山县。", ("客商考察云山州",)),
        ("客商在青山县考察。", "客商在青禾县和衡山县考察。", ("青山县",)),
        ("东华昇公司落户。", "华昇公司落户。", ("东华昇公司",)),
    ],
)
def test_cut_words_are_no_names_and_changed_names_are_found(summary: str, text: str, expected: tuple[str, ...]) -> None:
    assert check_summary(summary, text) == expected


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("王明率队考察。", ("王明",)),
        ("李明率队考察。", ()),
        ("会上，陈远山强调要抓落实。", ("陈远山",)),
        ("云溪县李明主持会议。", ()),
        ("云溪县赵大海主持会议。", ("赵大海",)),
        ("双方表示加强合作，方案强调抓落实。", ()),
    ],
)
def test_persons_without_a_title(summary: str, expected: tuple[str, ...]) -> None:
    assert check_summary(summary, "云溪县李明率队考察，王刚参加，双方议定方案，要加强合作、抓落实，主持会议。") == expected


@pytest.mark.parametrize("unit", ["市", "公司", "1亿元", "“", "签约项目1个，", "1个。"])
def test_long_articles_are_read_in_linear_time(unit: str) -> None:
    def seconds(n_chars: int) -> float:
        started = time.process_time()
        check_summary("青禾县与华昇公司签约项目3个，总投资5亿元。", unit * (n_chars // len(unit)))
        return time.process_time() - started

    assert seconds(100_000) < 30 * seconds(10_000) + 1.0


ANNOTATED = "青禾县12日与海歌重工等企业签约项目32个，总投资368.5亿元，其中10亿元以上项目8个。县长陪同客商到洋口港看了厂房。"


@pytest.mark.parametrize(
    ("summary", "missing"),
    [
        ("青禾县与海歌重工等企业签约项目32个，总投资368.5亿元。", ()),
        ("青禾县签约项目23个，总投资386.5亿元。", ("23个", "386.5亿元")),
        ("临江市签约项目32个。", ("临江市",)),
        ("白川集团与青禾县签约。", ("白川集团",)),
        ("青禾县签约三项协议，客商看了厂房。", ()),  # up to ten may be counted by the reader
        ("县长率队返乡，邀请乡贤到青禾县投资。", ()),
    ],
)
def test_annotations_are_held_to_values_and_names(summary, missing):
    assert check_annotation(summary, Facts(), ANNOTATED) == missing


def test_facts_are_held_to_figures_of_the_article():
    assert check_annotation("青禾县签约。", Facts(32, 368.5, 8, None), ANNOTATED) == ()
    assert check_annotation("青禾县签约。", Facts(31, 368.4, 9, 10.5), ANNOTATED) == (
        "signed_projects 31",
        "signed_amount 368.4",
        "total_amount 10.5",
    )
