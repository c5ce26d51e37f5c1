"""Figures of press sentences with every field: value, unit, qualifier, role, scope and status of each.

One row is a sentence and, for each of its amounts and counts in order, ``kind value unit qualifier role scope status``; areas, percentages and dates have no role, scope or status.
Sentences are written for this test.
"""

import pytest

from models.context import read_mentions

CASES = [
    ("会上集中签约项目32个，总投资368.5亿元，其中工业项目20个，投资210亿元。", [
        "count 32 个 exact - batch signed", "amount 36850000000 CNY exact investment batch signed",
        "count 20 个 exact - part signed", "amount 21000000000 CNY exact investment part signed"]),
    ("达产后年产值可达10亿元、税收5000万元。", ["amount 1000000000 CNY exact output project unknown", "amount 50000000 CNY exact tax project unknown"]),
    ("10亿元以上项目8个。", ["amount 1000000000 CNY over other threshold unknown", "count 8 个 exact - batch unknown"]),
    ("该项目总投资5亿元，用地120亩。", ["amount 500000000 CNY exact investment batch unknown", "area 80000 m2 exact - - -"]),
    ("计划总投资约30亿元，分两期建设。", ["amount 3000000000 CNY about investment batch unknown"]),
    ("现场签约7个项目，签约金额160多亿元。", ["count 7 个 exact - batch signed", "amount 16000000000 CNY over investment batch signed"]),
    ("近30个项目达成合作意向，会后继续洽谈。", ["count 30 个 nearly - batch intent"]),
    ("去年全市引进项目210个，到位资金480亿元。", ["count 210 个 exact - background unknown", "amount 48000000000 CNY exact paid_in background unknown"]),
    ("今年以来，全市新签约项目96个。", ["count 96 个 exact - background signed"]),
    ("拟投资3000万欧元建设研发中心。", ["amount 30000000 EUR exact investment project planned"]),
    ("双方签订供货合同，合同金额2.4亿美元。", ["amount 240000000 USD exact investment batch signed"]),
    ("银行授信80亿元。", ["amount 8000000000 CNY exact credit project unknown"]),
    ("厂房面积22.5万平方米。", ["area 225000 m2 exact - - -"]),
    ("项目占地300亩，建筑面积18万平方米。", ["area 200000 m2 exact - - -", "area 180000 m2 exact - - -"]),
    ("固定资产投资同比增长12.5%。", ["percent 12.5 % exact - - -"]),
    ("设立总规模50亿元的产业基金。", ["amount 5000000000 CNY exact investment batch unknown"]),
    ("年销售收入可达20亿元，年利税1.5亿元。", ["amount 2000000000 CNY exact output project unknown", "amount 150000000 CNY exact tax project unknown"]),
    ("一期投资8亿元，二期投资12亿元。", ["amount 800000000 CNY exact investment part unknown", "amount 1200000000 CNY exact investment part unknown"]),
    ("注册资本1亿元。", ["amount 100000000 CNY exact other project unknown"]),
    ("20个重大项目集中开工，总投资215亿元。", ["count 20 个 exact - batch started", "amount 21500000000 CNY exact investment batch started"]),
    ("15个项目竣工投产，完成投资60亿元。", ["count 15 个 exact - batch completed", "amount 6000000000 CNY exact paid_in project completed"]),
    ("力争全年引进亿元以上项目100个。", ["amount 100000000 CNY over other threshold planned", "count 100 个 exact - background planned"]),
    ("参会企业200余家。", ["count 200 家 over - batch unknown"]),
    ("组织30多家企业赴深圳考察。", ["count 30 家 over - batch unknown"]),
    ("出口额达3.2亿美元。", ["amount 320000000 USD exact trade project unknown"]),
    ("采购金额4500万元。", ["amount 45000000 CNY exact trade project unknown"]),
    ("首期投资约一百二十亿元。", ["amount 12000000000 CNY about investment part unknown"]),
    ("投资额在30-50亿元之间。", ["amount 3000000000-5000000000 CNY range investment project unknown"]),
    ("推介项目56个，总投资890亿元。", ["count 56 个 exact - batch promoted", "amount 89000000000 CNY exact investment batch promoted"]),
    ("共有12个项目上台签约，总金额达86亿元，涉及新材料、装备制造等领域。", ["count 12 个 exact - batch signed", "amount 8600000000 CNY exact investment batch signed"]),
    ("园区累计入驻企业350家，实现产值1200亿元。", ["count 350 家 exact - background unknown", "amount 120000000000 CNY exact output background unknown"]),
    ("港商投资5000万港元兴建物流园。", ["amount 50000000 HKD exact investment project unknown"]),
    ("预计年产值15亿元，年纳税8000万元。", ["amount 1500000000 CNY exact output project unknown", "amount 80000000 CNY exact tax project unknown"]),
    ("财政奖补资金200万元。", ["amount 2000000 CNY exact other project unknown"]),
    ("一季度，全县实际利用外资1.1亿美元。", ["amount 110000000 USD exact paid_in background unknown"]),
    ("与3家企业签署战略合作框架协议。", ["count 3 家 exact - batch signed"]),
    ("签约项目共计１２个，总投资１，２５６．８亿元。", ["count 12 个 exact - batch signed", "amount 125680000000 CNY exact investment batch signed"]),
    ("9个项目签约落户，协议引资超百亿元。", ["count 9 个 exact - batch signed", "amount 10000000000 CNY over investment batch signed"]),
    ("截至目前，园区已开工项目46个，完成固定资产投资73亿元。", ["count 46 个 exact - background started", "amount 7300000000 CNY exact fixed_assets background started"]),
    ("项目签约仪式上，18份合作协议落笔，金额合计逾240亿元。", ["count 18 份 exact - batch signed", "amount 24000000000 CNY over investment batch signed"]),
]  # fmt: skip


def row(figure):
    value = f"{figure.value:f}" if figure.max is None else f"{figure.value:f}-{figure.max:f}"
    return " ".join([figure.kind, value, figure.unit, figure.qualifier, *(own or "-" for own in (figure.role, figure.scope, figure.status))])


@pytest.mark.parametrize(("sentence", "expected"), CASES)
def test_figures_with_role_scope_and_status(sentence, expected):
    assert [row(mention.figure) for mention in read_mentions(sentence)] == expected


def test_the_set_is_as_large_as_promised():
    from tests.models.test_figures import AMOUNTS, COUNTS, DATES, OTHERS

    assert len(AMOUNTS) + len(COUNTS) + len(DATES) + len(OTHERS) + sum(len(expected) for _, expected in CASES) >= 150
