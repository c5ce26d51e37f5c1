"""The four facts by the guide's rules, on sentences of ours; precision first."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import Facts
from models.outcomes import build_outcomes

SIGNING = ["signing"]
REVIEW = ["results_review"]


def facts(text: str, title: str | None = None, activity: list[str] | None = None) -> tuple[float | None, ...]:
    return tuple(build_outcomes(text, title, activity).facts.to_json().values())


@pytest.mark.parametrize(
    ("text", "activity", "expected"),
    [
        ("3月2日，临川县举行签约仪式，集中签约项目12个，总投资86.5亿元。", SIGNING, (12, 86.5, None, None)),
        ("会上签约7个项目，总额160多亿元。", SIGNING, (7, 160, None, None)),
        ("会上，近30个项目签约，协议投资超百亿元。", SIGNING, (30, 100, None, None)),
        ("签约项目32个，总投资368.5亿元，其中10亿元以上项目8个，50亿元以上项目2个。", SIGNING, (32, 368.5, None, None)),
        ("十二个项目现场签约，总投资一百二十亿元。", SIGNING, (12, 120, None, None)),
        ("现场签约项目3个，总投资4,000万元。", SIGNING, (3, 0.4, None, None)),
        ("现场签约项目3个，总投资2亿美元。", SIGNING, (3, None, None, None)),
        ("现场签约项目30-50个。", SIGNING, (None, None, None, None)),
        ("签约项目20个，其中制造业项目12个，投资60亿元。", SIGNING, (20, None, None, None)),
        ("活动现场5家企业签约。", SIGNING, (None, None, None, None)),
        ("华川新材与青禾县签署投资协议，总投资6亿元建设光学膜项目。", SIGNING, (1, 6, None, None)),
        ("华川新材与青禾县签署投资协议，总投资6亿元，达产后年产值10亿元、税收5000万元。", SIGNING, (1, 6, None, None)),
        ("青禾县与华川新材签署投资协议，投资3.6亿元。同时签署的还有一份三方合作备忘录。", SIGNING, (2, None, None, None)),
        ("双方洽谈三轮，暂不签约，计划投资8亿元。", ["business_talks"], (None, None, None, None)),
        ("双方达成合作意向6个，金额8亿元。", ["business_talks"], (None, None, None, None)),
        ("下月拟签约项目12个，总投资90亿元。", ["work_meeting"], (None, None, None, None)),
        ("7日，全市23个产业项目集中开工，总投资168.7亿元，年度计划投资61.2亿元。", ["project_progress"], (None, None, 23, 168.7)),
        ("活动现场，25个项目集中签约开工，总投资60亿元。", SIGNING, (None, None, 25, 60)),
        ("16个项目现场签约，协议总投资87.5亿元。紧接着，21个项目同步开工，总投资103亿元。", ["signing", "project_progress"], (16, 87.5, 21, 103)),
        ("推介会上发布招商项目33个，5个项目签约，总投资六十八亿元。", ["promotion_conference", "signing"], (5, 68, 33, None)),
        ("4月8日，总投资38亿元的海装基地项目在云港动工。", ["project_progress"], (None, None, 1, 38)),
        ("县长一行实地查看4个技改项目。", ["field_inspection"], (None, None, 4, None)),
        ("银行与17个项目签订授信协议，金额36亿元。", ["business_talks", "signing"], (17, None, None, None)),
        ("招商会上，签约项目9个，总投资23亿元。去年，全县签约项目98个，总投资300亿元。", SIGNING, (9, 23, None, None)),
        ("今年1至6月，全市新签约项目286个，协议投资额1530亿元。", REVIEW, (286, 1530, None, None)),
        ("座谈会气氛热烈。今年1至6月，全市新签约项目286个，协议投资额1530亿元。", ["business_talks"], (None, None, None, None)),
        ("今年目标新签约项目100个，总投资300亿元。", ["work_meeting"], (None, None, None, None)),
        ("截至目前，全县累计引进项目76个，到位资金318亿元。", REVIEW, (None, None, 76, None)),
        ("全市签约项目20个，总投资50亿元。", ["other"], (None, None, None, None)),
        ("截至8月底，全县引进亿元以上项目27个，合同引资186亿元，完成年度目标任务的90%。", REVIEW, (None, None, 27, 186)),
        ("签约重点项目42个，其中投资类30个、贸易类项目12个，总金额568亿元。", SIGNING, (42, 568, None, None)),
        ("签约项目42个，其中外资项目12个，总投资68亿元。", SIGNING, (42, None, None, None)),
        ("会上签署7份合作备忘录和3个投资协议，协议总金额超过45亿元。", SIGNING, (None, None, None, None)),
        ("会上签署7份合作备忘录和3个投资协议，共10份，协议总金额超过45亿元。", SIGNING, (10, 45, None, None)),
        ("现场签约内资项目8个、外资项目4个。", SIGNING, (None, None, None, None)),
        ("推介会上，发布重点项目120个，总投资1,256.8亿元，当天签约9个，金额76亿元。", ["promotion_conference", "signing"], (9, 76, 120, 1256.8)),
        ("签约项目30个，其中合同项目22个，金额50亿元；协议项目8个，金额20亿元。", SIGNING, (30, None, None, None)),
        ("今天天气晴。", ["other"], (None, None, None, None)),
    ],
)
def test_facts(text: str, activity: list[str], expected: tuple[float | None, ...]) -> None:
    assert facts(text, None, activity) == expected


def test_the_headline_batch_wins() -> None:
    text = "东区签约项目8个，总投资30亿元。西区签约项目15个，总投资62亿元。"
    assert facts(text, "西区15个项目签约", SIGNING)[:2] == (15, 62)


def test_the_headline_may_sum_joined_counts() -> None:
    assert facts("现场签约内资项目8个、外资项目4个。", "云溪县12个项目签约", SIGNING)[0] == 12


def test_two_batches_without_a_lead_give_none() -> None:
    assert facts("东区签约项目8个。西区签约项目15个。", "两区比学赶超", SIGNING)[0] is None


def test_the_title_has_no_mentions() -> None:
    outcomes = build_outcomes("会议召开。", "签约项目12个", SIGNING)
    assert outcomes.mentions == ()


def test_without_labels_the_words_decide() -> None:
    assert facts("3月2日，临川县集中签约项目12个，总投资86.5亿元。") == (12, 86.5, None, None)


@pytest.mark.parametrize(("wan", "yi"), [("86.5万元", "86.5亿元"), ("四千万元", "四千亿元")])
def test_the_unit_changes_the_fact(wan: str, yi: str) -> None:
    low, high = (facts(f"现场签约项目12个，总投资{amount}。", None, SIGNING)[1] for amount in (wan, yi))
    assert low is not None
    assert high == pytest.approx(low * 10_000)


def test_mentions_stand_in_the_text_in_order() -> None:
    text = "签约12个项目，总投资86.5亿元，占地300亩，占比30%，5月1日开工。"
    outcomes = build_outcomes(text, None, SIGNING)
    assert [m.text for m in outcomes.mentions] == ["12个", "86.5亿元", "300亩", "30%", "5月1日"]
    assert [text[m.start : m.end] for m in outcomes.mentions] == [m.text for m in outcomes.mentions]
    amount = outcomes.to_json()["mentions"][1]
    assert (amount["value"], amount["unit"], amount["role"], amount["scope"], amount["status"]) == (
        "8650000000",
        "CNY",
        "investment",
        "batch",
        "signed",
    )


def test_parts_above_the_total_are_a_conflict() -> None:
    (conflict,) = build_outcomes("集中签约项目12个，总投资30亿元，其中食品类8个、纺织类9个。", None, SIGNING).conflicts
    assert conflict == "分项合计17个，超过总数12个。"


def test_a_part_amount_above_the_total_is_a_conflict() -> None:
    (conflict,) = build_outcomes("集中签约项目12个，总投资30亿元，其中华川新材投资45亿元。", None, SIGNING).conflicts
    assert conflict == "分项金额45亿元超过总金额30亿元。"


def test_overlapping_parts_are_no_conflict() -> None:
    assert build_outcomes("签约项目12个，其中外资项目8个，亿元以上项目9个。", None, SIGNING).conflicts == ()


def test_title_against_body_is_a_conflict() -> None:
    (conflict,) = build_outcomes("会上集中签约项目16个。", "临川县18个项目签约", SIGNING).conflicts
    assert conflict == "标题为18个项目，正文为16个。"


def test_agreeing_title_is_no_conflict() -> None:
    assert build_outcomes("会上集中签约项目16个。", "临川县16个项目签约", SIGNING).conflicts == ()


@given(st.text(alphabet="签约项目12个，总投资30亿元。其中以上开工去年截至协议的一两备忘录“”\n；", max_size=120))
def test_any_text_gives_outcomes(text: str) -> None:
    outcomes = build_outcomes(text, text[:20], SIGNING)
    assert all(text[m.start : m.end] == m.text for m in outcomes.mentions)
    assert all(value is None or value >= 0 for value in outcomes.facts.to_json().values())


@pytest.mark.parametrize("unit", ["签约项目1个，投资1亿元。", "1亿元", "其中", "签订协议。", "2024年", "1个。", "签约项目9个，其中工业项目1个；"])
def test_long_text_is_read_in_linear_time(unit: str) -> None:
    def seconds(n_chars: int) -> float:
        started = time.process_time()
        build_outcomes(unit * (n_chars // len(unit)), None, SIGNING)
        return time.process_time() - started

    assert seconds(100_000) < 30 * seconds(10_000) + 1.0  # a quadratic reader takes a hundred times


def test_seed_articles_give_their_facts(shared) -> None:
    import json

    from data.clean import clean_text

    for line in (shared / "seeds" / "gold.jsonl").read_text("utf-8").splitlines():
        gold = json.loads(line)
        (path,) = (shared / "seeds").glob(f"{gold['id']}*.txt")
        got = build_outcomes(clean_text(path.read_text("utf-8")).text, gold.get("title"), gold["activity"]).facts.to_json()
        assert got == gold["facts"]


@pytest.mark.parametrize(
    ("text", "activity", "facts"),
    [
        ("3月4日，临川县集中开工29个新型城镇化项目，总投资达到84亿元。", ["project_progress"], Facts(None, None, 29, 84.0)),
        ("本届洽谈会有36个国际、国内投资合作项目签约，总投资额138.7亿元。", ["expo_forum", "signing"], Facts(36, 138.7)),
        ("会上，包括总部科创园、冷链基地等24个项目集中签约。", ["promotion_conference", "signing"], Facts(24)),
        ("15日，总投资约88亿元（人民币，下同）的12个重点产业项目在新区集中开工。", ["project_progress"], Facts(None, None, 12, 88.0)),
        ("截至目前，本届博览会签约项目26个，签约总额约45亿元人民币。", ["expo_forum", "signing"], Facts(26, 45.0)),
        ("现场签约项目29个，涉及科技服务、文化旅游等领域，总金额近56亿元。", ["expo_forum", "signing"], Facts(29, 56.0)),
        ("现场集中签约32个由侨资企业投资的创新项目，投资总额20.8亿元。", ["signing"], Facts(32, 20.8)),
        ("据统计，48个项目在大会期间达成合作协议，协议总投资额342亿元。", ["expo_forum"], Facts(None, None, 48, 342.0)),
        ("临川县109个项目集中签约动工，涵盖多个领域。", ["project_progress", "signing"], Facts(None, None, 109)),
        ("会议要求，今年全县要新签约项目300个。", ["work_meeting"], Facts()),
    ],
)
def test_counts_and_amounts_in_the_forms_of_the_press(text, activity, facts):
    assert build_outcomes(text, None, activity).facts == facts
