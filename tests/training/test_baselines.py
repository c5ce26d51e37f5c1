"""The baselines: keyword rules on sentences of each kind, learning ones on a handful of articles."""

import pytest
import yaml

from data.schema import Annotation, Article, Example
from data.taxonomy import load_taxonomy
from training.baselines import BASELINES, LEXICON, Keywords, Majority, TfidfLogistic, lead, text_rank


def article(text, title=None, id="a"):
    return Article(id=id, text=text, title=title)


def example(id, text, activity, industry, title=None):
    return Example(article(text, title, id), Annotation(id, tuple(activity), tuple(industry), "摘要。"))


@pytest.fixture(scope="module")
def keywords():
    return Keywords()


# keywords -------------------------------------------------------------------------------------------------------

# (main activity, title, text): every line invented
ARTICLES = [
    (
        "promotion_conference",
        "青禾县举办绿色食品产业招商推介会",
        "5月8日，青禾县在杭州举办绿色食品产业招商推介会，向80家企业介绍投资环境和产业园区。",
    ),
    ("business_talks", "林溪区与明川集团座谈", "6月2日，林溪区政府与明川集团举行座谈会，双方就共建产业园洽谈，企业介绍了投资计划。"),
    ("outbound_visit", "县长率队赴东莞考察招商", "7月3日至5日，县长周启明率队赴东莞招商考察，先后走访了3家企业，拜访当地商会。"),
    ("inbound_visit", "浙江客商来我市考察", "8月9日，浙江岭南商会考察团一行12人来到我市考察，客商实地参观产业园区和在建项目。"),
    ("signing", "总投资30亿元的8个项目集中签约", "9月1日，云岭开发区举行签约仪式，8个产业项目集中签约，签署合作协议，总投资30亿元。"),
    ("project_progress", "云岭开发区新能源电池项目开工", "10月6日，云岭开发区电池项目举行开工仪式，该项目总投资12亿元，计划明年投产。"),
    (
        "field_inspection",
        "市委书记调研重点产业项目",
        "11月2日，市委书记何立到经开区调研重点项目建设，他强调要紧盯节点，实地察看了企业车间，督导开工项目。",
    ),
    ("work_meeting", "全市招商引资工作推进会召开", "12月1日，全市招商引资工作推进会召开，会议强调各部门要压实责任，专班要盯紧项目。"),
    ("expo_forum", "第三届青禾农机博览会开幕", "4月18日，第三届青禾农机博览会在会展中心开幕，200家企业参展，展位超过500个，项目对接同步举行。"),
    (
        "press_conference",
        "市政府新闻办召开发布会介绍招商引资情况",
        "3月6日，市政府新闻办召开新闻发布会，新闻发布会上介绍了今年的招商引资项目安排，并回答记者提问。",
    ),
    (
        "policy_release",
        "青禾县出台生物医药产业若干措施",
        "近日，青禾县印发《关于支持生物医药产业发展的若干措施》，对企业最高给予奖励500万元，补助新建项目。",
    ),
    ("results_review", "青禾：一条产业链的十年", "近年来，青禾县打造食品产业集群，今年以来引进项目36个，实际到位资金20亿元，产业链上企业集聚。"),
    ("other", "本周末有大到暴雨", "市气象台发布暴雨预警，预计周六夜间到周日有大到暴雨，请市民减少外出。"),
    ("other", "市队主场告负", "昨晚的联赛比赛中，市队主场一比二告负，排名下降一位，球队下周客场作战。"),
    ("other", "青禾旅游推介走进武汉", "5月1日，青禾县在武汉举行旅游推介，游客凭身份证享受门票半价。"),
]


@pytest.mark.parametrize(("main", "title", "text"), ARTICLES, ids=[f"{main}-{i}" for i, (main, _, _) in enumerate(ARTICLES)])
def test_keywords_name_the_main_activity(keywords, main, title, text):
    (prediction,) = keywords.predict([article(text, title)])
    assert prediction.activity is not None
    assert prediction.activity[0] == main


INDUSTRIES = [
    ("electronics", "半导体芯片封装测试"), ("digital", "大数据和人工智能平台"), ("equipment", "工业机器人和数控机床"), ("automotive", "汽车零部件整车配套"),
    ("new_energy", "光伏组件和储能"), ("new_materials", "碳纤维和石墨烯新材料"), ("biomedicine", "创新药和医疗器械"), ("chemicals", "乙烯下游精细化工"),
    ("metals_materials", "不锈钢冷轧和钢铁"), ("light_textile", "服装面料和家纺"), ("food", "预制菜和饮料食品"), ("agriculture", "生猪养殖和蔬菜种植"),
    ("culture_tourism", "民宿和景区文旅"), ("logistics_trade", "冷链物流和跨境电商"), ("finance", "产业基金和融资租赁"), ("environmental", "再生资源和固废回收利用"),
    ("construction", "城市更新和市政道路基础设施"), ("aerospace_marine", "无人机和通用航空低空"), ("business_services", "总部经济和检验检测研发机构"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "words"), INDUSTRIES, ids=[key for key, _ in INDUSTRIES])
def test_keywords_name_the_industry(keywords, key, words):
    (prediction,) = keywords.predict([article(f"云岭开发区举行签约仪式，{words}项目集中签约，总投资8亿元。", f"{words}项目签约云岭开发区")])
    assert prediction.industry is not None
    assert key in prediction.industry


def test_a_vehicle_is_not_new_energy_by_its_name(keywords):
    (prediction,) = keywords.predict([article("云岭开发区举行签约仪式，新能源汽车整车项目签约落户。", "新能源汽车项目签约")])
    assert prediction.industry == ("automotive",)


def test_title_counts_more_than_body(keywords):
    body = "云岭开发区的项目和企业近况。" * 30
    (with_title,) = keywords.predict([article(body + "另有一个项目签约。", "8个项目集中签约云岭开发区")])
    (without,) = keywords.predict([article(body + "另有一个项目签约。")])
    assert "signing" in with_title.activity
    assert "signing" not in without.activity


def test_labels_keep_the_limits_of_the_contract(keywords):
    everything = "".join(text for main, _, text in ARTICLES if main != "other") + "".join(words for _, words in INDUSTRIES)
    (prediction,) = keywords.predict([article(everything, "招商推介会集中签约项目开工座谈考察调研推进会博览会")])
    load_taxonomy().check(prediction.activity, prediction.industry)


def test_lexicon_covers_every_label():
    raw = yaml.safe_load(LEXICON.read_text("utf-8"))
    taxonomy = load_taxonomy()
    assert {*raw["activity"], "other"} == set(taxonomy.activity)
    assert set(raw["industry"]) == set(taxonomy.industry)


def test_a_label_the_taxonomy_does_not_hold_is_refused(tmp_path):
    raw = yaml.safe_load(LEXICON.read_text("utf-8"))
    raw["industry"]["robotics"] = raw["industry"]["equipment"]
    path = tmp_path / "words.yaml"
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    with pytest.raises(ValueError, match="robotics"):
        Keywords(path)


# majority, tfidf, lead ------------------------------------------------------------------------------------------

TRAIN = [
    example("1", "甲县举行签约仪式，签署芯片项目协议。", ["signing"], ["electronics"]),
    example("2", "乙县举行签约仪式，签署半导体芯片项目协议。", ["signing"], ["electronics"]),
    example("3", "丙县签署芯片封装项目合作协议，签约仪式上午举行。", ["signing"], ["electronics"]),
    example("4", "丁市气象台发布暴雨预警。", ["other"], []),
    example("5", "戊市气象台继续发布暴雨蓝色预警。", ["other"], []),
    example("6", "己县食品企业座谈会召开，双方座谈。", ["business_talks"], ["food"]),
    example("7", "庚县与饮料食品企业举行座谈。", ["business_talks", "inbound_visit"], ["food"]),
]


def test_majority_gives_the_most_frequent_lists():
    baseline = Majority()
    baseline.fit(TRAIN)
    first, second = baseline.predict([article("甲"), article("乙", id="b")])
    assert (first.activity, first.industry) == (second.activity, second.industry) == (("signing",), ("electronics",))
    assert (first.id, second.id) == ("a", "b")


def test_majority_without_training_says_other():
    assert Majority().predict([article("甲")])[0].activity == ("other",)


def test_tfidf_learns_the_words_of_its_articles():
    baseline = TfidfLogistic()
    baseline.fit(TRAIN)
    signing, weather, talks = baseline.predict([article("辛县签署芯片协议。"), article("壬市发布暴雨预警。"), article("癸县食品企业座谈。")])
    assert (signing.activity, signing.industry) == (("signing",), ("electronics",))
    assert weather.activity == ("other",)
    assert talks.activity[0] == "business_talks"
    assert talks.industry == ("food",)


def test_tfidf_always_names_an_activity_and_is_repeatable():
    texts = [article("今天是星期二。"), article("ABC"), article("签约座谈暴雨")]
    rows = []
    for _ in range(2):
        baseline = TfidfLogistic()
        baseline.fit(TRAIN)
        rows.append(baseline.predict(texts))
    assert rows[0] == rows[1]
    for prediction in rows[0]:
        load_taxonomy().check(prediction.activity, prediction.industry)


@pytest.mark.parametrize(("train", "message"), [([], "got none"), (TRAIN[:1] * 3, "differ in activity")])
def test_tfidf_refuses_what_it_cannot_learn_from(train, message):
    with pytest.raises(ValueError, match=message):
        TfidfLogistic().fit(train)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("甲县签约5个项目。总投资8亿元。明年开工。", "甲县签约5个项目。总投资8亿元。"),
        ("甲县签约5个项目；总投资8亿元。双方座谈。明年开工。", "甲县签约5个项目；总投资8亿元。双方座谈。"),
        ("甲县签约\n\n总投资8亿元。明年开工。", "甲县签约总投资8亿元。"),
        ("没有句号", "没有句号"),
        ("", ""),
    ],
)
def test_lead_is_the_first_two_sentences(text, expected):
    assert lead(text) == expected


def test_lead_is_cut_at_160_characters():
    (prediction,) = BASELINES["lead2"]().predict([article("签约项目" * 100)])
    assert len(prediction.summary) == 160


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_takes_an_empty_list_and_odd_articles(name):
    baseline = BASELINES[name]()
    baseline.fit(TRAIN)
    assert baseline.predict([]) == []
    odd = [article("", id="empty"), article("。" * 3000, id="stops"), article("plain English only", "Title", id="latin")]
    assert [p.id for p in baseline.predict(odd)] == ["empty", "stops", "latin"]


def test_text_rank_takes_the_sentences_that_say_what_others_say():
    text = "天气晴好。宁波新能源项目签约仪式举行。签约的新能源项目共7个，宁波新能源产业再添7个项目。午餐后散会。"
    assert text_rank(text, 43) == "宁波新能源项目签约仪式举行。签约的新能源项目共7个，宁波新能源产业再添7个项目。"
    assert text_rank(text, 15) == "宁波新能源项目签约仪式举行。"
    assert text_rank("签约" * 200, 50) == "签约" * 25
    assert text_rank("") == text_rank("\n") == ""


@pytest.mark.parametrize("name", ["lead1", "lead2", "lead3", "textrank", "rules"])
def test_baselines_of_summaries_answer_that_alone(name):
    (found,) = BASELINES[name]().predict([article("宁波举行签约仪式，签约7个项目。总投资30亿元。会后参观园区。晚宴举行。")])
    assert found.summary
    assert (found.activity, found.industry, found.facts) == (None, None, None)
