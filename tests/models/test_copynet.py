"""The network that copies: what it may write, tokens beyond the vocabulary, search, folders."""

import json
import re

import pytest
import torch
from transformers import AutoTokenizer

from data.errors import CheckpointRefused
from models.copynet import (
    IGNORE,
    NOT_COPIED,
    TASKS,
    CopyNet,
    CopySummarizer,
    CopyTokens,
    DecoderConfig,
    SpanGuard,
    _following,
    is_copynet,
    load_copynet,
    save_copynet,
    split_title,
)
from models.summarizer import Generation
from training.copying import build_copynet, collate

TITLE, TEXT = "临川签约12个项目", "5月8日，临川县集中签约12个项目，总投资30亿元。龘龘公司将建新厂。"


@pytest.fixture(scope="module")
def tokens(tokenizer):
    return CopyTokens(tokenizer)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "follows"])
def net(tiny_bases, tokenizer, request):
    torch.manual_seed(3)
    made = build_copynet(tiny_bases["encoder"], tokenizer, DecoderConfig(n_layers=1, follows=request.param)).eval()
    if request.param:
        torch.nn.init.constant_(made.follow_query.bias, 3.0)  # as if it had learnt to go on
    return made


def test_a_source_and_its_target_come_back_with_tokens_beyond_the_vocabulary(tokens):
    source = tokens.read(TITLE, TEXT, 128)
    assert source.copy_ids[0] == NOT_COPIED
    assert len(source.input_ids) == len(source.copy_ids)
    ids = tokens.target("龘龘公司签约12个项目", source, 64)
    assert ids[-1] == tokens.eos_token_id
    assert any(number >= tokens.vocab_size for number in ids) == (
        tokens.tokenizer("龘", add_special_tokens=False)["input_ids"] == [tokens.unk_token_id]
    )
    assert tokens.text(ids[:-1], source) == "龘龘公司签约12个项目"
    assert IGNORE in tokens.target("爨", source, 64)  # in neither: nothing to learn
    assert len(tokens.read(None, TEXT * 50, 100).input_ids) == 100
    assert len(tokens.target(TEXT * 50, source, 100)) == 100


def test_what_is_read_apart_is_read_alike_in_a_batch(net, tokens):
    pairs = []
    for title, text, target in ((TITLE, TEXT, "签约12个项目。"), (None, TEXT[:20], "集中签约"), (TITLE, TEXT * 2, "总投资30亿元。")):
        source = tokens.read(title, text, 128)
        pairs.append((source, tokens.target(target, source, 64), 1))
    with torch.inference_mode():
        apart = [(net.loss(collate([pair], tokens)).item(), len(pair[1])) for pair in pairs]
        together = net.loss(collate(pairs, tokens)).item()
    assert together == pytest.approx(sum(loss * n for loss, n in apart) / sum(n for _, n in apart), rel=1e-4)


def test_digits_and_marks_can_only_be_copied(net, tokens):
    source = tokens.read(None, "临川县举行会议，各方代表出席并讲话，会议气氛热烈。", 128)
    digits = {number for number, token in tokens._surfaces.items() if any(char.isdigit() for char in token)}
    assert digits <= set(tokens.copied_only)
    assert tokens.eos_token_id not in tokens.copied_only
    for ids, _ in net.search(torch.tensor([source.input_ids]), torch.tensor([source.copy_ids]), 1, tokens.eos_token_id, tokens.unk_token_id, 3, 40):
        assert not digits & set(ids)  # the source has none


def test_search_scores_what_the_loss_scores(net, tokens):
    source = tokens.read(TITLE, TEXT, 128)
    found = net.search(
        torch.tensor([source.input_ids]), torch.tensor([source.copy_ids]), TASKS.index("brief"), tokens.eos_token_id, tokens.unk_token_id, 3, 40
    )
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    for ids, score in found:
        if len(ids) < 40:  # ended by itself
            with torch.inference_mode():
                loss = net.loss(collate([(source, [*ids, tokens.eos_token_id], 1)], tokens)).item()
            assert -loss == pytest.approx(score, rel=1e-3)


def test_a_span_is_written_as_the_source_has_it_or_not_at_all():
    guard = SpanGuard([[1, 2, 9], [1, 2, 2, 8], [5, 6, 7]], [1, 2, 5, 3])
    free = torch.zeros(10)
    guard.bar(free, ())
    assert [i for i in range(10) if free[i] < -1] == [2, 3]  # begin no span of this source
    within = guard.step((), 4)
    assert within == ()
    for token, allowed in ((1, [2]), (2, [2, 9]), (2, [8])):
        within = guard.step(within, token)
        row = torch.zeros(10)
        guard.bar(row, within)
        assert [i for i in range(10) if row[i] == 0] == allowed
    assert guard.step(within, 8) == ()
    assert guard.step((5, 6), 7) == ()


def test_figures_keep_their_digits_and_what_follows(net, tokens):
    text = "临川县签约12个项目，总投资30.5亿元，占地120亩，引用《关于招商的意见》。"
    source = tokens.read(None, text, 128)
    ids = (torch.tensor([source.input_ids]), torch.tensor([source.copy_ids]))
    found = net.search(*ids, TASKS.index("brief"), tokens.eos_token_id, tokens.unk_token_id, 4, 60, tokens.guard(source), 30)
    figures = re.compile(r"(?<![\d.])\d+(?:\.\d+)?.")
    for row, _ in found:
        assert len(row) >= 30
        for figure in figures.findall(tokens.text(row, source) + "$")[:-1]:
            assert figure in text
        for quoted in re.findall("《.*?》", tokens.text(row, source)):
            assert quoted in text


def test_what_follows_is_the_place_behind_what_was_said():
    copy_ids = torch.tensor([[NOT_COPIED, 7, 8, 7, 9]])
    scores = torch.tensor([[[0.0, 1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 5.0], [0.0] * 5]])
    found = _following(scores, copy_ids, torch.tensor([[7, 8, 4]]))
    assert found[0, 0].tolist() == pytest.approx([0, 0, 0.5, 0, 0.5])  # 7 stands twice, alike likely
    assert found[0, 1].tolist() == pytest.approx([0, 0, 0, 1, 0])
    assert found[0, 2].tolist() == [0.0] * 5  # not of the source


def test_it_learns_to_copy(tiny_bases, tokenizer, tokens):
    torch.manual_seed(5)
    model = build_copynet(tiny_bases["encoder"], tokenizer, DecoderConfig(n_layers=1, dropout=0.0))
    source = tokens.read(TITLE, TEXT, 128)
    batch = collate([(source, tokens.target("临川县集中签约12个项目，总投资30亿元。", source, 64), 1)], tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    before = model.loss(batch).item()
    for _ in range(60):
        loss = model.loss(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert model.loss(batch).item() < before / 4
    engine = CopySummarizer(model.eval(), tokenizer, Generation(max_source=128, max_target=40, num_beams=2), torch.device("cpu"))
    assert engine.candidates(f"{TITLE}\n{TEXT}")[0].text == "临川县集中签约12个项目，总投资30亿元。"
    assert engine.candidates(f"{TITLE}\n{TEXT}") == engine.candidates(f"{TITLE}\n{TEXT}")


def test_a_folder_comes_back_as_it_was_saved(net, tokenizer, tmp_path):
    save_copynet(net, tokenizer, tmp_path / "c")
    assert is_copynet(tmp_path / "c")
    assert not is_copynet(tmp_path)
    back_tokenizer, back = load_copynet(tmp_path / "c")
    assert isinstance(back, CopyNet)
    generation = Generation(max_source=128, max_target=30, num_beams=2)
    ours, theirs = (CopySummarizer(m, t, generation, torch.device("cpu")).candidates(TEXT) for m, t in ((net, tokenizer), (back, back_tokenizer)))
    assert [c.score for c in ours] == pytest.approx([c.score for c in theirs], abs=0.02)
    assert torch.equal(back.logit_mask, net.logit_mask)


def test_damaged_folders_are_refused(net, tokenizer, tmp_path):
    save_copynet(net, tokenizer, tmp_path)
    row = json.loads((tmp_path / "config.json").read_text("utf-8"))
    for change in ({"decoder": {"n_layers": 3}}, {"decoder": {"layers": 1}}, {"encoder": {}}):
        (tmp_path / "config.json").write_text(json.dumps(row | change), "utf-8")
        with pytest.raises(CheckpointRefused):
            load_copynet(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(CheckpointRefused):
        load_copynet(tmp_path)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("标题\n正文。", ("标题", "正文。")),
        ("正文。", (None, "正文。")),
        ("长" * 80 + "\n正文", (None, "长" * 80 + "\n正文")),
        ("标题\n", (None, "标题\n")),
    ],
)
def test_a_short_first_line_is_the_headline(source, parts):
    assert split_title(source) == parts


def test_the_tokenizer_of_a_folder_is_the_one_it_was_trained_with(net, tokenizer, tmp_path):
    save_copynet(net, tokenizer, tmp_path)
    assert AutoTokenizer.from_pretrained(str(tmp_path)).get_vocab() == tokenizer.get_vocab()
