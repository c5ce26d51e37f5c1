"""Texts without a sentence in common, and a corpora folder that holds some of them."""

import random

import pytest
import zstandard

from data.encodings import encode_line

PLACES = "甲乙丙丁戊己庚辛壬癸"


def text_of(i):
    """Return texts that share no sentence: characters drawn for each carry the body."""
    body = "".join(random.Random(i).choices("招商引资项目签约总投产业园开工投产调研考察座谈推介会议发布合作新能源材料装备食品物流电子", k=160))
    return f"{PLACES[i % 10]}市{i + 11}日签约项目{i + 3}个。{body}。"


@pytest.fixture
def corpora(tmp_path):
    (tmp_path / "corpora").mkdir()
    lines = b"".join(encode_line({"id": f"n:{i}", "title": "题", "text": text_of(i), "date": "2024-01-02", "source": "s"}) for i in range(95, 109))
    (tmp_path / "corpora" / "news-00.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))
    return tmp_path / "corpora"
