"""Pages we wrote, with the navigation, bylines and charsets of real ones."""

import pytest

from data.errors import RecordError
from data.pages import decode_page, extract_page

BODY = (
    "7月3日下午，启明市举行云栖湖新材料产业园项目集中签约仪式，现场签约项目12个，总投资160多亿元。",
    "签约项目涵盖高性能纤维、特种膜和电子级化学品，其中总投资10亿元以上的项目有5个，全部落户云栖湖园区。",
    "市长石晚舟在致辞中说，启明将为每个项目配一名专员，从拿地到投产全程代办。企业代表鲁启衡作了发言。",
)


def build_page(charset: str = "utf-8", body: tuple[str, ...] = BODY) -> str:
    """Return a page in the dress of a city's news site."""
    paragraphs = "".join(f"<p>　　{paragraph}</p>" for paragraph in body)
    return f"""<!DOCTYPE html><html><head><meta charset="{charset}"><title>云栖湖签下12个项目 - 启明新闻网</title>
<meta name="pubdate" content="2024-07-04"></head><body>
<div class="nav"><ul><li><a href="/">首页</a></li><li><a href="/yw">要闻</a></li><li><a href="/zt">专题</a></li></ul></div>
<div class="main"><h1>云栖湖签下12个项目</h1><div class="info">2024-07-04 来源：启明新闻网</div><div class="content">{paragraphs}</div></div>
<div class="footer"><p>版权所有 启明新闻网 <a href="/about">关于我们</a></p></div></body></html>"""


def test_a_page_gives_its_article_title_and_date_without_navigation():
    page = extract_page(build_page())
    for paragraph in BODY:
        assert paragraph in page.text
    assert "关于我们" not in page.text and "专题" not in page.text and "<" not in page.text
    assert page.title is not None and page.title.startswith("云栖湖签下12个项目")
    assert page.published == "2024-07-04"


@pytest.mark.parametrize(
    ("declared", "codec", "read_as"),
    [
        ("utf-8", "utf-8", "utf-8"),
        ("gb2312", "gb18030", "gb18030"),
        ("GBK", "gb18030", "gb18030"),
        ("gb2312", "utf-8", "utf-8"),  # a wrong declaration that GB18030 might even decode
        ("utf-8", "gb18030", "gb18030"),
        ("iso-8859-1", "gb18030", "gb18030"),
        ("big5", "gb18030", "gb18030"),
        ("no-such-charset", "gb18030", "gb18030"),
    ],
)
def test_the_declared_charset_counts_only_where_it_fits(declared, codec, read_as):
    html = build_page(declared)
    decoded = decode_page(html.encode(codec))
    assert (decoded.text, decoded.encoding) == (html, read_as)


def test_a_declaration_decides_where_bytes_alone_could_not():
    html = '<html><head><meta charset="big5"></head><body><p>簽</p></body></html>'
    assert decode_page(html.encode("big5hkscs")).text == html


@pytest.mark.parametrize(
    "html",
    [
        "",
        "   ",
        "<html></html>",
        "<html><body></body></html>",
        "a" * 1_000_000,
        "<div>" * 50_000,
        "<html><body><script>var a = 1</script></body></html>",
    ],
)
def test_a_page_without_an_article_is_empty_text(html):
    with pytest.raises(RecordError) as caught:
        extract_page(html)
    assert caught.value.code == "empty_text"


def test_control_characters_and_lone_surrogates_do_not_cut_a_page():
    html = build_page(body=(BODY[0] + "\x00\x0b\ud800", *BODY[1:]))
    text = extract_page(html).text
    assert BODY[0] in text and BODY[2] in text
    text.encode("utf-8")


def test_binary_pages_are_not_text():
    with pytest.raises(RecordError) as caught:
        decode_page(b"\x89PNG\r\n\x1a\n" + b"\x00" * 100)
    assert caught.value.code == "not_text"


def test_a_parser_that_breaks_costs_one_page(monkeypatch):
    def explode(*_args, **_kwargs):
        raise RecursionError("too deep")

    monkeypatch.setattr("data.pages.trafilatura.bare_extraction", explode)
    with pytest.raises(RecordError) as caught:
        extract_page(build_page())
    assert caught.value.code == "not_text" and "RecursionError" in caught.value.message
