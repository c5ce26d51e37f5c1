"""Training sets: joined, grouped, split without leakage, written whole, the same bytes each time."""

import json
from collections import Counter

import datasets
import pytest

from data.encodings import encode_line
from data.errors import InputError
from data.prepare import TRAIN, prepare, read_splits, split_by_hash, write_prepared
from data.schema import content_hash
from tests.corpora import text_of


def row(i, **changes):
    made = {
        "id": f"a-{i}", "title": f"签约{i}", "text": text_of(i), "activity": ["signing"], "industry": ["food"], "summary": "某市签约项目。" * 5,
        "facts": {"signed_projects": i, "signed_amount": None, "total_projects": None, "total_amount": None}, "source": None, "url": None, "published": None,
    }  # fmt: skip
    return {**made, **changes}


def bare(i, **changes):
    made = {key: value for key, value in row(i).items() if key in ("activity", "industry", "summary", "facts")}
    return {"id": f"n:{i}", "text_sha256": content_hash(text_of(i)), **made, **changes}


@pytest.fixture
def folder(tmp_path):
    for name in ("authored", "real"):
        (tmp_path / "annotations" / name).mkdir(parents=True)
    (tmp_path / "annotations" / "authored" / "a.jsonl").write_bytes(b"".join(encode_line(row(i)) for i in range(20)))
    (tmp_path / "annotations" / "real" / "b.jsonl").write_bytes(b"".join(encode_line(bare(i)) for i in range(100, 110)))
    return tmp_path / "annotations"


def test_annotations_are_joined_with_their_texts(folder, corpora):
    made = prepare(folder, corpora)
    rows = {r["id"]: r for split in made.splits.values() for r in split}
    assert len(rows) == 29
    assert made.without_text == ["n:109"]
    assert (rows["n:100"]["title"], rows["n:100"]["published"], rows["n:100"]["origin"]) == ("题", "2024-01-02", "real")
    assert all(r["text_sha256"] == content_hash(r["text"]) for r in rows.values())  # these texts are clean


def test_without_the_corpora_the_written_part_is_built_and_what_is_missing_is_said(folder):
    made = prepare(folder)
    assert Counter(r["origin"] for split in made.splits.values() for r in split) == {"authored": 20}
    assert len(made.without_text) == 10
    assert "without text, left out: 10 (give the --corpora that hold them)" in made.lines()


def test_parquet_is_what_datasets_reads_and_the_manifest_holds_its_hashes(folder, corpora, tmp_path):
    made = prepare(folder, corpora)
    manifest = write_prepared(made, tmp_path / "out")
    loaded = datasets.load_dataset("parquet", data_files={k: str(tmp_path / "out" / f"{k}.parquet") for k in manifest["splits"]}, keep_in_memory=True)
    assert {name: len(part) for name, part in loaded.items()} == {name: part["articles"] for name, part in manifest["splits"].items()}
    (first,) = [r for part in loaded.values() for r in part if r["id"] == "a-3"]
    assert (first["activity"], first["facts"]["signed_projects"], first["mentions"]) == (["signing"], 3.0, None)
    again = write_prepared(prepare(folder, corpora), tmp_path / "again")
    assert again == manifest


def test_an_output_of_its_own_is_replaced_and_another_folder_is_refused(folder, tmp_path):
    made = prepare(folder)
    write_prepared(made, tmp_path / "out")
    write_prepared(made, tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(InputError, match="other files"):
        write_prepared(made, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_splits_json_decides_and_all_others_train(folder, corpora):
    (folder / "splits.json").write_text(json.dumps({"development": ["a-1", "n:101"], "test": ["n:102"]}))
    made = prepare(folder, corpora)
    assert {name: len(rows) for name, rows in made.splits.items()} == {TRAIN: 26, "development": 2, "test": 1}
    assert all(r["split"] == name for name, rows in made.splits.items() for r in rows)


@pytest.mark.parametrize("listed", [{"test": ["a-1"], "development": ["a-1"]}, {"test": ["nobody"]}])
def test_splits_that_name_an_article_twice_or_an_unknown_one_are_refused(folder, listed):
    (folder / "splits.json").write_text(json.dumps(listed))
    with pytest.raises(InputError, match=r"splits\.json"):
        read_splits(folder, {"a-1": None})
    with pytest.raises(InputError, match=r"splits\.json"):
        prepare(folder)


def test_a_reprint_across_splits_is_refused(folder):
    reprint = row(50, text="本报讯（记者 某某）" + text_of(1))
    (folder / "authored" / "c.jsonl").write_bytes(encode_line(reprint))
    (folder / "splits.json").write_text(json.dumps({"test": ["a-1"]}))
    with pytest.raises(InputError, match="a-1 and a-50"):
        prepare(folder)


def test_a_reprint_within_training_is_dropped_and_other_labels_are_said(folder):
    reprint = row(50, text="本报讯（记者 某某）" + text_of(1), industry=["finance"])
    (folder / "authored" / "c.jsonl").write_bytes(encode_line(reprint))
    (folder / "splits.json").write_text(json.dumps({"test": ["a-2"]}))
    made = prepare(folder)
    assert made.reprints == ["a-50"]
    assert made.conflicts == [("a-1", "a-50")]
    assert "reprints with other labels: a-1 and a-50" in made.lines()


def test_near_duplicates_of_evaluation_articles_are_dropped_and_counted(folder, tmp_path):
    held = tmp_path / "held.jsonl"
    held.write_bytes(
        encode_line({"id": "h", "text": text_of(4) + "\n责任编辑：某某"}) + encode_line({"id": "i", "text": text_of(5).replace("16日", "17日")})
    )
    made = prepare(folder, against=[held])
    assert made.near_evaluation == ["a-4"]
    assert "a-5" in {r["id"] for rows in made.splits.values() for r in rows}  # another date: another event
    assert "near-duplicates of the 2 articles kept for evaluation, dropped: 1" in made.lines()


def test_without_splits_json_reprints_stay_on_one_side_and_shares_hold():
    texts = [text_of(i) for i in range(600)]
    split = split_by_hash([*texts, *(f"综合消息。{text}" for text in texts)])
    assert split[:600] == split[600:]
    shares = Counter(split)
    assert 0.55 < shares[TRAIN] / 1200 < 0.75
    assert set(shares) == {TRAIN, "development", "calibration", "test"}
    assert split_by_hash(texts[::-1]) == split_by_hash(texts)[::-1]


def test_figures_move_onto_the_cleaned_text(folder):
    text = "簽約項(xiàng)目１2個，總投資160億元。" + text_of(70)
    (folder / "authored" / "d.jsonl").write_bytes(encode_line(row(70, text=text)))
    (folder / "mentions").mkdir()
    mention = {
        "start": 11,
        "end": 14,
        "kind": "count",
        "value": "12",
        "max": None,
        "unit": "个",
        "qualifier": "exact",
        "role": None,
        "scope": "batch",
        "status": "signed",
    }
    (folder / "mentions" / "m.jsonl").write_bytes(encode_line({"id": "a-70", "text_sha256": content_hash(text), "mentions": [mention]}))
    made = prepare(folder)
    (found,) = [r for rows in made.splits.values() for r in rows if r["id"] == "a-70"]
    (moved,) = found["mentions"]
    assert found["text"][moved["start"] : moved["end"]] == "12个"


def test_broken_annotations_stop_with_their_place(folder):
    (folder / "real" / "x.jsonl").write_bytes(encode_line({"id": "q"}) + encode_line(row(1)))
    with pytest.raises(InputError, match=r"x\.jsonl:1: activity is missing"):
        prepare(folder)
    with pytest.raises(InputError, match="no such folder"):
        prepare(folder / "nowhere")


def test_an_excerpt_across_splits_is_refused(folder):
    """Half of an article shares too little to be a near-duplicate, and shows all of what it holds."""
    text = text_of(1)
    write(folder / "authored" / "c.jsonl", row(50, text=text[: len(text) * 6 // 10]))
    (folder / "splits.json").write_text(json.dumps({"test": ["a-1"]}))
    with pytest.raises(InputError, match="a-1 and a-50"):
        prepare(folder)


def test_an_excerpt_of_an_evaluation_article_is_dropped(folder, tmp_path):
    write(tmp_path / "held.jsonl", {"id": "h", "text": text_of(4) + text_of(900)})
    assert prepare(folder, against=[tmp_path / "held.jsonl"]).near_evaluation == ["a-4"]


@pytest.mark.parametrize("line", [b"{broken\n", b'{"id": "h", "body_text": "x"}\n'])
def test_evaluation_articles_that_cannot_be_read_stop_it(folder, tmp_path, line):
    """Else nothing would keep training from them, and the count would say 0."""
    (tmp_path / "held.jsonl").write_bytes(line)
    with pytest.raises(InputError, match="kept for evaluation"):
        prepare(folder, against=[tmp_path / "held.jsonl"])


def test_a_checkpoint_is_never_taken_for_an_output_of_its_own(folder, tmp_path):
    out = tmp_path / "checkpoint"
    out.mkdir()
    (out / "manifest.json").write_text(json.dumps({"format": 1, "kind": "classifier"}))
    (out / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(InputError, match="other files"):
        write_prepared(prepare(folder), out)
    assert (out / "model.safetensors").read_bytes() == b"weights"


def test_labels_outside_the_rules_stop_it_with_their_places(folder):
    write(folder / "real" / "x.jsonl", bare(200, activity=["other", "signing"]), bare(201, industry=["fod"]))
    with pytest.raises(InputError, match=r"x\.jsonl:1: .*x\.jsonl:2: ") as caught:
        prepare(folder)
    assert "fod" in caught.value.message


@pytest.mark.parametrize("written", ["{", "[1]", '{"dev": []}', '{"test": "a-1"}'])
def test_broken_splits_stop_it(folder, written):
    (folder / "splits.json").write_text(written)
    with pytest.raises(InputError, match=r"splits\.json"):
        prepare(folder)


def test_figures_of_another_text_stop_it(folder):
    (folder / "mentions").mkdir()
    write(folder / "mentions" / "m.jsonl", {"id": "a-1", "text_sha256": content_hash("another"), "mentions": []})
    with pytest.raises(InputError, match="a-1: text_sha256"):
        prepare(folder)


def test_a_corpora_folder_without_files_stops_it(folder, tmp_path):
    with pytest.raises(InputError, match=r"no \.jsonl\.zst"):
        prepare(folder, tmp_path / "nowhere")
    (tmp_path / "news-00.jsonl.zst").write_bytes(b"no zstandard")
    with pytest.raises(InputError, match=r"news-00\.jsonl\.zst"):
        prepare(folder, tmp_path)


def write(path, *rows):
    path.write_bytes(b"".join(map(encode_line, rows)))
