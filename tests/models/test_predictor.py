import random

import pytest

from data.clean import clean_text
from data.errors import CheckpointRefused, RecordError
from data.schema import Article
from data.traditional import to_simplified
from models.device import pick_device
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.registry import MANIFEST
from models.result import Options

SENTENCES = [
    "6月3日，临江市在东海市举行招商推介会，现场签约项目12个，总投资56.8亿元。",
    "市长李一带队赴东海市考察智能装备制造企业，并与企业负责人座谈。",
    "其中10亿元以上项目2个，涵盖新能源、新材料、食品等产业。",
    "会议要求，推动项目早开工、早投产。",
    "去年全市到位资金300多亿元。",
    "双方就电子信息产业合作进行洽谈，达成意向协议3个。",
]


def make_articles(n, seed=0):
    rng = random.Random(seed)
    return [
        Article(
            id=f"a{i}", title=rng.choice([None, "临江市签约12个项目"]), text="".join(rng.choice(SENTENCES) for _ in range(rng.choice([1, 3, 8, 30])))
        )
        for i in range(n)
    ]


def strip_probs(row):
    return {key: [entry["label"] for entry in value] if key in ("activity", "industry") else value for key, value in row.items() if key != "probs"}


def test_alone_or_in_any_batch_the_result_is_the_same(predictor):
    articles = make_articles(9)
    options = Options(probs="all")
    alone = [predictor.analyze([a], options)[0].to_json() for a in articles]
    together = [r.to_json() for r in predictor.analyze(articles, options)]
    backwards = [r.to_json() for r in predictor.analyze(articles[::-1], options)][::-1]
    for one, two, three in zip(alone, together, backwards, strict=True):
        assert strip_probs(one) == strip_probs(two) == strip_probs(three)
        for group in ("activity", "industry"):
            for key, prob in one["probs"][group].items():
                assert prob == pytest.approx(two["probs"][group][key], abs=1e-4)
                assert prob == pytest.approx(three["probs"][group][key], abs=1e-4)


def test_every_span_is_on_the_submitted_text(predictor):
    dirty = "產(chǎn)業(yè)項(xiàng)目簽約：臨江市現(xiàn)場簽約項(xiàng)目１２個(gè),,總投資５６.８億元｡\u200b其中新能源項(xiàng)目3個(gè)。已有0人發(fā)表了評論"
    result = predictor.analyze([Article("d", dirty)], Options(evidence=True))[0]
    mentions = result.outcomes.mentions
    assert {m.kind for m in mentions} >= {"amount", "count"}
    for mention in mentions:
        assert mention.text == dirty[mention.start : mention.end]
    for label in (*result.activity, *result.industry):
        assert label.evidence.text == dirty[label.evidence.start : label.evidence.end]
    assert {"pinyin", "traditional"} <= set(result.input.cleaning)


def test_long_articles_are_read_to_the_end(predictor):
    text = "".join(SENTENCES) * 60
    row = predictor.analyze([Article("long", text)])[0].to_json()["input"]
    assert row["characters"] == len(text)
    assert row["tokens_used"] == row["tokens"] == predictor.count_tokens(clean_text(text).text)
    assert row["truncated"] is False


def test_an_empty_article_is_its_own_error_and_the_others_go_on(predictor):
    articles = [*make_articles(2), Article("empty", " \u200b\n"), *make_articles(1, seed=5)]
    results = predictor.analyze(articles)
    assert isinstance(results[2], RecordError)
    assert results[2].code == "empty_text"
    assert results[2].id == "empty"
    assert [r.id for i, r in enumerate(results) if i != 2] == ["a0", "a1", "a0"]


def test_options_leave_out_halves(predictor):
    article = make_articles(1)
    classify = predictor.analyze(article, Options(summary=False))[0].to_json()
    assert "summary" not in classify
    assert "outcomes" not in classify
    summarize = predictor.analyze(article, Options(labels=False))[0].to_json()
    assert "activity" not in summarize
    assert summarize["summary"]["text"]


def test_probs_all_names_every_label(predictor):
    row = predictor.analyze(make_articles(1), Options(probs="all"))[0].to_json()
    assert set(row["probs"]["activity"]) == set(predictor.taxonomy.activity)
    assert set(row["probs"]["industry"]) == set(predictor.taxonomy.industry)


def test_the_result_has_the_keys_of_the_contract(predictor):
    row = predictor.analyze(make_articles(1))[0].to_json()
    assert list(row) == ["id", "activity", "industry", "summary", "outcomes", "review", "input", "model"]
    assert set(row["outcomes"]) == {"signed_projects", "signed_amount", "total_projects", "total_amount", "mentions", "conflicts"}
    assert row["model"] == {"classifier": "tiny@0", "summarizer": "tiny@0", "taxonomy": 1}
    predictor.taxonomy.check([a["label"] for a in row["activity"]], [i["label"] for i in row["industry"]])


def test_damaged_text_goes_to_review(predictor):
    result = predictor.analyze([Article("x", SENTENCES[0] + "推动農業發展潛力大、?！?」的項目。")])[0]
    assert "damaged_input" in result.review_reasons


def test_other_languages_go_to_review(predictor):
    result = predictor.analyze([Article("x", "Quarterly results of the group were published on Monday in Zurich. " * 5)])[0]
    assert "out_of_domain" in result.review_reasons


def test_nothing_connects_while_loading_and_scoring(tiny_checkpoint, no_network):
    assert Predictor.load(tiny_checkpoint, "cpu").analyze(make_articles(1))[0].summary.text


def test_a_wrong_hash_stops_before_anything_is_loaded(tiny_checkpoint, tmp_path):
    import shutil

    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy")
    (folder / "classifier" / MANIFEST).write_text((folder / "classifier" / MANIFEST).read_text().replace('"sha256": "', '"sha256": "0', 1))
    with pytest.raises(CheckpointRefused):
        Predictor.load(folder, "cpu")


def test_without_a_summarizer_summaries_are_extractive(tiny_checkpoint, tmp_path):
    import shutil

    shutil.copytree(tiny_checkpoint / "classifier", tmp_path / "classifier")
    result = Predictor.load(tmp_path, "cpu").analyze([Article("a", SENTENCES[0])])[0]
    assert result.summary.method == "extractive"
    assert result.summary.text.rstrip("。") in SENTENCES[0]


def test_a_device_that_is_not_there_is_said():
    with pytest.raises(ValueError, match="auto, cpu or cuda, got 'tpu'"):
        pick_device("tpu")


def test_the_seeds_come_back_complete(shared):
    predictor = Predictor.load(DEFAULT_CHECKPOINT, "cpu")
    articles = [Article(path.stem, path.read_text("utf-8")) for path in sorted((shared / "seeds").glob("*.txt"))]
    for article, result in zip(articles, predictor.analyze(articles), strict=True):
        row = result.to_json()
        assert row["activity"]
        assert 30 <= len(row["summary"]["text"]) <= 160
        assert row["summary"]["ungrounded"] == []
        for mention in row["outcomes"]["mentions"]:
            assert mention["text"] == article.text[mention["start"] : mention["end"]]
        cleaned = clean_text(article.text).text
        assert to_simplified(cleaned) == cleaned
