import hashlib
import json

import datasets
import pytest
import zstandard

from data.dedup import group_reprints
from data.errors import InputError, UnknownLabel
from training.dataset import read_examples, read_splits, read_training, split_examples

FACTS = {"signed_projects": 3, "signed_amount": None, "total_projects": None, "total_amount": None}


def row(i, **changed):
    made = {
        "id": f"t-{i}", "title": None if i % 3 == 0 else "临江市签约", "text": f"临江市第{i}次签约，3个项目落地。", "activity": ["signing"], "industry": ["food"],
        "summary": f"临江市第{i}次签约，3个项目落地。", "facts": FACTS, "source": None, "url": None, "published": None,
    }  # fmt: skip
    return made | changed


def write(path, rows):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def test_jsonl_and_parquet_give_the_same_examples(tmp_path):
    rows = [row(i) for i in range(6)]
    jsonl = write(tmp_path / "a.jsonl", rows)
    datasets.Dataset.from_list(rows).to_parquet(str(tmp_path / "b.parquet"))
    first, second = read_examples(str(jsonl)), read_examples(str(tmp_path / "b.parquet"))
    assert first == second
    assert len(first) == 6
    assert first[0].annotation.facts.signed_projects == 3


def test_the_same_text_is_taken_once(tmp_path):
    path = write(tmp_path / "a.jsonl", [row(1), row(1, id="again"), row(2)])
    assert len(read_examples(str(path))) == 2


def test_unknown_labels_stop_the_run_with_the_nearest_known_one(tmp_path):
    path = write(tmp_path / "a.jsonl", [row(1, activity=["signings"])])
    with pytest.raises(UnknownLabel, match="did you mean 'signing'"):
        read_examples(str(path))


def test_nothing_to_read_is_said(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        read_examples(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"no \.jsonl or \.parquet"):
        read_examples(str(tmp_path))


def test_annotations_without_text_are_joined_by_id_and_hash(tmp_path):
    texts = {"n:1": "临江市签约3个项目。", "n:2": "东海市签约3个项目。", "n:3": "高台县签约3个项目。"}
    lines = "".join(
        json.dumps({"id": key, "title": "签约", "text": text, "summary": None, "date": "2024-01-01", "source": "s"}, ensure_ascii=False) + "\n"
        for key, text in texts.items()
    )
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "news-00.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines.encode()))

    def bare(key, text):
        annotation = row(0, id=key, text_sha256=hashlib.sha256(text.encode()).hexdigest())
        return {k: v for k, v in annotation.items() if k not in ("text", "title")}

    path = write(tmp_path / "a.jsonl", [bare("n:1", texts["n:1"]), bare("n:2", "another text"), bare("n:9", "not there")])
    found = read_examples(str(path), tmp_path / "corpora")
    assert [(e.article.id, e.article.text, e.article.title) for e in found] == [("n:1", texts["n:1"], "签约")]


def test_the_side_of_an_article_depends_on_its_text_alone(tmp_path):
    examples = read_examples(str(write(tmp_path / "a.jsonl", [row(i) for i in range(400)])))
    train, dev = split_examples(examples, 0.2)
    assert len(train) + len(dev) == 400
    assert 50 < len(dev) < 110
    again, dev_again = split_examples(examples[::-1][:200], 0.2)
    assert {e.article.id for e in dev_again} <= {e.article.id for e in dev}
    assert {e.article.id for e in again} <= {e.article.id for e in train}


def test_reprints_are_on_one_side(tmp_path):
    import random

    rng = random.Random(0)
    alphabet = "招商引资项目签约总投资亿元企业产业园区开工投产调研考察座谈推介会议发布合作新能源材料装备"
    texts = ["".join(rng.choice(alphabet) for _ in range(200)) for _ in range(60)]
    reprints = ["本报综合报道。" + text[:150] for text in texts]
    groups = group_reprints(texts + reprints)
    assert groups[:60] == groups[60:]
    assert len(set(groups)) == 60
    rows = [row(i, text=text) for i, text in enumerate(texts + reprints)]
    train, dev = split_examples(read_examples(str(write(tmp_path / "a.jsonl", rows))), 0.3)
    assert dev
    assert not {int(e.article.id[2:]) % 60 for e in train} & {int(e.article.id[2:]) % 60 for e in dev}


def test_texts_that_share_only_phrases_of_the_trade_are_not_grouped():
    texts = [f"临江市第{i}次重大项目集中签约仪式举行，{i}家企业参加。" + chr(0x4E00 + i) * 40 for i in range(30)]
    assert len(set(group_reprints(texts))) == 30


def test_prepared_splits_are_used_as_they_are(tmp_path):
    from data.prepare import prepare, write_prepared

    (tmp_path / "annotations").mkdir()
    write(tmp_path / "annotations" / "a.jsonl", [row(i) for i in range(30)])
    listed = {"development": ["t-1", "t-2"], "calibration": ["t-3"], "test": ["t-4"]}
    known = [r["id"] for r in (row(i) for i in range(30))]
    listed = {name: [known[int(id[2:])] for id in ids] for name, ids in listed.items()}
    (tmp_path / "annotations" / "splits.json").write_text(json.dumps(listed))
    write_prepared(prepare(tmp_path / "annotations"), tmp_path / "processed")
    splits = read_splits(str(tmp_path / "processed"), None, 0.2)
    found = {"development": splits.development, "calibration": splits.calibration, **splits.tests}
    assert {name: [e.article.id for e in part] for name, part in found.items()} == listed
    assert len(splits.train) == 26
    assert {type(e.annotation.facts.signed_projects) for e in splits.train} <= {int, type(None)}
    assert read_splits(str(tmp_path / "annotations"), None, 0.2).ids == splits.ids
    assert {e.article.id for e in read_splits(str(tmp_path / "annotations" / "a.jsonl"), None, 0.2).tests["test"]} == set(listed["test"])
    assert {e.article.id for e in read_training(str(tmp_path / "annotations"))} == {e.article.id for e in splits.train}
    (tmp_path / "annotations" / "splits.json").unlink()
    plain = read_splits(str(tmp_path / "annotations"), None, 0.2)
    assert len(plain.train) + len(plain.development) == 30
    assert not plain.calibration


def test_articles_with_and_without_splits_are_not_mixed(tmp_path):
    mine = write(tmp_path / "m.jsonl", [row(1)])
    prepared = write(tmp_path / "p.jsonl", [row(i, split="test" if i == 2 else "train") for i in range(2, 9)])
    with pytest.raises(InputError, match="7 articles have a split and 1 have none"):
        read_splits(f"{mine},{prepared}", None, 0.2)
    twice = write(tmp_path / "t.jsonl", [row(2, id="again", split="train")])
    with pytest.raises(InputError, match="stands in split test and in train"):
        read_splits(f"{prepared},{twice}", None, 0.2)


def test_figures_and_double_annotations_are_no_articles(tmp_path):
    (tmp_path / "double").mkdir()
    (tmp_path / "mentions").mkdir()
    write(tmp_path / "double" / "b.jsonl", [row(2)])
    (tmp_path / "mentions" / "m.jsonl").write_text(json.dumps({"id": "x", "text_sha256": "", "mentions": []}))
    (tmp_path / "splits.json").write_text("{}")
    write(tmp_path / "a.jsonl", [row(1)])
    assert len(read_examples(str(tmp_path))) == 1
