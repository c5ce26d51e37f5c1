import itertools
import json
import random

import pytest
import zstandard

from data.corpora import iter_raw_rows
from training.corpus import SPECIAL, build_tokenizer, encode_documents, iter_documents, read_documents, read_mix, write_documents


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """A folder of small corpora in the layout of the large ones; sentences made here."""
    folder = tmp_path_factory.mktemp("corpora")
    for prefix, topic in (("news", "项目签约投资"), ("indomain", "园区开工产业"), ("broadcast", "会议合作经济"), ("statutes", "条例规定企业")):
        rows = [
            {
                "id": f"{prefix}:{i}", "title": f"临江市{topic}第{i}号消息发布", "summary": f"临江市第{i}次{topic}会议召开，{i}个项目达成协议并通过。" if prefix == "broadcast" else None,
                "text": f"临江市{topic}会议昨天召开，{i}个项目参加。\u2028" + f"会上介绍了第{i}号企业的产值(约{i}亿元)和税收情况，双方同意合作。" * 6, "date": None, "label": None, "source": "t",
            }
            for i in range(1, 30)
        ]  # fmt: skip
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{prefix}-00.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(text.encode()))
    return folder


def test_lines_end_at_a_line_feed_only(corpora):
    rows = list(iter_raw_rows(corpora / "news-00.jsonl.zst"))
    assert len(rows) == 29
    assert "\u2028" in rows[0]["text"]
    assert [d.text.count("\n") for d in iter_documents(corpora / "news-00.jsonl.zst")] == [1] * 29


def test_widths_are_those_of_cleaning(corpora):
    document = next(iter_documents(corpora / "news-00.jsonl.zst"))
    assert "（约1亿元）" in document.text


def test_the_mix_is_the_same_for_the_same_seed_and_near_its_size(corpora):
    first, second = read_mix(corpora, 20_000, seed=3), read_mix(corpora, 20_000, seed=3)
    assert [d.id for d in first] == [d.id for d in second]
    assert 20_000 <= sum(len(d.text) for d in first) < 25_000
    assert {d.id.split(":")[0] for d in first} == {"news", "indomain", "broadcast", "statutes"}


def test_decoding_is_the_inverse_of_encoding():
    text = "总投资1,256.8亿元（约占38.5%），BYD与“5G+AI”项目\n签约"
    tokenizer = build_tokenizer([text], 400)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids


def test_digits_are_always_single_tokens_and_rare_characters_are_unknown():
    tokenizer = build_tokenizer(["招商" * 50 + "罕"], len(SPECIAL) + 96 + 2)
    assert tokenizer.tokenize("2024招商") == ["2", "0", "2", "4", "招", "商"]
    assert tokenizer("罕", add_special_tokens=False)["input_ids"] == [tokenizer.unk_token_id]


def test_bounds_cut_the_array_into_the_documents(corpora):
    documents = read_mix(corpora, 5_000, seed=1)[:5]
    tokenizer = build_tokenizer([f"{d.title}{d.text}" for d in documents], 1000)
    tokens, bounds = encode_documents(tokenizer, documents)
    pieces = [tokenizer.decode(tokens[a:b]) for a, b in itertools.pairwise(bounds)]
    assert pieces == [f"{d.title}\n{d.text}" for d in documents]


def test_documents_come_back_as_they_were(corpora, tmp_path):
    documents = list(iter_documents(corpora / "broadcast-00.jsonl.zst"))
    write_documents(tmp_path / "d.jsonl", documents)
    assert read_documents(tmp_path / "d.jsonl") == documents


def test_pieces_keep_digits_and_signs_alone_and_round_trips_exact():
    words = ["项目", "签约", "总投资", "亿元", "产业", "开工仪式", "公司", "招商", "临江市", "举行"]
    rng = random.Random(0)
    texts = [f"{''.join(rng.choices(words, k=5))}{n}.5亿元（占{n}%），BYD{''.join(rng.choices(words, k=4))}\n" for n in range(400)]
    tokenizer = build_tokenizer(texts, 400, longest_piece=4)
    assert len(tokenizer) <= 400
    pieces = [token for token in tokenizer.get_vocab() if token not in SPECIAL]
    assert max(map(len, pieces)) in (2, 3, 4)
    assert all(len(piece) == 1 or piece.isalpha() for piece in pieces)
    for text in (texts[7], "总投资160.5亿元23%（5G）1.2亿元项目公司"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids) == text
    coded = tokenizer(texts[3], add_special_tokens=False, return_offsets_mapping=True)
    assert "".join(texts[3][a:b] for a, b in coded["offset_mapping"]) == texts[3]
    assert len(coded["input_ids"]) < len(texts[3])
