import json
import logging
import random

import pytest
import torch
from safetensors.torch import load_file

from data.errors import InputError
from data.schema import Annotation, Article, Example, Facts
from data.taxonomy import load_taxonomy
from models.predictor import Predictor
from models.registry import open_checkpoint
from training import finetune
from training.config import FinetuneConfig
from training.finetune import (
    asymmetric_loss,
    build_classifier,
    classification_loss,
    disagreement,
    finetune_classifier,
    fit,
    parameter_groups,
    pick_length,
    targets_of,
)
from training.finetune_summarizer import encode_pairs, finetune_summarizer, vary_figures

TAXONOMY = load_taxonomy()
TEXTS = [
    (
        "signing",
        "food",
        "临江市与东海食品公司签约，总投资{n}亿元建设食品产业园。",
        "临江市与东海食品公司签约，总投资{n}亿元，将在当地建设食品产业园项目。",
    ),
    (
        "project_progress",
        "automotive",
        "高台县汽车装备项目开工，总投资{n}亿元，年内投产。",
        "高台县总投资{n}亿元的汽车装备项目开工建设，要求年内建成投产。",
    ),
    (
        "field_inspection",
        "new_energy",
        "市长到湖州镇新能源企业调研，要求{n}个项目加快推进。",
        "市长到湖州镇新能源企业调研，了解生产情况，要求{n}个项目加快推进。",
    ),
    ("other", "culture_tourism", "海南湾旅游节举办，{n}万人参加，天气好。", "海南湾旅游节近日举办，共有{n}万人参加，当地天气情况好。"),
]


def examples(n):
    rows = []
    for i in range(n):
        activity, industry, text, summary = TEXTS[i % 4]
        own = "".join(random.Random(i).choices("会议要求推动经济发展产业园区企业生产情况加快推进", k=90)) + "。"  # no reprints of one another
        article = Article(f"f{i}", text.format(n=i + 2) + own, "临江新闻" if i % 2 else None)
        rows.append(Example(article, Annotation(article.id, (activity,), (industry,), summary.format(n=i + 2), Facts())))
    return rows


@pytest.fixture
def data_file(tmp_path):
    path = tmp_path / "train.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for e in examples(40):
            row = {
                "id": e.article.id,
                "title": e.article.title,
                "text": e.article.text,
                "activity": e.annotation.activity,
                "industry": e.annotation.industry,
            }
            row |= {"summary": e.annotation.summary, "facts": e.annotation.facts.to_json(), "source": None, "url": None, "published": None}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


def test_the_loss_of_eight_articles_falls(tiny_bases, tmp_path):
    config = FinetuneConfig(base=str(tiny_bases["encoder"]), output=tmp_path, epochs=20, batch_articles=8, max_length=128, lr=3e-3, device="cpu")
    torch.manual_seed(0)
    tokenizer, model = build_classifier(config, TAXONOMY)
    history = fit(model, tokenizer, examples(8), examples(8), TAXONOMY, config, torch.device("cpu"))
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert history[-1]["main_accuracy"] >= history[0]["main_accuracy"]


def test_a_finetuned_classifier_is_a_checkpoint_that_predicts(tiny_bases, tmp_path, data_file):
    config = FinetuneConfig(
        base=str(tiny_bases["encoder"]), output=tmp_path / "m" / "classifier", data=str(data_file), epochs=2, max_length=128, device="cpu"
    )
    made = finetune_classifier(config)
    manifest = open_checkpoint(config.output, "classifier")
    assert manifest.files == made.files
    assert manifest.metrics["articles"] + manifest.metrics["trained_on"] == 40
    assert manifest.config["base"] == "encoder"
    assert all(t.dtype == torch.float16 for t in load_file(config.output / "model.safetensors").values())
    predictor = Predictor.load(tmp_path / "m", "cpu")
    first = predictor.analyze([examples(1)[0].article])[0].to_json()
    again = Predictor.load(tmp_path / "m", "cpu").analyze([examples(1)[0].article])[0].to_json()
    assert first == again


def test_the_same_seed_gives_the_same_checkpoint(tiny_bases, tmp_path, data_file):
    hashes = []
    for name in ("one", "two"):
        config = FinetuneConfig(
            base=str(tiny_bases["encoder"]), output=tmp_path / name, data=str(data_file), epochs=1, max_length=128, device="cpu", threads=1
        )
        hashes.append(finetune_classifier(config).files["model.safetensors"]["sha256"])
    assert hashes[0] == hashes[1]


def test_targets_and_loss_reward_the_right_labels():
    targets = targets_of(examples(4), TAXONOMY)
    assert [int(row.sum()) for row in targets[0]] == [1, 1, 1, 1]
    right = torch.cat(
        [8 * (targets[0] * 2 - 1), 8 * (targets[1] * 2 - 1), 8 * torch.nn.functional.one_hot(targets[2], len(TAXONOMY.activity))], dim=1
    )
    assert classification_loss(right, targets, TAXONOMY) < 0.05
    assert classification_loss(-right, targets, TAXONOMY) > 10


def test_the_asymmetric_loss_is_cross_entropy_without_focus_and_forgets_easy_negatives():
    logits, marks = torch.randn(6, 9), (torch.rand(6, 9) < 0.3).float()
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, marks)
    assert torch.allclose(asymmetric_loss(logits, marks, focus=0.0, margin=0.0), plain, atol=1e-6)
    assert asymmetric_loss(torch.full((1, 3), -4.0), torch.zeros(1, 3)) == 0  # a probability of 0.018 is below the margin
    assert asymmetric_loss(logits, marks) < plain
    right = 8 * (marks * 2 - 1)
    assert asymmetric_loss(right, marks) < 0.01 < 1 < asymmetric_loss(-right, marks)


def test_passes_that_agree_cost_nothing():
    width = 2 * len(TAXONOMY.activity) + len(TAXONOMY.industry)
    one, two = torch.randn(3, width), torch.randn(3, width)
    assert disagreement(one, one, TAXONOMY) == 0
    assert disagreement(one, two, TAXONOMY) > 0
    assert torch.allclose(disagreement(one, two, TAXONOMY), disagreement(two, one, TAXONOMY))


def test_the_mean_of_the_last_epochs_is_kept(tiny_bases, tmp_path, monkeypatch):
    seen = []
    figures = finetune._dev_figures

    def watch(model, *rest):
        seen.append({key: tensor.clone() for key, tensor in model.state_dict().items()})
        return figures(model, *rest)

    monkeypatch.setattr(finetune, "_dev_figures", watch)
    config = FinetuneConfig(
        base=str(tiny_bases["encoder"]), output=tmp_path, epochs=3, average=2, agreement=1.0, loss="asymmetric", max_length=128, device="cpu"
    )
    tokenizer, model = build_classifier(config, TAXONOMY)
    history = fit(model, tokenizer, examples(8), examples(8), TAXONOMY, config, torch.device("cpu"))
    assert [row["epoch"] for row in history] == [1, 2, 3, 3]
    assert len(seen) == 4
    for key, tensor in model.state_dict().items():
        assert torch.allclose(tensor, (seen[1][key] + seen[2][key]) / 2, atol=1e-6), key
    with pytest.raises(ValueError, match="average must be in"):
        FinetuneConfig(base="b", output=tmp_path, epochs=3, average=4)


def test_rates_fall_from_the_head_to_the_embeddings(tiny_bases, tmp_path):
    config = FinetuneConfig(base=str(tiny_bases["encoder"]), output=tmp_path, layer_decay=0.5, max_length=128)
    _, model = build_classifier(config, TAXONOMY)
    groups = parameter_groups(model, config)
    rate_of = {id(p): group["lr"] for group in groups for p in group["params"]}
    by_name = {name: rate_of[id(p)] for name, p in model.named_parameters()}
    assert len(by_name) == sum(1 for _ in model.parameters())
    assert by_name["classifier.weight"] == config.lr
    assert (
        by_name["model.embeddings.tok_embeddings.weight"]
        < by_name["model.layers.0.attn.Wqkv.weight"]
        < by_name["model.layers.1.attn.Wqkv.weight"]
        == config.lr
    )


def test_no_epochs_need_a_head_and_keep_its_windows(tiny_bases, tiny_checkpoint, tmp_path, data_file):
    common = {"data": str(data_file), "epochs": 0, "lexical": 0, "device": "cpu"}
    with pytest.raises(InputError, match="has no head for these labels"):
        finetune_classifier(FinetuneConfig(base=str(tiny_bases["encoder"]), output=tmp_path / "a", **common))
    made = finetune_classifier(FinetuneConfig(base=str(tiny_checkpoint / "classifier"), output=tmp_path / "b", **common))
    assert made.config["max_length"] == 128
    with pytest.raises(ValueError, match="epochs must be 0 or more"):
        FinetuneConfig(base="b", output=tmp_path, kind="summarizer", epochs=-1)


def test_without_a_length_windows_are_as_long_as_the_base_reads(tiny_bases, tmp_path):
    assert pick_length(FinetuneConfig(base=str(tiny_bases["encoder"]), output=tmp_path)) == 128
    assert pick_length(FinetuneConfig(base=str(tiny_bases["encoder"]), output=tmp_path, max_length=96)) == 96
    assert pick_length(FinetuneConfig(base=str(tiny_bases["seq2seq"]), output=tmp_path)) == 512  # relative positions: no end
    assert pick_length(FinetuneConfig(base=str(tiny_bases["seq2seq"]), output=tmp_path, max_length=1024)) == 1024


# Summariser ---------------------------------------------------------------------------------------------------


def test_figures_vary_alike_in_source_and_target():
    source, target = "签约12个项目，总投资56.8亿元，去年为90亿元。", "签约12个项目，总投资56.8亿元。"
    changed_source, changed_target = vary_figures(source, target, random.Random(0))
    assert changed_source != source
    assert changed_target.rstrip("。") in changed_source
    assert "90亿元" in changed_source
    assert len(changed_source) == len(source)


def test_labels_hold_the_target_and_its_end(tiny_bases):
    from transformers import AutoTokenizer

    from models.summarizer import Generation

    tokenizer = AutoTokenizer.from_pretrained(str(tiny_bases["seq2seq"]))
    batch = encode_pairs(tokenizer, [("临江市签约", "签约"), ("临江", "临江市签约项目")], Generation())
    row = [i for i in batch["labels"][0].tolist() if i >= 0]
    assert tokenizer.decode(row) == "签约[SEP]"


def test_unsupported_pairs_are_left_out_of_training(tiny_bases, tmp_path, data_file, caplog):
    rows = [json.loads(line) for line in data_file.read_text("utf-8").splitlines()]
    for r in rows:
        r["summary"] = r["summary"].replace("亿元", "万元") if r["activity"] == ["signing"] else r["summary"]
    data_file.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    config = FinetuneConfig(
        base=str(tiny_bases["seq2seq"]), output=tmp_path / "s", data=str(data_file), kind="summarizer", epochs=1, max_length=128, device="cpu"
    )
    with caplog.at_level(logging.INFO):
        manifest = finetune_summarizer(config)
    assert manifest.metrics["left_out_unsupported"] >= 5
    assert manifest.metrics["trained_on"] + manifest.metrics["left_out_unsupported"] + manifest.metrics["articles"] == 40
    assert "left out for unsupported" in caplog.text


@pytest.mark.gpu
def test_training_serving_and_scoring_on_cuda(tiny_bases, tmp_path, data_file):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    for kind, run in (("classifier", finetune_classifier), ("summarizer", finetune_summarizer)):
        base = tiny_bases["encoder" if kind == "classifier" else "seq2seq"]
        run(FinetuneConfig(base=str(base), output=tmp_path / "m" / kind, data=str(data_file), kind=kind, epochs=1, max_length=128, device="cuda"))
    articles = [e.article for e in examples(6)]
    on_gpu, on_cpu = (Predictor.load(tmp_path / "m", device).analyze(articles) for device in ("cuda", "cpu"))
    for gpu, cpu in zip(on_gpu, on_cpu, strict=True):
        assert [a.label for a in gpu.activity] == [a.label for a in cpu.activity]
        assert gpu.outcomes == cpu.outcomes

    from starlette.testclient import TestClient

    from models.result import Options
    from serving.app import create_app
    from serving.score import score_articles
    from serving.settings import Settings

    predictor = Predictor.load(tmp_path / "m", "cuda")
    scored = [row.to_json() for row in score_articles(articles, predictor, Options())]
    with TestClient(create_app(Settings(), predictor)) as client:
        documents = [{"id": a.id, "title": a.title, "text": a.text} for a in articles]
        answered = client.post("/v1/analyze", json={"documents": documents}).json()["results"]
    for one, two in zip(scored, answered, strict=True):
        assert one["outcomes"] == two["outcomes"]
        assert [a["label"] for a in one["activity"]] == [a["label"] for a in two["activity"]]
