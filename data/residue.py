"""What a page leaves around its article: share bars, editors, counters, navigation, disclaimers.

Takes a cleaned (simplified) text, gives the spans to drop. Only the head and the tail are looked at, and only whole
lines there, or a whole fragment before the first or behind the last sentence. By-lines ``（记者 某某）`` and datelines
``某报讯（记者 某某）`` are content and stay.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_STAMP = r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
_CLOCK = r"[T ]?\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:\.\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})?"
_NAME = r"[^\s|｜，。；、：:/\d（）()【】]{1,20}"
# One item of a metadata line or a share bar. ``meta`` and ``share`` make a line residue; ``stamp`` and ``weak`` may stand beside them.
_ITEM = re.compile(
    rf"""(?P<meta>(?:发布时间|发布日期|更新时间|更新日期|发表时间|发稿时间|时间|日期)[：:]\s?{_STAMP}(?:{_CLOCK})?|{_STAMP}{_CLOCK}
    |(?:文章来源|信息来源|新闻来源|稿件来源|稿源|来源)\s?[：:丨]\s?{_NAME}|(?:原文)?作者\s?[：:丨]\s?{_NAME}
    |(?:浏览次数|阅读次数|访问次数|点击次数|浏览量|阅读量|访问量|点击数|点击率|点击量|点击|阅读|浏览|人气)\s?[：:]\s?\d{{1,9}}(?:\s?次)?
    |\d{{1,9}}\s?(?:次浏览|次阅读|人浏览|人阅读))
    |(?P<share>分享到|分享至|分享|打印本页|打印|关闭窗口|关闭本页|关闭|返回顶部|返回首页|返回列表|返回上一页|返回目录|加入收藏|收藏本页|收藏|字号|字体大小|字体|点赞|回顶部
    |网站首页|已有\d{{1,9}}人(?:发表了评论|参与|评论)|共有\d{{1,9}}条评论|\d{{1,9}}条评论|评论[（(]\d{{1,9}}[)）]|我要评论|发表评论|查看评论|网友评论|微信扫一扫|扫一扫|TOP)
    |(?P<stamp>{_STAMP}|\d{{1,2}}[:：]\d{{2}}(?:[:：]\d{{2}})?)
    |(?P<weak>微信好友|微信朋友圈|微信|新浪微博|腾讯微博|微博|QQ空间|QQ好友|QQ|朋友圈|人人网|豆瓣|百度贴吧|Facebook|Twitter|LINE|手机版|本页|特大|大|中|小|A[-+]?|T\|T)""",
    re.VERBOSE,
)
_BETWEEN = re.compile(r"[\s|｜/·•>»\-—_\[\]【】()（）<>《》、，,:：+]*")
_EDITOR = r"(?:责任编辑|值班编辑|实习编辑|网络编辑|新媒体编辑|本期编辑|本文编辑|责编|编辑|编审|编校|审核|审校|校对|初审|复审|终审|一审|二审|三审|审签|签发|监制|一读|值班主任|值班编委|值班总监)"
# Each is a whole line, or a whole fragment.
_LINES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"[（(【\[]?\s?{_EDITOR}\s?[：:丨｜|/]\s?[^。！？；：:]{{1,24}}(?:[：:丨｜|/][^。！？；：:]{{1,24}}){{0,6}}[)）】\]]?[。]?",
        r"[（(【\[]?\s?(?:文章来源|信息来源|稿件来源|新闻来源|稿源|来源)\s?[：:丨｜|]\s?[^。！？；：:，]{1,24}[)）】\]]?",
        # 下篇文章谋划新布局 and 下一篇章 are content: without a colon only the full words before a title are navigation
        r"[【\[]?(?:[上下]一?[篇条]\s?[】\]]?[：:]|[上下]一[篇条](?=[\s】\]《|｜>»]|没有了?|无$|$))[^。！？]{0,120}",
        r"[上下]一篇(?!章|文|报道|稿|[大好新]文章)[^，。！？]{0,60}",
        r"[【\[]?(?:版权声明|免责声明|免责条款|特别声明|郑重声明|法律声明)[】\]]?[：:]?.{0,600}",
        r"(?:[（(【]?声明[：:])?(?:凡本[网站报]|[（(]?刊用本网站?稿件|本[网站文报](?:所?[转刊]载|内容|文章|仅代表)|转载请|未经(?:本[网站报]|授权|许可|书面))[^\n]{0,400}"
        r"(?:转载|版权|立场|侵权|出处|观点|删除|授权)[^\n]{0,400}",
        r"(?:如有侵权|如涉及版权|若有侵权)[^\n]{0,100}(?:联系|删除)[^\n]{0,100}",
        r"点击(?:上方|下方|蓝字|标题|阅读)[^。\n]{0,24}(?:关注|订阅|原文|查看|详情)[^。\n]{0,12}[。！]?",
        r"(?:微信)?(?:扫一扫|扫描|扫码|长按)[^。\n]{0,20}(?:手机|微信|关注|分享|打开|二维码|下载)[^。\n]{0,30}[。！]?",
        r"(?:您?的?(?:当前|现在|所在)的?位置|你现在的位置)(?:是)?[：:][^。\n]{0,100}",
        r"首页\s?[>»/][^。\n]{0,100}",
        r"(?:相关新闻|相关阅读|相关链接|相关文章|相关报道|推荐阅读|延伸阅读|热门新闻|热门推荐|猜你喜欢|更多新闻|网友评论)[：:]?",
    )
)
_RELATED = re.compile(r"[【\[]?(?:相关新闻|相关阅读|相关链接|相关文章|相关报道|推荐阅读|延伸阅读|热门新闻|热门推荐|猜你喜欢|更多新闻)[】\]]?[：:]?")
_STRAY = " \n|｜"
_STRAY_PIPE = re.compile(r"[|｜](?=[ \n|｜])")  # ｜联播｜ is a column's name
_FRAGMENT = re.compile(r"[。！？…；”’）)] ?|(?<=[^\s])(?=[（(【\[])")  # where one may begin
_SENTENCE_END = frozenset("。！？…；”’")
_WINDOW = 240  # characters at either end of a line in which a glued fragment is looked for
_LIST = 15  # lines of a list of related articles
_TITLE = 60  # characters of a title, at most


def find_residue(text: str) -> list[Span]:
    """Return the spans to drop, in order; none where nothing but residue would be left to keep."""
    start, end = 0, len(text)
    head = _head_lines(text)
    while True:
        before = (start, end)
        end = _trim_tail(text, start, end)
        start = _trim_head(text, start, end)
        if (start, end) == before:
            break
    inner = [(a, b) for a, b in head if start < a and b < end]
    kept = end - start - sum(b - a for a, b in inner)
    return [span for span in ((0, start), *inner, (end, len(text))) if span[0] < span[1]] if kept > 0 else []


def is_residue(line: str) -> bool:
    """Say whether a line, or a fragment on its own, is residue as a whole."""
    line = line.strip(_STRAY)
    if not line or len(line) > 800:
        return False
    return _is_items(line) or any(pattern.fullmatch(line) for pattern in _LINES)


def _is_items(line: str) -> bool:
    """Say whether a line is nothing but metadata and share items, one of them a telling one."""
    kinds, at = set(), _end(_BETWEEN, line, 0)
    while at < len(line):
        match = _ITEM.match(line, at)
        if not match:
            return False
        kinds.add(match.lastgroup)
        at = _end(_BETWEEN, line, match.end())
    return not kinds.isdisjoint(("meta", "share"))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return the end of a match that may be empty."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _trim_tail(text: str, start: int, end: int) -> int:
    """Return ``end`` moved before one more piece of residue: blanks, a line, a list of related articles, a fragment."""
    while end > start and text[end - 1] in _STRAY:
        end -= 1
    line = max(text.rfind("\n", start, end) + 1, start)
    if is_residue(text[line:end]):
        return line
    related = _related_list(text, start, end)
    return related if related is not None else _tail_fragment(text, max(line, end - _WINDOW), end)


def _related_list(text: str, start: int, end: int) -> int | None:
    """Return where a heading like 相关新闻 with nothing but titles below it begins, or None."""
    for _ in range(_LIST):
        line = max(text.rfind("\n", start, end) + 1, start)
        content = text[line:end].strip()
        if _RELATED.fullmatch(content):
            return line
        if line == start or len(content) > _TITLE or content.endswith(("。", "！", "？", "”", "）")):
            return None
        end = line - 1
    return None


def _tail_fragment(text: str, start: int, end: int) -> int:
    """Return where residue glued behind the last sentence of a line begins, or ``end``."""
    for match in _FRAGMENT.finditer(text, start, end):
        if match.end() < end and is_residue(text[match.end() : end]):
            return match.end()
    return end


def _trim_head(text: str, start: int, end: int) -> int:
    """Return ``start`` moved behind one more piece of residue."""
    while start < end and (text[start] in " \n" or _STRAY_PIPE.match(text, start, end)):
        start += 1
    stop = text.find("\n", start, end)
    line_end = stop if stop >= 0 else end
    if is_residue(text[start:line_end]):
        return line_end
    return _head_fragment(text, start, min(line_end, start + _WINDOW))


def _head_fragment(text: str, start: int, end: int) -> int:
    """Return where the text goes on behind metadata glued before its first sentence by a space, or ``start``."""
    at, cut = start, start
    while (match := _ITEM.match(text, at, end)) and match.lastgroup != "weak":
        at = _end(_BETWEEN, text, match.end())
        if match.lastgroup == "meta" and any(c in " |｜" for c in text[match.end() : at]):
            cut = at
    return cut


def _head_lines(text: str) -> list[Span]:
    """Return metadata lines that stand under the title: behind at most two lines that are no sentences."""
    found, titles = [], 0
    for start, end in _iter_lines(text):
        line = text[start:end].strip()
        if is_residue(line):
            found.append((start, min(end + 1, len(text))))
        elif titles == 2 or len(line) > _TITLE or (line and line[-1] in _SENTENCE_END):
            break
        elif line:
            titles += 1
    return found


def _iter_lines(text: str) -> Iterator[Span]:
    """Yield the span of each line without its line end."""
    start = 0
    while start <= len(text):
        stop = text.find("\n", start)
        end = stop if stop >= 0 else len(text)
        yield start, end
        start = end + 1
