"""Residue of pages: lines and fragments that go, content that stays."""

import pytest

from data.residue import find_residue, is_residue

BODY = "云溪日报讯（记者 李梅）5月17日，云溪市举行招商推介会，签约项目12个。\n会议指出，要加快项目落地。"
HEADS = [
    ("2023-05-17 09:12 来源：云溪日报 作者：李梅 浏览次数：123\n", "line of metadata"),
    ("更新时间：2023-05-17T09:12:00+08:00\n", "ISO stamp"),
    ("来源：云溪日报\n", "source"),
    ("您当前的位置：首页 > 新闻中心 > 招商动态\n", "breadcrumb"),
    ("字号：大 中 小 打印 关闭\n", "font size bar"),
    ("【打印】【关闭】\n\n发布时间：2023年5月17日 来源：云溪日报\n", "two lines"),
    ("来源：云溪日报 发布时间：2023-05-17 ", "metadata glued to the first sentence"),
    ("| \n", "stray pipe"),
    ("点击上方“蓝字”关注我们 ↑↑↑\n", "invitation to follow"),
]
TAILS = [
    ("\n已有0人发表了评论", "comment counter"),
    ("\n共有12条评论", "comment counter, another site's"),
    ("\n责任编辑：李梅", "editor"),
    ("\n[责编：李梅、王芳]", "editor in brackets"),
    ("（责任编辑：李梅）", "editor glued to the last sentence"),
    ("责任编辑：李梅", "editor glued without a bracket"),
    ("\n编辑：李梅 校对：王芳 审核：赵敏", "chain of editors"),
    ("\n编辑丨李梅", "editor behind a bar"),
    ("\n上一篇：云溪市召开会议\n下一篇：没有了", "neighbouring articles"),
    ("\n上一篇云溪市召开会议\n下一篇 没有了", "neighbouring articles without a colon"),
    ("\n上篇：云溪市召开会议\n下条：暂无", "neighbouring articles, short words"),
    ("\n分享到： 微信 新浪微博 QQ空间", "share bar"),
    (" 分享到：微信 微博", "share bar glued to the last sentence"),
    ("\n打印 关闭 返回顶部", "buttons"),
    ("\n扫一扫在手机打开当前页", "QR code"),
    ("\n点击阅读原文查看更多", "link to the full text"),
    ("\n版权声明：凡本网注明来源的作品，未经授权不得转载。", "copyright"),
    ("\n免责声明：本文仅代表作者观点。\n转载请注明出处，版权归原作者所有。", "disclaimer of two lines"),
    ("\n相关新闻\n云溪市出台新政\n云溪市考察团来访", "list of related articles"),
    ("\n来源：云溪日报", "source at the end"),
    ("（来源：云溪日报）", "source in brackets"),
    (" |\n|", "stray pipes"),
    ("\n返回首页\n\n|\n责任编辑：李梅\n打印", "several of them"),
]
STAYS = [
    "（记者 李梅 通讯员 王芳）",
    "记者 李梅",
    "云溪日报讯（记者 李梅）",
    "2023年5月17日",
    "图为签约现场（云溪日报供图）",
    "编辑部负责人表示，项目来源：自主招商，成效明显。",
    "会议强调，未经审批不得开工。",
    "打印机产业园",
    "关闭落后产能",
    "大中小企业融通发展",
    "首页",
    "点击查看",
    "时间：5月17日",
    "下篇文章谋划产业新布局，记者走访三地",
    "上篇谈招商，下篇谈落地",
    "下一篇章如何书写",
    "下一条产业链在哪里",
    "上一篇报道说到园区扩容",
]


def _strip(text):
    for start, end in reversed(find_residue(text)):
        text = text[:start] + text[end:]
    return text


@pytest.mark.parametrize(("head", "why"), HEADS, ids=[row[1] for row in HEADS])
def test_head_goes(head, why):
    assert _strip(head + BODY).strip() == BODY, why


@pytest.mark.parametrize(("tail", "why"), TAILS, ids=[row[1] for row in TAILS])
def test_tail_goes(tail, why):
    assert _strip(BODY + tail).strip() == BODY, why


@pytest.mark.parametrize("line", STAYS)
def test_content_stays(line):
    assert not is_residue(line)
    assert _strip(f"{line}\n{BODY}\n{line}") == f"{line}\n{BODY}\n{line}"


def test_metadata_under_the_title_goes_and_the_title_stays():
    assert _strip(f"云溪市举行推介会\n2023-05-17 09:12 来源：云溪日报\n{BODY}") == f"云溪市举行推介会\n{BODY}"


def test_residue_inside_the_article_stays():
    text = f"{BODY}\n责任编辑：李梅\n{BODY}"
    assert _strip(text) == text


def test_date_of_the_event_stays_behind_glued_metadata():
    assert _strip("来源：云溪日报 2023年5月17日 云溪市举行推介会。") == "2023年5月17日 云溪市举行推介会。"


def test_text_of_residue_alone_stays():
    assert find_residue("责任编辑：李梅\n打印 关闭") == []
