import json
import shutil

import pytest

from data.errors import CheckpointRefused
from models.registry import MANIFEST, label_names, open_checkpoint


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """A copy of the tiny classifier that a test may spoil."""
    return shutil.copytree(tiny_checkpoint / "classifier", tmp_path / "classifier")


def edit(path, change):
    row = json.loads(path.read_text("utf-8"))
    change(row)
    path.write_text(json.dumps(row, ensure_ascii=False), "utf-8")


def test_what_was_saved_is_accepted(folder):
    manifest = open_checkpoint(folder, "classifier")
    assert manifest.tag == "tiny@0"
    assert set(manifest.files) == {p.name for p in folder.iterdir()} - {MANIFEST}


def test_one_changed_byte_is_refused(folder):
    weights = folder / "model.safetensors"
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(bytes(raw))
    with pytest.raises(CheckpointRefused, match=r"model\.safetensors has changed"):
        open_checkpoint(folder, "classifier")


def test_a_missing_and_an_added_file_are_refused(folder):
    (folder / "extra.json").write_text("{}")
    with pytest.raises(CheckpointRefused, match=r"does not list: extra\.json"):
        open_checkpoint(folder, "classifier")
    (folder / "extra.json").unlink()
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointRefused, match=r"missing: config\.json"):
        open_checkpoint(folder, "classifier")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "state.pt", "head.pkl", "model.py"])
def test_pickles_and_code_are_refused_even_when_listed(folder, name):
    (folder / name).write_bytes(b"x")
    edit(
        folder / MANIFEST,
        lambda row: row["files"].update({name: {"sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "bytes": 1}}),
    )
    with pytest.raises(CheckpointRefused, match="is not allowed"):
        open_checkpoint(folder, "classifier")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row.update(format=99), "format 99"),
        (lambda row: row.update(clean_version=-1), "cleaning version -1"),
        (lambda row: row["taxonomy"]["names"].update({"activity/signing": "签单"}), "taxonomy does not match its hash"),
        (lambda row: row.pop("decoding"), "not a manifest"),
        (lambda row: row.update(kind="summarizer"), "expected a classifier"),
    ],
)
def test_versions_labels_and_kind_must_match(folder, change, reason):
    edit(folder / MANIFEST, change)
    with pytest.raises(CheckpointRefused, match=reason):
        open_checkpoint(folder, "classifier")


def rehash(folder, name):
    """Bring the manifest up to a changed file, as somebody who means harm would."""
    from models.registry import hash_file

    edit(folder / MANIFEST, lambda row: row["files"][name].update(sha256=hash_file(folder / name)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: row.update(auto_map={"AutoModel": "evil.Model"}), "code of its own"),
        (lambda row: row.update(model_type="lightglue"), "is not one of"),
        (lambda row: row["id2label"].update({"0": row["id2label"]["1"], "1": row["id2label"]["0"]}), "not those of the taxonomy"),
    ],
)
def test_configs_that_run_code_or_swap_labels_are_refused(folder, change, reason):
    edit(folder / "config.json", change)
    rehash(folder, "config.json")
    with pytest.raises(CheckpointRefused, match=reason):
        open_checkpoint(folder, "classifier")


@pytest.mark.parametrize("content", ["[]", "{", '{"model_type": "modernbert", "id2label": 3}'])
def test_a_broken_config_is_refused(folder, content):
    (folder / "config.json").write_text(content)
    rehash(folder, "config.json")
    with pytest.raises(CheckpointRefused):
        open_checkpoint(folder, "classifier")


def test_weights_without_the_head_are_refused_instead_of_filled_with_random_ones(tiny_checkpoint, tmp_path):
    from safetensors.torch import load_file, save_file

    from models.predictor import Predictor

    folder = shutil.copytree(tiny_checkpoint, tmp_path / "copy") / "classifier"
    tensors = load_file(folder / "model.safetensors")
    save_file({key: value for key, value in tensors.items() if not key.startswith("classifier.")}, folder / "model.safetensors", {"format": "pt"})
    rehash(folder, "model.safetensors")
    with pytest.raises(CheckpointRefused, match=r"classifier\.weight"):
        Predictor.load(tmp_path / "copy", "cpu")


def test_a_stop_between_the_renames_of_saving_loses_nothing(folder):
    folder.rename(folder.with_name("classifier.old"))
    assert open_checkpoint(folder, "classifier").tag == "tiny@0"


def test_a_folder_without_manifest_and_broken_json_are_refused(folder, tmp_path):
    with pytest.raises(CheckpointRefused, match="no checkpoint here"):
        open_checkpoint(tmp_path / "nowhere", "classifier")
    (folder / MANIFEST).write_text("{")
    with pytest.raises(CheckpointRefused, match="not a manifest"):
        open_checkpoint(folder, "classifier")


def test_no_file_of_a_checkpoint_names_a_folder_of_the_machine(tiny_checkpoint):
    for path in tiny_checkpoint.rglob("*.json"):
        assert str(tiny_checkpoint.parent) not in path.read_text("utf-8"), path.name


def test_outputs_are_the_three_groups_in_order(folder):
    manifest = open_checkpoint(folder, "classifier")
    names = label_names(manifest.taxonomy)
    config = json.loads((folder / "config.json").read_text())
    assert [config["id2label"][str(i)] for i in range(len(names))] == names
    assert len(names) == len(set(names)) == 13 + 19 + 13
