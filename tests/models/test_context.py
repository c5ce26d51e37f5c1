"""Role, scope and status of figures by the words of their sentence."""

import pytest

from models.context import Mention, read_mentions


def mention(text: str, figure: str) -> Mention:
    return next(m for m in read_mentions(text) if m.figure.text == figure)


@pytest.mark.parametrize(
    ("text", "figure", "role"),
    [
        ("项目总投资5亿元，达产后年产值可达10亿元、税收5000万元。", "5亿元", "investment"),
        ("项目总投资5亿元，达产后年产值可达10亿元、税收5000万元。", "10亿元", "output"),
        ("项目总投资5亿元，达产后年产值可达10亿元、税收5000万元。", "5000万元", "tax"),
        ("其中固定资产投资3亿元。", "3亿元", "fixed_assets"),
        ("协议引资20亿元，到位资金6亿元。", "20亿元", "investment"),
        ("协议引资20亿元，到位资金6亿元。", "6亿元", "paid_in"),
        ("银行与企业签订授信协议，金额18亿元。", "18亿元", "credit"),
        ("9家企业获得12亿元授信。", "12亿元", "credit"),
        ("全年进出口总额90亿元。", "90亿元", "trade"),
        ("现场达成采购金额2亿元。", "2亿元", "trade"),
        ("每家最高奖励500万元。", "500万元", "other"),
        ("以41.8亿元的总投资落地。", "41.8亿元", "investment"),
    ],
)
def test_role(text: str, figure: str, role: str) -> None:
    assert mention(text, figure).figure.role == role


@pytest.mark.parametrize(
    ("text", "figure", "scope"),
    [
        ("签约项目32个，总投资368.5亿元，其中10亿元以上项目8个。", "32个", "batch"),
        ("签约项目32个，总投资368.5亿元，其中10亿元以上项目8个。", "368.5亿元", "batch"),
        ("签约项目32个，总投资368.5亿元，其中10亿元以上项目8个。", "10亿元以上", "threshold"),
        ("签约项目32个，总投资368.5亿元，其中10亿元以上项目8个。", "8个", "part"),
        ("签约亿元项目5个。", "亿元", "threshold"),
        ("培育千亿级产业集群。", "千亿级", "threshold"),
        ("投资超10亿元的项目3个。", "超10亿元", "threshold"),
        ("去年全县签约项目98个。", "98个", "background"),
        ("截至目前，园区累计引进项目76个。", "76个", "background"),
        ("华川公司投资7亿元建厂。", "7亿元", "project"),
        ("签约项目42个，其中装备类30个、食品类项目12个，总金额568亿元。", "568亿元", "batch"),
        ("签约项目42个，其中外资项目42个，总投资568亿元。", "568亿元", "batch"),
        ("签约项目42个，其中外资项目12个，总投资68亿元。", "68亿元", "part"),
        ("签约项目42个，其中10亿元以上项目8个、50亿元以上项目2个，总投资468亿元。", "468亿元", "part"),
        ("签约项目42个，总投资568亿元，其中装备类30个、食品类12个，总投资468亿元。", "468亿元", "part"),
        ("签约项目30个，其中合同项目22个，金额50亿元；协议项目8个，金额20亿元。", "8个", "part"),
        ("签约项目30个，其中合同项目22个，金额50亿元；协议项目8个，金额20亿元。", "20亿元", "part"),
        ("签约项目30个，其中工业12个；农业10个；旅游8个。", "8个", "part"),
        ("签约项目30个，其中工业项目22个；开工项目8个。", "8个", "batch"),
        ("东区签约项目32个，其中工业5个；西区签约项目15个。", "15个", "batch"),
        ("签约金额由去年的80亿元增加到100亿元。", "80亿元", "background"),
        ("签约金额由去年的80亿元增加到100亿元。", "100亿元", "project"),
        ("签约项目32个，比去年同期多5个，总投资368亿元。", "5个", "background"),
        ("签约项目32个，比去年同期多5个，总投资368亿元。", "368亿元", "batch"),
        ("县委书记曾晓云宣布，现场签约项目9个。", "9个", "batch"),
        ("历史文化街区更新等项目9个现场签约。", "9个", "batch"),
    ],
)
def test_scope(text: str, figure: str, scope: str) -> None:
    assert mention(text, figure).figure.scope == scope


@pytest.mark.parametrize(
    ("text", "figure", "status"),
    [
        ("现场签约项目12个。", "12个", "signed"),
        ("12个项目集中签约。", "12个", "signed"),
        ("推介会上，9个项目成功签约。", "9个", "signed"),
        ("会上签署意向书6份。", "6份", "signed"),
        ("双方达成合作意向6个。", "6个", "intent"),
        ("拟签约项目12个。", "12个", "planned"),
        ("下月将集中签约项目12个。", "12个", "planned"),
        ("23个产业项目同日开工。", "23个", "started"),
        ("5个项目建成投产。", "5个", "completed"),
        ("面向客商推介项目40个。", "40个", "promoted"),
        ("正在洽谈项目15个。", "15个", "talks"),
        ("签约项目8个，开工项目5个。", "8个", "signed"),
        ("签约项目8个，开工项目5个。", "5个", "started"),
        ("园区共有项目15个。", "15个", "unknown"),
        ("截至8月底，全县引进项目27个，合同引资186亿元，完成年度目标任务的90%。", "27个", "unknown"),
        ("截至8月底，全县引进项目27个，合同引资186亿元，完成年度目标任务的90%。", "186亿元", "unknown"),
        ("引进项目27个，谋划下一批项目。", "27个", "unknown"),
        ("引进项目27个，预计年底投产。", "27个", "unknown"),
        ("全年目标引进项目27个。", "27个", "planned"),
        ("12个项目、总投资30亿元，将于下月签约。", "12个", "planned"),
    ],
)
def test_status(text: str, figure: str, status: str) -> None:
    assert mention(text, figure).figure.status == status


@pytest.mark.parametrize(
    ("text", "figure", "noun"),
    [
        ("签约项目12个。", "12个", "project"),
        ("15个招商项目亮相。", "15个", "project"),
        ("7份合作备忘录现场签署。", "7份", "agreement"),
        ("30多家企业参会。", "30多家", "company"),
        ("20个部门负责人汇报项目。", "20个", "company"),
        ("11个县的项目负责人。", "11个", "other"),
        ("解决3个问题。", "3个", "other"),
        ("发布重点项目20个，当天签约9个，金额76亿元。", "9个", "project"),
        ("会上签约5个城市。", "5个", "other"),
    ],
)
def test_what_a_count_counts(text: str, figure: str, noun: str) -> None:
    assert mention(text, figure).noun == noun


def test_offsets_are_on_the_whole_text() -> None:
    text = "上午开会。\n会上签约项目12个，总投资1,256.8亿元；其中工业项目5个。"
    assert [text[m.figure.start : m.figure.end] for m in read_mentions(text)] == ["12个", "1,256.8亿元", "5个"]
    assert all(text[slice(*m.clause)] for m in read_mentions(text))


def test_a_total_behind_the_parts_is_investment_of_the_signed_whole() -> None:
    figure = mention("签约重点项目42个，其中投资类30个、贸易类项目12个，总金额568亿元。", "568亿元").figure
    assert (figure.role, figure.scope, figure.status) == ("investment", "batch", "signed")
