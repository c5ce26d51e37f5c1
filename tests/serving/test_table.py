from rich.cells import cell_len

from data.errors import RecordError
from data.schema import Article
from models.result import Options
from serving.table import format_result, wrap_row
from tests.serving.fakes import make_outcome


def test_block_of_one_article():
    block = format_result(make_outcome(Article("qp-1", "青屏市与海岳装备签约，总投资46亿元。疑")), 60)
    assert block.split("\n") == [
        "─" * 60,
        "编号    qp-1",
        "活动    项目签约 signing 88%",
        "产业    —",
        "摘要    =青屏市与海岳装备签约，总投资46亿元。疑",
        "成果    签约项目 1 个  签约金额 46.5 亿元",
        "需复核  low_confidence",
    ]


def test_rows_that_were_not_asked_for_are_absent():
    block = format_result(make_outcome(Article("1", "签约"), Options(summary=False)), 60)
    assert "摘要" not in block and "成果" not in block and "活动" in block


def test_errors_are_shown():
    block = format_result(RecordError("bad_json", "broken line", "in.jsonl", 7), 60)
    assert "in.jsonl:7" in block and "bad_json: broken line" in block


def test_lines_fit_whatever_the_text():
    for width in (40, 41, 60):
        lines = list(wrap_row("摘要", "招商引资a" * 50 + "\n第二段", width))
        assert all(cell_len(line) <= width for line in lines)
        assert "".join(line[4:] if line.startswith("摘") else line for line in lines).replace(" ", "") == "招商引资a" * 50 + "第二段"


def test_escape_sequences_do_not_reach_the_terminal():
    assert "\x1b" not in format_result(make_outcome(Article("\x1b[2J", "\x1b]0;x\x07签约")), 60)
