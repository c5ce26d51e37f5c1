"""Marks of lost bytes: what is one, what only looks like one, and the shield that keeps steps off them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.damage import find_damage, shield, unshield

MARKS = [
    ("完成建设?，F场签约", ["?，F"], "a full stop and half of the next character"),
    ("完成建设?,F场签约", ["?,F"], "the same after somebody narrowed the comma"),
    ("发布消息?！?」星河公司说", ["?！?」"], "a full stop and an opening bracket"),
    ("发布消息?!?」星河公司说", ["?!?」"], "the same, narrowed"),
    ("建设园区?？项目", ["?？"], "question marks of two widths"),
    ("建设园区?、增收", ["?、"], "a question never goes on with a comma"),
    ("建设?jié)覀τ项目", ["?jié)覀τ"], "half a pinyin bracket, then rare characters"),
    ("雙方簽約?！肝覀兛春秒呄?陌l展", ["?！肝覀兛春秒呄"], "a longer stretch, of rare characters"),
    ("会议召开?！拔颐强春迷葡?项目", ["?！拔颐强春迷葡"], "one of usual characters that make sense shifted by a byte"),
    ("会议召开?Ｕ馐窃葡?项目", ["?Ｕ馐窃葡"], "a full-width letter instead of the exclamation mark"),
    ("a\ufffd\ufffdb\ufffd", ["\ufffd\ufffd", "\ufffd"], "replacement characters, neighbours joined"),
    ("研究员李\ufffdh出席", ["\ufffdh"], "the other half of the character that was lost"),
    ("锟斤拷锟斤拷和孙锟", ["锟斤拷锟斤拷"], "but 锟 is a given name"),
    ("烫烫烫烫，很烫", ["烫烫烫烫"], "unwritten memory"),
    ("会议Ã¤Â¸é召开", ["Ã¤Â¸é"], "UTF-8 read as Latin-1"),
    ("会议銆傜召开", ["銆傜"], "UTF-8 read as GBK"),
    ("中????文", ["????"], "an encoder without Chinese"),
    ("李〓出席", ["〓"], "the printer's mark for a missing character"),
]
SOUND = [
    "签约了吗？签约了！",
    "真的吗?！当然",
    "真的吗?!",
    "为什么???",
    "Really?, he said",
    "签约了吗?A公司说",
    "怎么办?①加强招商",
    "café»… olé!",
    "Beyoncé（碧昂丝）",
    "锘是元素，孙锟是人名",
    "——〓〓——",
    "屯屯和烫烫",
]


@pytest.mark.parametrize(("text", "marks", "why"), MARKS, ids=[row[2] for row in MARKS])
def test_marks_are_found(text, marks, why):
    assert [text[a:b] for a, b in find_damage(text)] == marks, why


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_is_not_flagged(text):
    assert find_damage(text) == ()


@given(st.text(alphabet="中文?，！,F覀⒉\ufffd锟斤拷烫Ã¤jié)「」\n "))
def test_spans_are_ordered_disjoint_and_shielding_is_reversible(text):
    spans = find_damage(text)
    assert all(a < b for a, b in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    hidden = shield(text, spans)
    assert len(hidden) == len(text)
    assert unshield(hidden) == text
    assert all(ord(c) >= 0xF0000 for a, b in spans for c in hidden[a:b])
