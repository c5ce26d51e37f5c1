"""Bases side by side: alike but for their weights, each run once, nothing measured is trained on; sections told from words and from frozen states."""

import dataclasses
import json
import random
import shutil
from collections import Counter

import pytest
import torch
import zstandard
from safetensors.torch import load_file

from data.annotations import to_row
from data.encodings import encode_line
from data.errors import InputError
from data.taxonomy import load_taxonomy
from tests.training.test_finetune import examples
from training import bases
from training.bases import bases_table, probe_base, probe_tfidf, read_sections, run_bases
from training.config import BasesConfig, FinetuneConfig
from training.finetune import build_classifier

MEASURED = [f"{section}_{key}" for section, key in bases.MEASURED]
COLUMNS = {
    "base",
    "seed",
    "parameters",
    "characters",
    "held_out_loss",
    *MEASURED,
    "tokens_an_article",
    "ms_an_article",
    "section_accuracy",
    "settings",
}
EMBEDDINGS = "model.embeddings.tok_embeddings.weight"
# Words of three sections, and words that stand in all of them.
WORDS = {
    "cj": ["企业", "投产", "税收", "产值", "开工"],
    "cul": ["旅游", "东海", "高山", "河湖", "港湾"],
    "jk": ["医药", "食品", "农业", "生产", "好"],
}
COMMON = ["的", "在", "有", "我", "他们", "会议", "要求"]


def text_of_section(section, i, words=100):
    rng = random.Random(f"{section} {i}")
    return "".join(rng.choice(WORDS[section] if rng.random() < 0.3 else COMMON) for _ in range(words)) + "。"


def told_by_words(n):
    return [(section, text_of_section(section, i)) for i in range(n) for section in WORDS]


def write_news(folder, rows, name="news-00"):
    folder.mkdir(exist_ok=True)
    lines = [encode_line({"id": id, "title": title, "text": text, "label": label}) for id, title, text, label in rows]
    (folder / f"{name}.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(b"".join(lines)))
    return folder


@pytest.fixture
def data(tmp_path):
    """24 articles to train on, 8 in each other split."""
    splits = ["train"] * 24 + ["development"] * 8 + ["calibration"] * 8
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e) | {"split": s}) for e, s in zip(examples(40), splits, strict=True)))
    return str(tmp_path / "a.jsonl")


@pytest.fixture
def base(tiny_bases, tmp_path):
    """A base in a run folder, with what pretraining tells of it."""
    folder = shutil.copytree(tiny_bases["encoder"], tmp_path / "run" / "base")
    (folder / "pretraining.json").write_text(json.dumps({"characters": 5_000_000, "held_out_loss_per_character": 4.25}))
    return folder


# Runs ---------------------------------------------------------------------------------------------------------


def test_every_base_and_seed_gives_a_row(base, data, tmp_path, monkeypatch):
    begun, fit = [], bases.fit

    def watch(model, tokenizer, train, dev, *rest):
        assert {e.article.id for e in train} == {f"f{i}" for i in range(24)}
        assert not dev  # nothing of the data chooses an epoch
        begun.append(model.state_dict()[EMBEDDINGS].clone())
        return fit(model, tokenizer, train, dev, *rest)

    monkeypatch.setattr(bases, "fit", watch)
    corpora = write_news(tmp_path / "corpora", [(f"{i}", None, page, section) for i, (section, page) in enumerate(told_by_words(20))])
    config = BasesConfig(
        bases=f"{base}, random:{base}", data=data, corpora=corpora, seeds="7,8", epochs=1, max_length=128, json=tmp_path / "out" / "b.json",
        device="cpu", threads=1,
    )  # fmt: skip
    tfidf, *rows = run_bases(config)
    assert json.loads(config.json.read_text()) == [tfidf, *rows]
    assert set(tfidf) == {"base", "seed", "section_accuracy"}
    assert [(row["base"], row["seed"]) for row in rows] == [(name, seed) for seed in (7, 8) for name in ("run/base", "random:run/base")]
    for row in rows:
        assert set(row) == COLUMNS
        assert all(0 <= row[key] <= 1 for key in MEASURED)
        assert (row["section_accuracy"] is None) == (row["seed"] == 8)  # frozen states are the same with every seed
        assert row["tokens_an_article"] > 100

    own, fresh = rows[::2], rows[1::2]
    assert {(row["characters"], row["held_out_loss"]) for row in own} == {(5_000_000, 4.25)}
    assert {(row["characters"], row["held_out_loss"]) for row in fresh} == {(0, None)}
    assert len({row["parameters"] for row in rows}) == 1
    read = load_file(base / "model.safetensors")[EMBEDDINGS]
    assert [torch.equal(weights, read) for weights in begun] == [True, False, True, False]
    assert not torch.equal(begun[1], begun[3])

    alone = run_bases(dataclasses.replace(config, bases=f"random:{base}", seeds="8", corpora=None, json=None))
    assert [{**row, "ms_an_article": None} for row in alone] == [{**fresh[1], "ms_an_article": None}]  # whatever ran before it


def test_rows_that_are_there_are_not_run_again(data, tmp_path, monkeypatch):
    ran, left = [], 1

    def run(base, seed, *_):
        if len(ran) == left:
            raise KeyboardInterrupt
        ran.append((base, seed))
        return {"base": bases._name(base), "seed": seed}

    monkeypatch.setattr(bases, "_run", run)
    config = BasesConfig(bases="runs/one/base,random:runs/one/base,runs/two/base", data=data, json=tmp_path / "b.json")
    with pytest.raises(KeyboardInterrupt):
        run_bases(config)
    assert [row["base"] for row in json.loads(config.json.read_text())] == ["one/base"]
    left = None
    rows = run_bases(config)
    assert ran == [(name, 7) for name in config.names]
    assert run_bases(config) == rows == json.loads(config.json.read_text())
    assert len(ran) == 3
    rows = run_bases(dataclasses.replace(config, seeds="7,9"))
    assert ran[3:] == [(name, 9) for name in config.names]
    assert len({(row["base"], row["seed"]) for row in rows}) == len(rows) == 6
    with pytest.raises(InputError, match="rows of other settings"):
        run_bases(dataclasses.replace(config, epochs=1))
    with pytest.raises(InputError, match="end alike"):
        run_bases(dataclasses.replace(config, bases="a/run/base,b/run/base"))


def test_a_part_of_the_articles_is_the_same_for_all_bases_and_seeds(data, monkeypatch):
    drawn = []

    def run(base, seed, parts, *_):
        drawn.append([e.article.id for e in parts["train"]])
        return {"base": bases._name(base), "seed": seed}

    monkeypatch.setattr(bases, "_run", run)
    run_bases(BasesConfig(bases="runs/one/base,runs/two/base", seeds="1,2", articles=10, data=data))
    assert len(drawn) == 4
    assert all(ids == drawn[0] for ids in drawn)
    assert len(set(drawn[0])) == 10


def test_data_without_calibration_and_wrong_lists_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in examples(8)))
    with pytest.raises(InputError, match="calibration"):
        run_bases(BasesConfig(bases="runs/one/base", data=str(tmp_path / "a.jsonl")))
    with pytest.raises(ValueError, match="bases"):
        BasesConfig(bases=" ,")
    with pytest.raises(ValueError, match="seeds"):
        BasesConfig(bases="a", seeds="7,x")


# Probing ------------------------------------------------------------------------------------------------------


def test_the_same_articles_of_a_section_are_drawn_each_time(tmp_path):
    rows = [(f"cj-{i}", "企业投产", text_of_section("cj", i, 300), "cj") for i in range(310)]
    rows += [(f"jk-{n}", None, text_of_section("jk", 0)[:n], "jk") for n in (99, 100)]
    rows += [("x-0", "旅游", text_of_section("cul", 0), "elsewhere"), ("x-1", "旅游", text_of_section("cul", 1), None)]
    write_news(tmp_path, [("b-0", "旅游", text_of_section("cul", 2), "cul")], "broadcast-00")
    write_news(tmp_path, rows)
    drawn = list(read_sections(tmp_path))
    assert Counter(section for section, _ in drawn) == {"cj": 300, "jk": 1}
    assert len(set(drawn)) == 301
    beginnings = {f"{title or ''}\n{text[:300]}" for _, title, text, _ in rows if len(text) >= 100}
    assert {page for _, page in drawn} < beginnings
    write_news(tmp_path, rows[:100:-1])
    write_news(tmp_path, rows[:101], "news-01")
    assert list(read_sections(tmp_path)) == drawn  # however the articles lie in the files


def test_sections_are_told_by_their_words_and_not_by_chance(tiny_bases, tmp_path):
    tokenizer, model = build_classifier(FinetuneConfig(base=str(tiny_bases["encoder"]), output=tmp_path, max_length=128), load_taxonomy())
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    sections = told_by_words(40)
    names = random.Random(1).sample([section for section, _ in sections], len(sections))
    drawn = [(name, page) for name, (_, page) in zip(names, sections, strict=True)]

    def probe(pages):
        return probe_base(model.train(), tokenizer, pages, torch.device("cpu"))

    assert probe_tfidf(sections) > 0.9
    assert probe(sections) > 0.9
    assert probe_tfidf(drawn) < 0.6
    assert probe(drawn) < 0.6
    assert probe(sections) == probe(sections)  # no dropout
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], tensor) for key, tensor in before.items())


# Table --------------------------------------------------------------------------------------------------------


def row_of(base, seed, value, **other):
    return {
        "base": base, "seed": seed, "parameters": 4_200_000, "characters": 0, "held_out_loss": None, **dict.fromkeys(MEASURED, value),
        "tokens_an_article": 120, "ms_an_article": 3.5, "section_accuracy": None, **other,
    }  # fmt: skip


def cells_of(table):
    head, _, *lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")]
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines}, len(lines)


def test_the_table_has_a_line_for_each_base_with_mean_and_spread():
    read = {"characters": 5_000_000, "held_out_loss": 4.25}
    rows = [
        {"base": "tfidf", "seed": 0, "section_accuracy": 0.75},
        row_of("run/base", 7, 0.5, section_accuracy=0.8125, **read),
        row_of("random:run/base", 7, 0.25),
        row_of("run/base", 8, 0.75, **read),
    ]
    cells, lines = cells_of(bases_table(rows))
    assert lines == len(cells) == 3
    measured = [key.replace("_", " ") for key in MEASURED]
    own, fresh, tfidf = cells["run/base"], cells["random:run/base"], cells["tfidf"]
    assert {own[key] for key in measured} == {"0.625 (0.500–0.750)"}
    assert (own["seeds"], own["M parameters"], own["M characters"], own["held-out loss"], own["sections"]) == ("2", "4.2", "5.0", "4.25", "0.812")
    assert {fresh[key] for key in measured} == {"0.250"}
    assert (fresh["seeds"], fresh["M characters"], fresh["held-out loss"], fresh["sections"]) == ("1", "0.0", "–", "–")
    assert {value for key, value in tfidf.items() if key not in ("base", "seeds", "sections")} == {"–"}
    assert tfidf["sections"] == "0.750"
