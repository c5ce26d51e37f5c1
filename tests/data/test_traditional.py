"""Traditional to simplified: what OpenCC does, and each character the tables keep from it."""

import opencc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.traditional import KEPT, KEPT_IN_SIMPLIFIED, changing, is_traditional, to_simplified

ROWS = [
    ("雲溪市電子商務協會", "云溪市电子商务协会", "plain conversion"),
    ("頭髮與發展，皇后與後來，公里與裡面", "头发与发展，皇后与后来，公里与里面", "one simplified for several traditional ones"),
    ("瞭解情況，瞭望前景", "了解情况，瞭望前景", "by word"),
    ("保持著優勢，隨著發展，著力推進", "保持着优势，随着发展，着力推进", "the particle is 着"),
    ("著名企業的顯著優勢，專著與著作", "著名企业的显著优势，专著与著作", "to write and outstanding are 著"),
    ("乾縣與康乾盛世，乾隆年間，李振乾說", "乾县与康乾盛世，乾隆年间，李振乾说", "names with 乾"),
    ("餅乾要乾燥，果乾要乾淨", "饼干要干燥，果干要干净", "dry is 干"),
    ("畢昇與昇騰芯片，提昇產能", "毕昇与昇腾芯片，提升产能", "names with 昇; to rise is 升"),
    ("趙孟頫與發展", "赵孟頫与发展", "no character that fonts and vocabularies lack"),
    ("二噁英的處理令人噁心", "二噁英的处理令人恶心", "噁 of chemistry"),
    ("於是關於產業", "于是关于产业", "the preposition, in traditional text"),
    ("參數「一」與『二』", "参数“一”与‘二’", "quotation marks of the script"),
    ("使用網路與軟體", "使用网路与软体", "no vocabulary is exchanged"),
]
SIMPLIFIED = [
    "哪吒和叱咤风云",
    "乾县乾陵，李振乾说，乾隆年间",
    "华为昇腾芯片与毕昇",
    "李濛在濛溪河",
    "蒜薹和菜薹丰收",
    "告别劏房",
    "棋手於之莹与魏徵、樊於期",
    "梁靖崑与李明峯、王浩樑、孙樸",
    "醣与糖不同，二噁英超标",
    "拚搏与捱过，存摺",
    "著名企业与顾客打着伞",
    "打造「链主」企业",
]


@pytest.mark.parametrize(("old", "new", "why"), ROWS, ids=[row[2] for row in ROWS])
def test_conversion(old, new, why):
    assert to_simplified(old) == new, why
    assert to_simplified(new) == new, "stable"


@pytest.mark.parametrize("text", SIMPLIFIED)
def test_simplified_text_is_not_touched(text):
    assert to_simplified(text) is text or to_simplified(text) == text


def test_stray_traditional_characters_change_in_simplified_text_and_names_stay():
    text = "云溪市与深圳企业家代表团举行座谈，双方就产业园区的发展進行了交流，李明峯出席会议并讲话，王芳主持会议"
    assert not is_traditional(text)
    assert to_simplified(text) == text.replace("進", "进")


def test_result_is_what_opencc_calls_simplified_outside_the_table():
    text = "雲溪市商會與企業簽訂協議，項目總投資達160多億元，涵蓋新材料、裝備製造等領域，據統計佔86%"
    assert opencc.OpenCC("t2s").convert(to_simplified(text)) == to_simplified(text)


def test_every_kept_character_needs_its_row():
    t2s = opencc.OpenCC("t2s")
    for row in (*KEPT, *KEPT_IN_SIMPLIFIED):
        assert len(row.character) == 1
        assert row.why
        assert t2s.convert(row.character) != row.character or row.character in "瞭", f"{row.character}: OpenCC leaves it alone, the row is idle"


def test_changing_holds_no_simplified_character():
    everyday = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
    assert changing().isdisjoint(everyday)
    assert {"產", "業", "發", "後"} <= changing()


@given(st.text(alphabet=st.sampled_from(sorted(changing())[:400] + list("乾昇濛吒於徵著「」『』中国，a1\n"))))
def test_length_is_kept_and_conversion_is_stable(text):
    once = to_simplified(text)
    assert len(once) == len(text)
    assert to_simplified(to_simplified(once)) == to_simplified(once)
