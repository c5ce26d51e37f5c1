"""The checkpoints in ``models/default``: small, complete, documented, and good for every article of the sample crawl."""

import json
import re

import pytest

from data.readers import iter_articles
from data.schema import Article
from data.taxonomy import load_taxonomy
from models.paths import DEFAULT_CHECKPOINT
from models.predictor import Predictor
from models.registry import hash_file, open_checkpoint
from models.result import Options
from tests.conftest import ROOT
from training.config import FinetuneConfig
from training.finetune import build_classifier, pick_length

KINDS = ("classifier", "summarizer")


@pytest.fixture(scope="module")
def shipped():
    return Predictor.load(DEFAULT_CHECKPOINT, "cpu")


@pytest.fixture(scope="module")
def sample():
    records = list(iter_articles([ROOT / "data" / "sample"]))
    assert all(isinstance(record, Article) for record in records)
    return records


def test_all_are_at_most_forty_eight_mebibytes():
    assert sum(path.stat().st_size for path in DEFAULT_CHECKPOINT.rglob("*")) <= 48 * 2**20


def test_the_base_for_retraining_is_what_its_card_says():
    base = DEFAULT_CHECKPOINT / "encoder"
    told = json.loads((base / "pretraining.json").read_text("utf-8"))
    card = (base / "README.md").read_text("utf-8")
    assert set(told["files"]) == {"config.json", "model.safetensors", "tokenizer.json"}
    for name, digest in told["files"].items():
        assert hash_file(base / name) == digest
        assert digest in card
    assert all(part in card for part in ("## Data", "## Figures", "## Limits", "held out loss"))
    config = FinetuneConfig(base=str(base), output=base)
    tokenizer, model = build_classifier(config, load_taxonomy())
    assert len(tokenizer) == told["vocab_size"] == model.config.vocab_size
    assert sum(p.numel() for p in model.parameters()) < told["parameters"] * 1.01
    assert pick_length(config) == told["config"]["max_length"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_verified_and_has_a_card(kind):
    manifest = open_checkpoint(DEFAULT_CHECKPOINT / kind, kind)
    assert manifest.taxonomy.sha256 == load_taxonomy().sha256
    card = (DEFAULT_CHECKPOINT / kind / "README.md").read_text("utf-8")
    for part in (manifest.tag, "## Data", "## Limits", str(manifest.config["n_train"])):
        assert part in card
    assert manifest.metrics["articles"] > 100


@pytest.mark.parametrize("kind", ("encoder", *KINDS))
def test_no_file_names_a_folder_of_a_machine(kind):
    for path in (DEFAULT_CHECKPOINT / kind).glob("*.json"):
        assert not re.search(r'"/[a-z]+/', path.read_text("utf-8")), path.name


def test_the_sample_comes_back_by_the_contract(shipped, sample):
    assert len(sample) >= 20
    taxonomy = load_taxonomy()
    for article, result in zip(sample, shipped.analyze(sample, Options(evidence=True)), strict=True):
        row = result.to_json()
        assert row["id"] == article.id
        taxonomy.check([a["label"] for a in row["activity"]], [i["label"] for i in row["industry"]])
        assert 30 <= len(row["summary"]["text"]) <= 160
        assert row["summary"]["ungrounded"] == [] or "ungrounded" in row["review"]["reasons"]
        assert row["review"]["needed"] == bool(row["review"]["reasons"])
        assert row["input"]["truncated"] is False
        for mention in row["outcomes"]["mentions"]:
            assert mention["text"] == article.text[mention["start"] : mention["end"]]
        for label in (*row["activity"], *row["industry"]):
            evidence = label["evidence"]
            assert evidence["text"] == article.text[evidence["start"] : evidence["end"]]
        assert json.loads(json.dumps(row)) == row


def test_an_outcome_near_the_end_of_a_long_article_is_found(shipped, sample):
    gold = [json.loads(line) for line in (ROOT / "tests" / "fixtures" / "sample_gold.jsonl").read_text("utf-8").splitlines()]
    signed = {row["id"]: row["facts"]["signed_projects"] for row in gold if row["id"]}
    late = [a for a in sample if len(a.text) > 2000 and signed.get(a.id)]
    assert len(late) >= 2
    for article, result in zip(late, shipped.analyze(late), strict=True):
        figures = [m for m in result.outcomes.mentions if m.status == "signed" and m.start > len(article.text) // 2]
        assert figures, article.id


def test_an_opened_project_and_a_talk_differ(shipped):
    """Minimum function: the two commonest kinds of article get their main label."""
    started = "10月8日，临江县举行重大项目集中开工仪式，18个项目同时开工，总投资46亿元，涵盖装备制造、新材料等产业。县委书记宣布开工。"
    weather = "受冷空气影响，预计明后两天全省大部分地区有小到中雨，气温下降6至8度，请市民注意添衣保暖，谨慎驾驶。"
    first, second = shipped.analyze([Article("a", started, "临江县18个重大项目集中开工"), Article("b", weather, "冷空气明天到货 全省降温降雨")])
    assert first.activity[0].label == "project_progress"
    assert [label.label for label in second.activity] == ["other"]
