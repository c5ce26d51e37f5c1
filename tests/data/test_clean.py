"""Cleaning as a table of (dirty, clean, why), one row per artefact, and the properties that hold for every text."""

import random
import re
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.clean import CLEAN_VERSION, STEPS, clean_text, clean_title
from data.damage import find_damage
from data.traditional import changing

CONTROL = [
    ("云溪市\x00签约\x07项目", "云溪市签约项目", "NUL and other control characters have no place in text"),
    ("云\u200b溪\u200d市\u2060签\u00ad约", "云溪市签约", "zero-width characters and soft hyphens split words invisibly"),
    ("\ufeff云溪市签约", "云溪市签约", "a byte-order mark that was read as text"),
    ("\u202a云溪市\u202c签约\u200e", "云溪市签约", "marks of writing direction"),
    ("云溪\ue5d2市签\U000f0041约", "云溪市签约", "private use: icon fonts of the page"),
    ("第一段。\r\n第二段。\r第三段。", "第一段。\n第二段。\n第三段。", "line ends of Windows and of old Macs"),
    ("第一段。\u2028第二段。\u0085第三段。\x0b第四段。", "第一段。\n第二段。\n第三段。\n第四段。", "Unicode, mainframe and Word line breaks"),
]
SPACES = [
    ("云溪市\u00a0签约\u3000\u3000项目", "云溪市 签约 项目", "no-break and ideographic spaces are spaces, runs are one"),
    ("（记者 李梅 王芳）", "（记者 李梅 王芳）", "a single space separates names: it stays"),
    ("\u3000\u3000第一段。\n\u3000\u3000第二段。", "第一段。\n第二段。", "indents of paragraphs"),
    ("第一段。 \n\n \n\n第二段。", "第一段。\n\n第二段。", "runs of empty lines are one"),
    ("\n 云溪市签约。 \n", "云溪市签约。", "blanks at the ends"),
    ("签约成功。 会议指出", "签约成功。 会议指出", "a space behind a full stop marks a lost line break: it stays"),
    ("签约成功 ，会议指出", "签约成功，会议指出", "a space before a closing mark is typesetting"),
    ("签约成功， 会议指出（ 摘要 ）", "签约成功，会议指出（摘要）", "so is one behind a comma or inside brackets"),
    ("关 于 招 商 引 资 工 作", "关于招商引资工作", "a whole letter-spaced line"),
    ("记者 李 梅 王 芳", "记者 李 梅 王 芳", "names of letter-spaced characters stay apart"),
]
ENTITIES = [
    ("云溪&nbsp;市&ldquo;双招双引&rdquo;", "云溪 市“双招双引”", "entities left by a page that was unescaped once too little"),
    ("A&amp;amp;B公司", "A&B公司", "escaped several times over"),
    ("研发&#37096;&#x95E8;", "研发部门", "numeric references"),
    ("R&D;S&T", "R&D;S&T", "not an entity"),
]
PINYIN = [
    ("產(chǎn)業(yè)園", "产业园", "tone-marked pinyin behind traditional characters"),
    ("产（chǎn）业（yè）园", "产业园", "full-width brackets, simplified characters"),
    ("產( chǎn )業", "产业", "spaces inside the bracket"),
    ("產(ｃｈǎｎ)業", "产业", "full-width letters: seen in the second round"),
    ("發(fa\u0304)展", "发展", "the tone mark as a combining character"),
    ("關(guɑ̄n)註", "关注", "the other letter a of school books"),
    ("女(nǚ)綠(lǜ)", "女绿", "u with diaeresis and tone"),
    ("項(xiàng)目的(de)確", "项目的确", "neutral tone, in a text that has toned brackets"),
    ("項目的(de)確", "项目的（de）确", "neutral tone alone proves nothing"),
    ("發(fā)展人工智能(AI)與(yǔ)華為(Huawei)", "发展人工智能（AI）与华为（Huawei）", "real Latin in brackets stays"),
    ("產(chǎn)值(GDP)用地(ha)里程(km)5G(NSA)款(a)", "产值（GDP）用地（ha）里程（km）5G（NSA）款（a）", "units, codes and list letters stay"),
    ("(chǎn)業發展", "（chǎn）业发展", "nothing stands before it"),
    ("名城(Pelé)與(yǔ)(café)", "名城（Pelé）与（café）", "accents are no tones where the letters are no syllable"),
]
WIDTH = [
    ("总投资１２亿元，占８５％", "总投资12亿元，占85%", "full-width figures"),
    ("总额１，２５６．８亿元，于１２：３０开始", "总额1,256.8亿元，于12:30开始", "a figure typed full-width from end to end"),
    ("5月17日,云溪市举行座谈会;市长出席.", "5月17日，云溪市举行座谈会；市长出席.", "half-width commas beside Chinese; the dot may be anything"),
    ("总额1,256.8亿元,上午12:30开始", "总额1,256.8亿元，上午12:30开始", "separators inside numbers stay"),
    ("云溪市(AI)产业园", "云溪市（AI）产业园", "brackets beside Chinese"),
    ("AI(NLP)产业", "AI（NLP）产业", "the other half of a pair changes with it"),
    ("He said: yes, we (all) agree.", "He said: yes, we (all) agree.", "English passages stay"),
    ("The “park”, they said, is open.", "The “park”, they said, is open.", "curly quotation marks are English as well"),
]
DOUBLED = [
    ("推进项目，，加快建设。。", "推进项目，加快建设。", "doubled commas and full stops"),
    ("推进项目,，加快建设，。", "推进项目，加快建设。", "of mixed width, and a comma before a full stop"),
    ("他说……就这样——结束", "他说……就这样——结束", "ellipsis and dash are double by nature"),
    ("他说。。。结束", "他说……结束", "three full stops are an ellipsis"),
    ("太好了！！！真的？？", "太好了！！！真的？？", "emphasis is the writer's"),
]
TRADITIONAL = [
    ("雲溪市產業園區簽約項目", "云溪市产业园区签约项目", "traditional characters"),
    ("打造「鏈主」和『龍頭』企業", "打造“链主”和‘龙头’企业", "the quotation marks that belong to them"),
    ("打造「链主」企业", "打造「链主」企业", "which stay in simplified text"),
    ("使用軟件與記憶體", "使用软件与记忆体", "characters only: no word is exchanged"),
]
RESIDUE = [
    ("2023-05-17 09:12 来源：云溪日报 作者：李梅 浏览次数：123\n云溪市签约。", "云溪市签约。", "a line of metadata at the head"),
    ("云溪市签约。\n\n已有0人發表了評論", "云溪市签约。", "a comment counter, in traditional characters"),
    ("云溪市签约。责任编辑：李梅", "云溪市签约。", "an editor glued to the last sentence"),
    ("云溪市签约。 |\n|", "云溪市签约。", "stray pipes"),
    ("某报讯（记者 李梅）云溪市签约。（王芳）", "某报讯（记者 李梅）云溪市签约。（王芳）", "datelines and by-lines stay"),
]
LOST = [
    ("完成建设?，F场签约", "完成建设?，F场签约", "half a character each of a full stop and 現"),
    ("发布消息?!?」星河公司说", "发布消息?!?」星河公司说", "a full stop and an opening bracket"),
    ("签约\ufffd\ufffd项目", "签约\ufffd\ufffd项目", "replacement characters"),
    ("签约锟斤拷项目", "签约锟斤拷项目", "the same read as GBK"),
    ("签约Ã¤Â¸项目", "签约Ã¤Â¸项目", "UTF-8 read as Latin-1, in part of the text"),
    ("签约\ud83d项目", "签约\ufffd项目", "half of a surrogate pair"),
]
TABLE = [
    (step, *row)
    for step, rows in {
        "control": CONTROL,
        "spaces": SPACES,
        "entities": ENTITIES,
        "pinyin": PINYIN,
        "width": WIDTH,
        "doubled": DOUBLED,
        "traditional": TRADITIONAL,
        "residue": RESIDUE,
        "lost_bytes": LOST,
    }.items()
    for row in rows
]
CLEAN = (
    "云溪日报讯（记者 李梅 王芳）5月17日，云溪市在深圳举行招商推介会，现场签约项目12个，总投资1,256.8亿元，同比增长8.5%。\n\n"
    "“我们看好云溪的发展。”星河科技（深圳）有限公司（Xinghe Tech）负责人说，会议于14:30开始……"
)


@pytest.mark.parametrize(("step", "dirty", "clean", "why"), TABLE, ids=[f"{row[0]}: {row[3]}" for row in TABLE])
def test_dirty_text_comes_out_clean(step, dirty, clean, why):
    assert clean_text(dirty).text == clean, why


def test_clean_article_passes_byte_identical():
    cleaned = clean_text(CLEAN)
    assert (cleaned.text, cleaned.steps, cleaned.damage) == (CLEAN, (), ())
    assert cleaned.to_source(3, 9) == (3, 9)


@pytest.mark.parametrize("text", ["", " \n\t", "\ufeff", "\x00"])
def test_nothing_comes_out_of_nothing(text):
    assert clean_text(text).text == ""


def test_steps_name_what_changed_in_order():
    assert clean_text("產(chǎn)業(yè)園").steps == ("pinyin", "traditional")
    every = clean_text("\ufeff產(chǎn)業\u3000\u3000１２億元,,簽約&nbsp;建設?，F場。\n打印 關閉").steps
    assert every == ("entities", "control", "spaces", "pinyin", "lost_bytes", "full_width", "punctuation", "doubled", "traditional", "residue")
    assert set(every) <= set(STEPS)
    assert CLEAN_VERSION >= 1


def test_lost_bytes_are_flagged_where_they_stand():
    for dirty, _, why in LOST:
        cleaned = clean_text(dirty)
        assert cleaned.damage, why
        assert "lost_bytes" in cleaned.steps
        assert cleaned.damage == find_damage(cleaned.text)


def test_damage_survives_the_other_steps_unchanged():
    cleaned = clean_text("建設(shè)產業?,F(xiàn)場,雙方簽約?!?」共１場,,")
    assert cleaned.text == "建设产业?,F场，双方签约?!?」共1场，"
    assert [cleaned.text[a:b] for a, b in cleaned.damage] == ["?,F", "?!?」"]


def test_figures_map_back_to_the_submitted_text():
    dirty = "\ufeff總投資達(dá)１６０多億(yì)元,涵蓋(gài)7個(gè)項(xiàng)目"
    cleaned = clean_text(dirty)
    start = cleaned.text.index("160多亿元")
    a, b = cleaned.to_source(start, start + len("160多亿元"))
    assert dirty[a:b] == "１６０多億(yì)元"
    a, b = cleaned.to_source(0, len(cleaned.text))
    assert dirty[a:b] == dirty[1:]


def test_wholly_misread_text_is_repaired_with_its_offsets():
    original = "云溪市举行招商推介会，签约项目12个，总投资160亿元。"
    for codec in ("latin-1", "cp1252"):
        try:
            broken = original.encode().decode(codec)
        except UnicodeDecodeError:
            continue
        cleaned = clean_text(broken)
        assert (cleaned.text, cleaned.steps) == (original, ("mojibake",))
        at = original.index("160")
        a, b = cleaned.to_source(at, at + 3)
        assert broken[a:b] == "160"


def test_titles_are_cleaned_onto_one_line():
    assert clean_title("雲溪市(yì)\n\n簽約１２個項目 ") == "云溪市 签约12个项目"
    assert clean_title("责任编辑：李梅") == "责任编辑：李梅"
    assert clean_title(None) is None
    assert clean_title("\u3000 \n") is None


PIECES = [row[1] for row in TABLE] + list("()（）[]【】，。、；：,;:?!？！“”‘’「」『』|｜ \n\t\r\u3000\u200b\ufeff&#;.…—·發产著乾於ａ１aA1Ã¤銆锛鐨")
PIECES += [
    "(de)",
    "(chǎn)",
    "?！",
    "?，",
    "&amp;",
    "nbsp;",
    "。。",
    "责任编辑：",
    "来源：",
    "上一篇",
    "相关阅读\n",
    "2024-01-01 12:30",
    "打印",
    "?！肝覀兛春秒呄?陌l",
    "\ud800",
    "<br>",
]
DIRTY = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=14).map("".join)


@settings(max_examples=600, deadline=None)
@given(DIRTY)
def test_cleaning_is_idempotent_and_maps_back(dirty):
    cleaned = clean_text(dirty)
    again = clean_text(cleaned.text)
    assert again.text == cleaned.text
    assert set(again.steps) <= {"lost_bytes"}
    _check_offsets(dirty, cleaned)


@settings(max_examples=200, deadline=None)
@given(DIRTY)
def test_titles_are_idempotent(dirty):
    title = clean_title(dirty)
    assert clean_title(title) == title
    assert title is None or "\n" not in title


def _check_offsets(dirty, cleaned):
    spans = [cleaned.to_source(i, i + 1) for i in range(len(cleaned.text))]
    assert all(0 <= start < end <= len(dirty) for start, end in spans), "a character came from somewhere"
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans)), "monotone"
    if spans:
        assert cleaned.to_source(0, len(spans)) == (spans[0][0], spans[-1][1])


def test_random_soup_is_idempotent():
    rng = random.Random(7)
    for _ in range(300):
        dirty = "".join(rng.choices(PIECES, k=rng.randint(1, 40)))
        once = clean_text(dirty)
        assert clean_text(once.text).text == once.text
        _check_offsets(dirty, once)


UNITS = [
    "a",
    "(",
    "（",
    "()",
    " ",
    "\n",
    " \n",
    "?",
    "中?！",
    "，",
    "，。",
    ",",
    "中,",
    "a),(b",
    "產(chǎn)",
    "(chǎn)",
    "&amp;",
    "&",
    "責任編輯：李梅\n",
]
UNITS += [
    "来源：某报 ",
    "。责任编辑：李",
    "打印",
    "|",
    "發",
    "「」",
    "Ã¤",
    "锟斤拷",
    "銆",
    "招 ",
    "\u200b中",
    "\ud800",
    "2024-01-01 12:30 ",
    "标题\n",
    "中?覀a",
]


@pytest.mark.parametrize("unit", UNITS)
def test_200000_characters_of_anything_take_linear_time(unit):
    text = (unit * (200_000 // len(unit) + 1))[:200_000]
    begin = time.perf_counter()
    clean_text(text)
    assert time.perf_counter() - begin < 20, "0.1 to 0.5 s on one core; quadratic work would take minutes"


TONED = re.compile(r"[(（][^()（）]{1,12}[)）]")


def _has_tone(text):
    return any(c in "\u0304\u0301\u030c\u0300" for c in unicodedata.normalize("NFD", text))


def test_seeds_come_out_without_pinyin_and_simplified(shared: Path):
    for path in sorted((shared / "seeds").glob("*.txt")):
        raw = path.read_text("utf-8")
        cleaned = clean_text(raw)
        assert "pinyin" in cleaned.steps, path.name
        assert not [found for found in TONED.findall(cleaned.text) if _has_tone(found)], path.name
        damaged = {i for a, b in cleaned.damage for i in range(a, b)}
        left = {c for i, c in enumerate(cleaned.text) if i not in damaged} & changing()
        assert not left, f"{path.name}: traditional characters left: {left}"
        assert clean_text(cleaned.text).text == cleaned.text
        _check_offsets(raw, cleaned)
