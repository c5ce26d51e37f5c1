"""Names in Chinese text by rule, for the check of summaries: organisations, places, people, quoted and Latin words.

No list knows every name, so a name is found by what stands beside it: a suffix (公司, 市, 项目), a title before a surname, quotation
marks. ``iter_names(summary)`` gives candidates with the strictness their kind allows.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

NameKind = Literal["organisation", "place", "loose", "literal", "person"]

_ORGANISATIONS = "有限责任公司|股份有限公司|有限公司|公司|集团|银行|大学|学院|研究院|研究所|实验室|设计院|协会|商会|联合会|基金会|医院|证券|保险|资本"
_ZONES = "经济技术开发区|高新技术产业开发区|高新区|经开区|开发区|自贸区|自贸试验区|保税区|示范区|集聚区|合作区|科技城|产业园|工业园|科技园|园区|项目"
_PLACES = "自治区|自治州|新区|[市县区省州旗镇乡]"
_SUFFIX = re.compile(
    rf"(?P<organisation>{_ORGANISATIONS})|(?P<loose>{_ZONES})|(?P<place>(?:{_PLACES})(?<![小社城老园景街辖片矿林牧灾库郊地]区)(?!场|长|域|级|直|际|会|间|别|块|委会|民|值|容|价|面|情|花|道))"
)
# Words that end to the left of a name; single characters first.
_STOPS = set("与和同及由在赴到对为是的了等向从将把被于至或以并让给跟经按就去、，。；：！？（）“”《》〈〉—-·,.;:!?() \n\t该各全本我贵两还送")
_PROVINCES = "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 宁夏 新疆 香港 澳门"
_CITIES = (
    "石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 呼伦贝尔 "
    "沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 葫芦岛 长春 四平 辽源 通化 白山 松原 白城 哈尔滨 齐齐哈尔 鹤岗 双鸭山 大庆 佳木斯 七台河 牡丹江 绥化 "
    "南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 镇江 泰州 宿迁 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 台州 丽水 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 宿州 六安 亳州 池州 宣城 "
    "福州 厦门 莆田 泉州 漳州 南平 龙岩 宁德 南昌 景德镇 萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 威海 日照 临沂 德州 聊城 滨州 菏泽 "
    "郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 漯河 三门峡 南阳 商丘 信阳 周口 驻马店 济源 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 黄冈 咸宁 随州 恩施 仙桃 潜江 "
    "长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 中山 潮州 揭阳 云浮 "
    "南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 来宾 崇左 海口 三亚 儋州 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 宜宾 广安 达州 雅安 巴中 资阳 "
    "贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 玉溪 保山 昭通 丽江 普洱 临沧 楚雄 红河 文山 西双版纳 大理 德宏 拉萨 西安 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 商洛 "
    "兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 西宁 银川 石嘴山 吴忠 固原 中卫 乌鲁木齐 克拉玛依 吐鲁番 哈密 昌吉 喀什 伊犁 石河子 雄安 台北 高雄 义乌 昆山"
)
_COUNTRIES = (
    "美国 日本 韩国 德国 法国 英国 意大利 西班牙 荷兰 瑞士 瑞典 俄罗斯 印度 越南 泰国 新加坡 马来西亚 印度尼西亚 印尼 菲律宾 柬埔寨 老挝 缅甸 澳大利亚 新西兰 加拿大 巴西 墨西哥 "
    "南非 埃及 沙特 阿联酋 迪拜 以色列 土耳其 波兰 匈牙利 捷克 比利时 丹麦 芬兰 挪威 奥地利 哈萨克斯坦 乌兹别克斯坦 蒙古国 巴基斯坦 东京 大阪 首尔 伦敦 巴黎 纽约 曼谷 吉隆坡 雅加达 河内"
)
_KNOWN_PLACE = re.compile("|".join(sorted({*_PROVINCES.split(), *_CITIES.split(), *_COUNTRIES.split()}, key=len, reverse=True)))
_TITLE = re.compile("(?:市长|县长|区长|州长|省长|书记|主席|董事长|总经理|总裁|会长|主任|部长|局长|院长|秘书长|理事长|总监|创始人|总领事|大使)")
_SURNAMES = set(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦柳邢岳齐梅莫庄辛管祝左涂谷祁耿牟卜"
)
_COMPOUND_SURNAMES = "欧阳|司马|上官|诸葛|慕容|皇甫|尉迟|公孙|令狐|端木|东方"
# A person told by what he does: 王明率队 at the start of a clause, or behind a place, an office or 由.
_ACTOR = re.compile(
    f"(?:(?<![\u4e00-\u9fff])|(?<=[由和与及市县区省州镇乡人理员导师]))"
    f"(?P<name>(?:{_COMPOUND_SURNAMES}|[{''.join(sorted(_SURNAMES))}])[\u4e00-\u9fff]{{1,2}}?)"
    "(?=率队|率团|率领|带队|带领|表示|说|指出|强调|介绍|主持)"
)
# 双方表示 begins with no surname, but 方面, 高校, 许多人 do.
_NOT_GIVEN = re.compile(
    "[^\u4e00-\u9fff]|方[面案]|高[管层校院]|许多|白皮|万[人元]|金融|石化|文[件章旅]|安[委监]|史料|段落|钱款|牛[奶肉]|.{1,2}[方会办局委院部厅司组团]$"
)
_QUOTED = re.compile(r"[“”]([^“”]{2,40})”|《([^《》]{2,40})》")
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[+&.\-][A-Za-z0-9]+)*")
_MAX_NAME = 24
_MAX_LOOSE = 10


@dataclass(frozen=True)
class Name:
    """A candidate at ``[start, end)`` of the summary; ``core`` is the length of its suffix, which alone names nothing."""

    start: int
    end: int
    kind: NameKind
    suffix: int = 0


def iter_names(text: str, stops: set[int]) -> Iterator[Name]:
    """Yield the candidates of a text; ``stops`` are positions that belong to no name (its figures)."""
    for match in _SUFFIX.finditer(text):
        kind: NameKind = "organisation" if match["organisation"] else "place" if match["place"] else "loose"
        start = _left_edge(text, match.start(), stops, _MAX_LOOSE if kind == "loose" else _MAX_NAME)
        if match.start() - start >= (1 if kind == "place" else 2):
            yield Name(start, match.end(), kind, match.end() - match.start())
    for match in (*_QUOTED.finditer(text), *_LATIN.finditer(text)):
        start, end = match.span() if match.lastindex is None else match.span(match.lastindex)
        if end - start > 1 and start not in stops:
            yield Name(start, end, "literal")
    for match in _KNOWN_PLACE.finditer(text):
        yield Name(match.start(), match.end(), "literal")
    for match in _TITLE.finditer(text):
        if text[match.end() : match.end() + 1] in _SURNAMES and len(text) >= match.end() + 2:
            yield Name(match.end(), min(match.end() + 3, len(text)), "person")
    for match in _ACTOR.finditer(text):
        if not _NOT_GIVEN.match(match["name"]) and not _KNOWN_PLACE.fullmatch(match["name"]):
            yield Name(*match.span("name"), "literal")


def _left_edge(text: str, position: int, stops: set[int], longest: int) -> int:
    start = position
    while start > 0 and position - start < longest and text[start - 1] not in _STOPS and start - 1 not in stops:
        start -= 1
    return start
