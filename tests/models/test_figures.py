"""The figure grammar, row by row: text, then (span, kind, value, max, unit, qualifier) of every figure in it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import plain
from models.figures import find_figures

CNY = "amount CNY"


def row(figure) -> str:
    """``160多亿元 amount CNY 16000000000 over`` or with ``low..high``."""
    value = plain(figure.value) + ("" if figure.max is None else f"..{plain(figure.max)}")
    return f"{figure.text} {figure.kind} {figure.unit} {value} {figure.qualifier}"


AMOUNTS = [
    ("签约7个项目，总额160多亿元", ["7个 count 个 7 exact", f"160多亿元 {CNY} 16000000000 over"]),
    ("160亿多元", [f"160亿多元 {CNY} 16000000000 over"]),
    ("160多亿元人民币", [f"160多亿元 {CNY} 16000000000 over"]),
    ("投资30-50亿元", [f"30-50亿元 {CNY} 3000000000..5000000000 range"]),
    ("投资30亿至50亿元", [f"30亿至50亿元 {CNY} 3000000000..5000000000 range"]),
    ("投资30亿元—50亿元", [f"30亿元—50亿元 {CNY} 3000000000..5000000000 range"]),
    ("投资100万-1亿元", [f"100万-1亿元 {CNY} 1000000..100000000 range"]),
    ("投资三至五亿元", [f"三至五亿元 {CNY} 300000000..500000000 range"]),
    ("投资三五十亿", [f"三五十亿 {CNY} 3000000000..5000000000 range"]),
    ("七八百万元", [f"七八百万元 {CNY} 7000000..8000000 range"]),
    ("从20亿元到50亿元", [f"20亿元 {CNY} 2000000000 exact", f"50亿元 {CNY} 5000000000 exact"]),
    ("逾百亿元", [f"逾百亿元 {CNY} 10000000000 over"]),
    ("超百亿元", [f"超百亿元 {CNY} 10000000000 over"]),
    ("上亿元", [f"上亿元 {CNY} 100000000 over"]),
    ("数十亿元", [f"数十亿元 {CNY} 1000000000 about"]),
    ("一百二十亿元", [f"一百二十亿元 {CNY} 12000000000 exact"]),
    ("十二点五亿元", [f"十二点五亿元 {CNY} 1250000000 exact"]),
    ("一亿二千万元", [f"一亿二千万元 {CNY} 120000000 exact"]),
    ("1亿2000万元", [f"1亿2000万元 {CNY} 120000000 exact"]),
    ("投资二十亿", [f"二十亿 {CNY} 2000000000 exact"]),
    ("四千万收购股份", [f"四千万 {CNY} 40000000 exact"]),
    ("总投资约8亿。", [f"约8亿 {CNY} 800000000 about"]),
    ("投了5个亿", [f"5个亿 {CNY} 500000000 exact"]),
    ("１２亿元", [f"１２亿元 {CNY} 1200000000 exact"]),
    ("1,256.8亿元", [f"1,256.8亿元 {CNY} 125680000000 exact"]),
    ("1.2万亿元", [f"1.2万亿元 {CNY} 1200000000000 exact"]),
    ("3541.07万元", [f"3541.07万元 {CNY} 35410700 exact"]),
    ("2.2本计划投资3541.07万元2.3", [f"3541.07万元 {CNY} 35410700 exact"]),
    ("1.23456亿元", [f"1.23456亿元 {CNY} 123456000 exact"]),
    ("50万元", [f"50万元 {CNY} 500000 exact"]),
    ("50亿元", [f"50亿元 {CNY} 5000000000 exact"]),
    ("123元1角1分", [f"123元1角1分 {CNY} 123.11 exact"]),
    ("不足3亿元", [f"不足3亿元 {CNY} 300000000 under"]),
    ("10亿元以内", [f"10亿元以内 {CNY} 1000000000 under"]),
    ("不低于10亿元", [f"不低于10亿元 {CNY} 1000000000 over"]),
    ("不超过10亿元", [f"不超过10亿元 {CNY} 1000000000 under"]),
    ("10亿元左右", [f"10亿元左右 {CNY} 1000000000 about"]),
    ("近10亿元", [f"近10亿元 {CNY} 1000000000 nearly"]),
    ("人民币20亿元", [f"人民币20亿元 {CNY} 2000000000 exact"]),
    ("￥3000万", [f"￥3000万 {CNY} 30000000 exact"]),
    ("3000万欧元", ["3000万欧元 amount EUR 30000000 exact"]),
    ("5000万港元", ["5000万港元 amount HKD 50000000 exact"]),
    ("100000万美元", ["100000万美元 amount USD 1000000000 exact"]),
    ("US$5亿", ["US$5亿 amount USD 500000000 exact"]),
    ("60亿日元和2亿英镑", ["60亿日元 amount JPY 6000000000 exact", "2亿英镑 amount GBP 200000000 exact"]),
    ("3亿新台币、2亿澳门元", ["3亿新台币 amount TWD 300000000 exact", "2亿澳门元 amount MOP 200000000 exact"]),
    ("8000万新加坡元", ["8000万新加坡元 amount SGD 80000000 exact"]),
    (
        "总投资5亿元，达产后年产值可达10亿元、税收5000万元",
        [f"5亿元 {CNY} 500000000 exact", f"10亿元 {CNY} 1000000000 exact", f"5000万元 {CNY} 50000000 exact"],
    ),
    (
        "签约项目32个，总投资368.5亿元，其中10亿元以上项目8个，50亿元以上项目2个",
        [
            "32个 count 个 32 exact",
            f"368.5亿元 {CNY} 36850000000 exact",
            f"10亿元以上 {CNY} 1000000000 over",
            "8个 count 个 8 exact",
            f"50亿元以上 {CNY} 5000000000 over",
            "2个 count 个 2 exact",
        ],
    ),
    ("引进5个亿元以上项目", ["5个 count 个 5 exact", f"亿元以上 {CNY} 100000000 over"]),
    ("签下6个百亿级项目", ["6个 count 个 6 exact", f"百亿级 {CNY} 10000000000 about"]),
    ("亿元及以上项目12个", [f"亿元及以上 {CNY} 100000000 over", "12个 count 个 12 exact"]),
    ("50亿元级产业", [f"50亿元级 {CNY} 5000000000 about"]),
    ("千亿级产业集群", [f"千亿级 {CNY} 100000000000 about"]),
]
COUNTS = [
    ("近30个项目", ["近30个 count 个 30 nearly"]),
    ("30多家企业", ["30多家 count 家 30 over"]),
    ("十二个项目", ["十二个 count 个 12 exact"]),
    ("两个项目", ["两个 count 个 2 exact"]),
    ("俩项目", ["俩 count 个 2 exact"]),
    ("一个项目", ["一个 count 个 1 exact"]),
    ("三十多个", ["三十多个 count 个 30 over"]),
    ("十几家", ["十几家 count 家 10 over"]),
    ("几十个", ["几十个 count 个 10 about"]),
    ("上百家企业", ["上百家 count 家 100 over"]),
    ("会上百余家企业", ["百余家 count 家 100 over"]),
    ("近百个", ["近百个 count 个 100 nearly"]),
    ("两三家", ["两三家 count 家 2..3 range"]),
    ("5-10家", ["5-10家 count 家 5..10 range"]),
    ("签约20个项目", ["20个 count 个 20 exact"]),
    ("约20个项目", ["约20个 count 个 20 about"]),
    ("22项协议、3份合同", ["22项 count 项 22 exact", "3份 count 份 3 exact"]),
    ("120余人次", ["120余人次 count 人次 120 over"]),
    ("1.45万面镜子", []),
    ("200余人参加", ["200余人 count 人 200 over"]),
    ("吸引30名企业家、12名校友", ["30名 count 名 30 exact", "12名 count 名 12 exact"]),
    ("2万吨级泊位3座", ["2万吨 count 吨 20000 exact", "3座 count 座 3 exact"]),
    ("新增5万多人", ["5万多人 count 人 50000 over"]),
    ("40艘船、12辆车", ["40艘 count 艘 40 exact", "12辆 count 辆 12 exact"]),
]
DATES = [
    ("5月11日至14日", ["5月11日至14日 date MMDD 511..514 range"]),
    ("5月11-14日", ["5月11-14日 date MMDD 511..514 range"]),
    ("5月30日至6月2日", ["5月30日至6月2日 date MMDD 530..602 range"]),
    ("2024年5月17日", ["2024年5月17日 date YYYYMMDD 20240517 exact"]),
    ("2024年5月", ["2024年5月 date YYYYMM 202405 exact"]),
    ("2024年", ["2024年 date YYYY 2024 exact"]),
    ("2020-2024年", ["2020-2024年 date YYYY 2020..2024 range"]),
    ("二〇二四年五月", ["二〇二四年五月 date YYYYMM 202405 exact"]),
    ("1-4月", ["1-4月 date MM 1..4 range"]),
    ("14日，", ["14日 date DD 14 exact"]),
    ("2024-05-17", ["2024-05-17 date YYYYMMDD 20240517 exact"]),
    ("13月40日", []),
    ("三年行动", ["三年 other 年 3 exact"]),
    ("3个月", ["3个月 other 个月 3 exact"]),
    ("20世纪90年代", []),
]
OTHERS = [
    ("占比86%", ["86% percent % 86 exact"]),
    ("百分之二十", ["百分之二十 percent % 20 exact"]),
    ("百分之二点五", ["百分之二点五 percent % 2.5 exact"]),
    ("30-50%", ["30-50% percent % 30..50 range"]),
    ("30%—50%", ["30%—50% percent % 30..50 range"]),
    ("提高1.2个百分点", ["1.2个百分点 percent % 1.2 exact"]),
    ("近六成", ["近六成 percent % 60 nearly"]),
    ("22.5万平方米", ["22.5万平方米 area m2 225000 exact"]),
    ("占地300亩", ["300亩 area m2 200000 exact"]),
    ("约1000亩", ["约1000亩 area m2 666666.67 about"]),
    ("12平方公里", ["12平方公里 area m2 12000000 exact"]),
    ("80公顷", ["80公顷 area m2 800000 exact"]),
    ("30万千瓦", ["30万千瓦 other 千瓦 300000 exact"]),
    ("年产5GW组件", ["5GW other GW 5 exact"]),
    ("3亿千瓦时", ["3亿千瓦时 other 千瓦时 300000000 exact"]),
    ("60公里", ["60公里 other 公里 60 exact"]),
]
NO_FIGURES = [
    "第3届",
    "第一",
    "第二批",
    "世界500强",
    "中国500强",
    "“765”项目",
    "G60科创走廊",
    "5G基站",
    "4+N体系",
    "一批",
    "一带一路",
    "一事一议",
    "一企一策",
    "一站式",
    "十九届",
    "二十大",
    "十四五",
    "唯一",
    "一是",
    "二是",
    "统一",
    "万科",
    "百度",
    "千方百计",
    "万众",
    "亿纬锂能",
    "三亚",
    "万宁",
    "九江",
    "重庆",
    "一汽",
    "三一重工",
    "双百双新",
    "0774-3862111",
    "2024中国光电展",
    "千家万户",
    "三位一体",
    "五家渠",
    "三台县",
    "三门峡",
    "零距离",
    "零件",
    "百家争鸣",
    "一次性",
    "四套班子",
    "第三产业",
    "三次产业",
    "A320",
    "前10名",
    "12345热线",
    "一家亲",
    "多元",
    "万元GDP",
    "会上",
    "近年来",
    "多数",
    "亿万富翁",
    "一成不变",
    "单位：万元",
    "两手抓",
    "数据",
    "参数",
]


@pytest.mark.parametrize(("text", "expected"), [*AMOUNTS, *COUNTS, *DATES, *OTHERS])
def test_figures_of_a_phrase(text: str, expected: list[str]) -> None:
    assert [row(figure) for figure in find_figures(text)] == expected


@pytest.mark.parametrize("text", NO_FIGURES)
def test_words_that_are_no_figures(text: str) -> None:
    assert find_figures(text) == []
    assert find_figures(f"会议指出，{text}，要抓好落实。") == []


@pytest.mark.parametrize(("small", "large"), [("5万元", "5亿元"), ("四千万元", "四千亿元"), ("3.2万美元", "3.2亿美元"), ("30-50万元", "30-50亿元")])
def test_wan_and_yi_differ_ten_thousandfold(small: str, large: str) -> None:
    (low,), (high,) = find_figures(small), find_figures(large)
    assert high.value == low.value * 10_000
    assert low.max is None or (high.max or 0) == low.max * 10_000


@pytest.mark.parametrize(("half", "full"), [("12亿元", "１２亿元"), ("86%", "８６％"), ("3.5万平方米", "３．５万平方米")])
def test_width_changes_nothing_but_the_span(half: str, full: str) -> None:
    (a,), (b,) = find_figures(half), find_figures(full)
    assert (a.kind, a.value, a.unit, b.text) == (b.kind, b.value, b.unit, full)


ALPHABET = "0123456789.,，。-—至到~一二两三十百千万亿几数多余来个项家年月日元美%亩吨级约近超上以下第点分之角俩 \n（）AGgW零〇○号成米平方千瓦１２"


@given(st.text(alphabet=ALPHABET, max_size=80))
def test_any_text_gives_valid_spans(text: str) -> None:
    end = 0
    for figure in find_figures(text):
        assert end <= figure.start < figure.end <= len(text)
        assert text[figure.start : figure.end] == figure.text
        assert figure.value >= 0
        assert (figure.max is not None) == (figure.qualifier == "range") or figure.kind == "date"
        end = figure.end


@given(st.integers(1, 99999), st.sampled_from(["万元", "亿元", "个", "家", "万美元", "亩"]), st.text(alphabet="园区签约投资项目，。", max_size=12))
def test_a_plain_figure_is_found_in_any_company(number: int, unit: str, around: str) -> None:
    found = find_figures(f"{around}（{number}{unit}）{around}")
    assert [figure.text for figure in found] == [f"{number}{unit}"]


@pytest.mark.parametrize("unit", ["1", "亿", "多", "（", "1,", "1-", "近", "一", "第1", "2024年", "至1", "1.", "一百", "百分之", "1个"])
def test_adversarial_text_is_read_in_linear_time(unit: str) -> None:
    started = time.process_time()
    find_figures(unit * (20_000 // len(unit)))
    short = time.process_time() - started
    started = time.process_time()
    find_figures(unit * (200_000 // len(unit)))
    assert time.process_time() - started < 30 * short + 1.0  # ten times the text; a quadratic reader takes a hundred times
