"""CSV and XLSX: round trips, Chinese columns, label lists, formulas, cells of every type."""

import csv
import io
import time
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.annotated import Record
from data.errors import InputError, RecordError
from data.exchange import import_annotations
from data.schema import Article, Facts
from data.spreadsheets import COLUMNS, MAX_CELL, read_csv, read_xlsx, split_list, write_csv, write_xlsx
from tests.data.annotated_articles import EXAMPLES, assert_same, result_of

HEADER = "编号,标题,正文,活动,行业,摘要,签约项目数,签约金额,项目总数,总金额,日期,标注员"
ROW = "x,签约,一篇。,项目签约;座谈洽谈,食品饮料,一句。,3,5.5,,,2025-04-10,小林"


def test_csv_comes_back(tmp_path):
    assert write_csv(EXAMPLES, None, tmp_path / "a.csv") == 10
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n")
    assert_same(import_annotations([tmp_path / "a.csv"]))


def test_xlsx_comes_back(tmp_path):
    assert write_xlsx(EXAMPLES, None, tmp_path / "a.xlsx") == 10
    assert_same(import_annotations([tmp_path / "a.xlsx"]))


@pytest.mark.parametrize(("write", "name"), [(write_csv, "a.csv"), (write_xlsx, "a.xlsx")])
def test_predictions_fill_the_cells_to_be_corrected(tmp_path, write, name):
    results = {example.article.id: result_of(example) for example in EXAMPLES}
    write([example.article for example in EXAMPLES], results, tmp_path / name)
    assert_same(import_annotations([tmp_path / name]))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_chinese_columns_in_every_encoding(tmp_path, encoding, delimiter):
    rows = [HEADER.split(","), ROW.split(",")]
    table = io.StringIO(newline="")
    csv.writer(table, delimiter=delimiter).writerows(rows)
    (tmp_path / "a.csv").write_bytes(table.getvalue().encode(encoding))
    imported = import_annotations([tmp_path / "a.csv"])
    (record,) = imported.records
    assert record.article == Article("x", "一篇。", "签约", "2025-04-10", origin=str(tmp_path / "a.csv"), line=2)
    assert record == Record(record.article, "小林", ("signing", "business_talks"), ("food",), "一句。", Facts(3, 5.5))


def test_columns_may_have_other_names(tmp_path):
    (tmp_path / "a.csv").write_text("新闻,类\n一篇。,signing\n", "utf-8")
    imported = import_annotations([tmp_path / "a.csv"], columns={"text": "新闻", "activity": "类"})
    assert [(example.article.text, example.annotation.activity) for example in imported.examples] == [("一篇。", ("signing",))]
    assert len(imported.examples[0].article.id) == 16


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("", []), (None, []), ("signing", ["signing"]), ("a;b", ["a", "b"]), ("a；b; c", ["a", "b", "c"]), ("a#b", ["a", "b"]),
        ("甲、乙", ["甲", "乙"]), ("a,b，c", ["a", "b", "c"]), (" 生物医药与大健康 ", ["生物医药与大健康"]),
    ],
)  # fmt: skip
def test_lists_of_labels(cell, labels):
    assert split_list(cell) == labels


@pytest.mark.parametrize("cell", ["a;b,c", "a#b、c", "a;;b", "a;", "#a", "，"])
def test_ambiguous_lists_are_refused(cell, tmp_path):
    with pytest.raises(ValueError, match="ambiguous"):
        split_list(cell)
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["id", "text", "activity"], ["x", "一篇。", cell], ["y", "又一篇。", "signing"]])
    imported = import_annotations([tmp_path / "a.csv"])
    assert [example.article.id for example in imported.examples] == ["y"]
    assert "a.csv:2: label list" in imported.findings[0]


def test_wrong_numbers_are_findings_and_the_rest_is_kept(tmp_path):
    (tmp_path / "a.csv").write_text("id,text,activity,签约金额,签约项目数\nx,一篇。,signing,4000万元,3\n", "utf-8")
    imported = import_annotations([tmp_path / "a.csv"])
    assert imported.examples[0].annotation.facts == Facts(3)
    assert "signed_amount must be a number in 亿元, got '4000万元'" in imported.findings[0]


@pytest.mark.parametrize("value", ["=1+1", "+86", "-3", "@name", "\tx", "\rx", "'=1", "''-", "'quoted'", '="a",b'])
def test_no_cell_runs_as_a_formula(tmp_path, value):
    article = Article(value, value + "文", title=value)
    write_csv([article], None, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = list(csv.reader(file))[1]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert read_csv(tmp_path / "a.csv")[0][0][1]["text"] == value + "文"
    write_xlsx([article], None, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert {cell.data_type for cell in sheet[2] if cell.value is not None} == {"s"}
    assert read_xlsx(tmp_path / "a.xlsx")[0][1]["text"] == value + "文"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_text_comes_back(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("any")
    write_csv([Article("x", text)], None, folder / "a.csv")
    write_xlsx([Article("x", text)], None, folder / "a.xlsx")
    assert read_csv(folder / "a.csv")[0][0][1]["text"] == text
    assert read_xlsx(folder / "a.xlsx")[0][1]["text"] == text


def test_control_characters_are_written_as_excel_does(tmp_path):
    write_xlsx([Article("x", "甲\x0b\r\n乙_x000B_丙")], None, tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").active["C2"].value == "甲_x000B__x000D_\n乙_x005F_x000B_丙"


def test_numbers_are_numbers_in_xlsx(tmp_path):
    write_xlsx(EXAMPLES[:1], None, tmp_path / "a.xlsx")
    row = dict(zip(COLUMNS, (cell.value for cell in openpyxl.load_workbook(tmp_path / "a.xlsx").active[2]), strict=True))
    assert (row["signed_projects"], row["signed_amount"], row["total_projects"]) == (14, 52.5, None)


def test_cells_of_every_type_are_read(tmp_path):
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append([None])
    sheet.append(["编号", "正文", "活动", "签约项目数", "签约金额", "日期", None])
    sheet.append([20250410, "一篇。", "signing", 3.0, 5, datetime(2025, 4, 10), "注"])
    sheet.append([None, None])
    sheet.append(["y", "又一篇。", "signing", "3", "5", date(2025, 4, 10)])
    sheet.append(["z", "第三篇。", "signing", None, None, datetime(2025, 4, 10, 8, 30)])
    workbook.save(tmp_path / "a.xlsx")
    imported = import_annotations([tmp_path / "a.xlsx"])
    assert [(e.article.id, e.article.line, e.article.published, e.annotation.facts) for e in imported.examples] == [
        ("20250410", 3, "2025-04-10", Facts(3, 5)),
        ("y", 5, "2025-04-10", Facts(3, 5)),
        ("z", 6, "2025-04-10 08:30:00", Facts()),
    ]
    assert type(imported.examples[0].annotation.facts.signed_projects) is int


def test_a_text_that_excel_would_cut_is_refused(tmp_path):
    write_xlsx([Article("x", "长" * MAX_CELL)], None, tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=f"y: a cell of XLSX holds at most {MAX_CELL} characters"):
        write_xlsx([Article("y", "长" * (MAX_CELL + 1))], None, tmp_path / "b.xlsx")
    assert not (tmp_path / "b.xlsx").exists()


def test_texts_longer_than_the_csv_module_allows_are_read(tmp_path):
    write_csv([Article("x", "长" * 190_000)], None, tmp_path / "a.csv")
    assert len(read_csv(tmp_path / "a.csv")[0][0][1]["text"]) == 190_000


def test_broken_csv_rows_are_findings(tmp_path):
    (tmp_path / "a.csv").write_bytes('id,text,activity\nx,一篇。,signing,多\ny,"又一"篇。,signing\nz,第三篇。,signing\n'.encode())
    imported = import_annotations([tmp_path / "a.csv"])
    assert [example.article.id for example in imported.examples] == ["z"]
    assert [finding.partition(": ")[0][-7:] for finding in imported.findings] == [".csv:2".rjust(7, "a"), ".csv:3".rjust(7, "a")]


def test_what_is_no_workbook_is_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(RecordError, match="not a workbook"):
        read_xlsx(tmp_path / "a.xlsx")
    with pytest.raises(RecordError, match="not a workbook"):
        read_xlsx(tmp_path / "none.xlsx")


def test_a_workbook_that_grows_too_much_is_refused(tmp_path, monkeypatch):
    write_xlsx([Article("x", "甲" * 30_000)], None, tmp_path / "a.xlsx")
    monkeypatch.setattr("data.spreadsheets.RATIO_FROM_BYTES", 1000)
    monkeypatch.setattr("data.spreadsheets.MAX_RATIO", 2)
    with pytest.raises(RecordError, match="grows more than 2 times"):
        read_xlsx(tmp_path / "a.xlsx")


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path):
    lines = [f"x{i},第{i}篇。,signing" for i in range(50)]
    lines[2] = 'x2,"第2篇。,signing'
    (tmp_path / "a.csv").write_text("\n".join(["id,text,activity", *lines]) + "\n", "utf-8")
    rows, findings = read_csv(tmp_path / "a.csv")
    assert [row["id"] for _, row in rows] == [f"x{i}" for i in range(50) if i != 2]
    assert len(findings) == 1 and findings[0].startswith(f"{tmp_path / 'a.csv'}:4: broken CSV row")


def test_the_rest_of_a_broken_row_is_no_row(tmp_path):
    (tmp_path / "a.csv").write_text('id,text,activity\nx,"一。\n他说"好"，\n就这样。",signing\ny,"二\n行。",signing\n', "utf-8")
    rows, findings = read_csv(tmp_path / "a.csv")
    assert [row for _, row in rows] == [{"id": "y", "text": "二\n行。", "activity": "signing"}]
    assert [finding.partition(": ")[2][:14] for finding in findings] == ["broken CSV row", "1 cells under ", "2 cells under "]


def test_open_quotes_in_every_row_do_not_take_the_square_of_the_rows(tmp_path):
    (tmp_path / "a.csv").write_text("id,text\n" + 'x,"a""\n' * 20_000, "utf-8")
    begin = time.perf_counter()
    rows, findings = read_csv(tmp_path / "a.csv")
    assert time.perf_counter() - begin < 5
    assert (rows, bool(findings)) == ([], True)


def test_a_broken_header_is_not_replaced_by_a_row(tmp_path):
    (tmp_path / "a.csv").write_text('id,"te"xt\nx,一篇。\n', "utf-8")
    rows, findings = read_csv(tmp_path / "a.csv")
    assert rows == [] and "without its header" in findings[0]


def test_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("id,text,Activity,activity ,,\nx,一篇。,signing,other,,\n", "utf-8")
    with pytest.raises(InputError, match=r"several columns of one name: activity$"):
        import_annotations([tmp_path / "a.csv"])
    workbook = openpyxl.Workbook()
    workbook.active.append(["编号", "正文", "活动", "活动", None, None])
    workbook.active.append(["x", "一篇。", "项目签约", "其他"])
    workbook.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=r"several columns of one name: 活动$"):
        import_annotations([tmp_path / "a.xlsx"])


@pytest.mark.parametrize("place", ["XFD2000", "IW2"])
def test_a_far_cell_is_refused_before_rows_are_built(tmp_path, place, monkeypatch):
    built = []
    monkeypatch.setattr("data.spreadsheets._read_cell", lambda value: built.append(value) or value)
    workbook = openpyxl.Workbook()
    workbook.active.append(["编号", "正文"])
    workbook.active[place] = "远"
    workbook.save(tmp_path / "a.xlsx")
    with pytest.raises(RecordError, match=r"row \d+ has a cell beyond the first 256 columns"):
        read_xlsx(tmp_path / "a.xlsx")
    assert built == ["编号", "正文"]
    assert "beyond the first 256 columns" in import_annotations([tmp_path / "a.xlsx"]).findings[0]


def test_far_rows_and_the_last_allowed_column_are_read(tmp_path):
    workbook = openpyxl.Workbook()
    workbook.active.append(["编号", "正文"])
    workbook.active["A100000"] = "x"
    workbook.active["IV100000"] = "远"
    workbook.save(tmp_path / "a.xlsx")
    assert read_xlsx(tmp_path / "a.xlsx") == [(f"{tmp_path / 'a.xlsx'}:100000", {"编号": "x", "正文": None})]
