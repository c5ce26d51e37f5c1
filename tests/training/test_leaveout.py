"""Label errors by leaving out: planted errors come first, every article is asked by a system that never saw it."""

import random
from dataclasses import replace

import numpy as np
import pytest

from data.annotations import to_row
from data.encodings import encode_line
from data.errors import InputError
from data.taxonomy import load_taxonomy
from tests.training.test_finetune import examples
from training.config import LeaveoutConfig
from training.leaveout import deal_folds, find_suspects, held_out_probs, run_leaveout, tfidf_probs

TAXONOMY = load_taxonomy()


def planted(n, wrong):
    """Return examples of four kinds, the labels of some exchanged for those of another kind."""
    made = examples(n)
    for i in wrong:
        other = made[(i + 1) % n].annotation
        made[i] = replace(made[i], annotation=replace(made[i].annotation, activity=other.activity, industry=other.industry))
    return made


def test_planted_errors_are_suspected_first(tmp_path):
    wrong = [3, 17, 42, 70]
    made = planted(120, wrong)
    suspects = find_suspects(made, held_out_probs(made, tfidf_probs, 5, 0))
    ids = list(dict.fromkeys(s.id for s in suspects))
    assert set(ids[:4]) == {f"f{i}" for i in wrong}
    # f3 is of a tourism festival (other, culture_tourism) and was given what f4, a signing of a food project, has.
    assert {(s.label, s.kind) for s in suspects if s.id == "f3"} == {
        ("other", "missing"), ("culture_tourism", "missing"), ("signing", "extra"), ("food", "extra"),
    }  # fmt: skip


def test_each_article_is_asked_by_a_system_that_did_not_see_it_or_its_reprint():
    made = examples(40)
    reprints = [replace(e, article=replace(e.article, id=f"r{i}", text="综合消息。" + e.article.text)) for i, e in enumerate(made[:8])]
    everything, seen = [*made, *reprints], []

    def system(train, held):
        seen.append(({e.article.id[1:] for e in train}, {e.article.id[1:] for e in held}))
        return {g: np.zeros((len(held), len(TAXONOMY.group(g)))) for g in ("activity", "industry")}

    held_out_probs(everything, system, 4, 1)
    assert all(not train & held for train, held in seen)
    assert sorted(id for _, held in seen for id in held) == sorted({e.article.id[1:] for e in everything})


@pytest.mark.parametrize("seed", range(8))
def test_no_fold_is_empty_and_reprints_share_one(seed):
    made = examples(8)
    reprint = replace(made[2], article=replace(made[2].article, id="r2", text="综合消息。" + made[2].article.text))
    folds = deal_folds([*made, reprint], 5, seed)
    assert sorted(np.bincount(folds[:8]).tolist()) == [1, 1, 2, 2, 2]
    assert folds[8] == folds[2]
    assert folds.tolist() == deal_folds([*made, reprint], 5, seed).tolist()


def test_folds_are_shuffled_by_the_seed():
    assert len({tuple(deal_folds(examples(8), 5, seed)) for seed in range(8)}) > 1


def test_fewer_articles_than_folds_are_refused():
    made = examples(4)
    reprints = [replace(made[0], article=replace(made[0].article, id=f"r{i}")) for i in range(5)]
    assert deal_folds([*made, *reprints], 4, 0).max() == 3
    with pytest.raises(InputError, match=r"5 folds .* got 4"):
        held_out_probs([*made, *reprints], tfidf_probs, 5, 0)


def test_suspects_are_written_widest_margin_first(tmp_path):
    made = planted(60, [5])
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in random.Random(0).sample(made, len(made))))
    suspects = run_leaveout(LeaveoutConfig(data=str(tmp_path / "a.jsonl"), output=tmp_path / "s.jsonl", most=3))
    assert [s.margin for s in suspects] == sorted((s.margin for s in suspects), reverse=True)
    assert len((tmp_path / "s.jsonl").read_text("utf-8").splitlines()) == len(suspects) <= 3
    assert suspects[0].id == "f5"


def test_a_base_can_be_finetuned_for_each_fold(tiny_bases, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b"".join(encode_line(to_row(e)) for e in examples(16)))
    config = LeaveoutConfig(
        data=str(tmp_path / "a.jsonl"), output=tmp_path / "s.jsonl", base=str(tiny_bases["encoder"]), folds=2, epochs=1, max_length=128, device="cpu"
    )
    assert all(0 <= s.prob <= 1 for s in run_leaveout(config))
