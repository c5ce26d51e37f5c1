"""Which encoding bytes are read in, what is refused, and JSON lines that UTF-8 cannot hold."""

import codecs
import json
import random

import pytest

from data.encodings import decode, decode_bytes, detect_encoding, encode_line, plausibility
from data.errors import RecordError

SIMPLIFIED = "11月6日，启明市与海歌重工集团举行项目签约仪式，总投资28.6亿元，建设风电装备产业园。"
TRADITIONAL = "11月6日，啟明市與海歌重工集團舉行項目簽約儀式，總投資28.6億元，建設風電裝備產業園。"


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (TRADITIONAL, "gb18030", "gb18030"),
        (TRADITIONAL, "big5hkscs", "big5hkscs"),
        ("启明市招商", "gb18030", "gb18030"),
        ("啟明市招商", "big5hkscs", "big5hkscs"),
        (SIMPLIFIED + "🎉", "gb18030", "gb18030"),
        ("plain ASCII, 28.6", "ascii", "utf-8"),
        ("", "utf-8", "utf-8"),
    ],
)
def test_text_comes_back_in_every_encoding_of_the_ladder(text, codec, name):
    assert decode_bytes(text.encode(codec)) == (text, name)


@pytest.mark.parametrize(
    ("bom", "codec"),
    [
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        ("\ufeff".encode("gb18030"), "gb18030"),
    ],
)
def test_a_byte_order_mark_decides_and_is_no_part_of_the_text(bom, codec):
    assert decode_bytes(bom + SIMPLIFIED.encode(codec)) == (SIMPLIFIED, codec)


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "big5hkscs"])
def test_a_character_cut_at_the_end_is_dropped_and_reported(codec):
    text = TRADITIONAL.rstrip("。")
    decoded = decode(text.encode(codec)[:-1])
    assert (decoded.text, decoded.encoding) == (text[:-1], codec)
    assert decoded.dropped_bytes == len(text[-1].encode(codec)) - 1


def test_a_cut_is_no_excuse_for_a_stray_byte_behind_ascii():
    with pytest.raises(RecordError) as caught:
        decode_bytes(b"caf\xe9")
    assert caught.value.code == "bad_encoding"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x00" * 4000, "not_text"),
        (SIMPLIFIED.encode("utf-8") + b"\x00\x01" * 200, "not_text"),
        ("signed 12 projects".encode("utf-16-le"), "not_text"),
        (random.Random(1).randbytes(5000), "not_text"),
        (b"%PDF-1.7 plain ASCII afterwards", "not_text"),
        (b"PK\x03\x04" + b"a" * 100, "not_text"),
        (SIMPLIFIED.encode("utf-8")[:40] + b"\xff\xfe" + SIMPLIFIED.encode("utf-8"), "bad_encoding"),
        ("L'été à Besançon, près de la forêt".encode("latin-1"), "bad_encoding"),
        (b"\xff" * 60, "bad_encoding"),
    ],
)
def test_what_is_no_text_of_the_ladder_is_refused(raw, code):
    with pytest.raises(RecordError) as caught:
        decode_bytes(raw)
    assert caught.value.code == code


def test_a_few_control_characters_do_not_make_a_text_binary():
    text = "启明市\x00与海歌\x07签约"
    assert decode_bytes(text.encode())[0] == text


def test_a_block_of_a_broken_file_still_tells_its_encoding():
    broken = SIMPLIFIED.encode("gb18030") * 20 + b"\xff\xff" + SIMPLIFIED.encode("gb18030") * 20
    assert detect_encoding(broken).name == "gb18030"
    broken = SIMPLIFIED.encode() * 20 + b"\xff\xff" + SIMPLIFIED.encode() * 20
    assert detect_encoding(broken).name == "utf-8"


def test_the_right_reading_is_more_plausible_than_the_wrong_one():
    as_big5 = TRADITIONAL.encode("big5hkscs")
    assert plausibility(TRADITIONAL) > 0.8 > 0 > plausibility(as_big5.decode("gb18030", "replace"))
    assert plausibility("ASCII only") == 0


@pytest.mark.parametrize("text", ["签约\u2028仪式", "\ud800签约", "🎉", "\x00", '"quotes" and \\'])
def test_a_json_line_is_one_line_of_utf8_and_reads_back(text):
    line = encode_line({"text": text})
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert json.loads(line.decode("utf-8")) == {"text": text}


def test_chinese_stays_readable_in_json_lines():
    assert "签约" in encode_line({"text": "签约"}).decode()
