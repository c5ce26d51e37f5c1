"""The same articles from every format, every error code, hostile inputs, memory that does not grow."""

import csv
import gzip
import io
import json
import os
import random
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from data import streams
from data.encodings import encode_line
from data.errors import InputError, RecordError
from data.readers import MAX_FIELD, SkipReport, hash_id, iter_articles
from data.schema import Article

PLACES = ["启明", "云栖", "青禾", "白鹭", "南屏", "石桥", "长岭", "东湖", "西塘", "北原"]
ARTICLES = [
    {
        "id": f"zx-{i:02}",
        "title": f"{place}市签约{i + 2}个项目，“开门红”",
        "text": f'{place}市讯　11月{i + 1}日,{place}市与"海歌"集团签约{i + 2}个项目;总投资１{i}.5亿元。\n第二段：\u2028企业\t代表鲁启衡说，“明年投产”。',
        "published": f"2024-11-{i + 1:02}",
        "source": f"{place}日报",
        "url": f"https://example.org/{i}",
    }
    for i, place in enumerate(PLACES)
]


def to_jsonl(rows=ARTICLES) -> bytes:
    return b"".join(map(encode_line, rows))


def to_csv(rows=ARTICLES, columns=None, delimiter: str = ",") -> str:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns or list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def read(*inputs, **options) -> list[Article | RecordError]:
    return list(iter_articles(list(inputs), **options))


def read_bytes(tmp_path: Path, name: str, content: bytes, **options) -> list[Article | RecordError]:
    (tmp_path / name).write_bytes(content)
    return read(tmp_path / name, **options)


def codes(records) -> list[tuple[int | None, str]]:
    return [(record.line, record.code if isinstance(record, RecordError) else "ok") for record in records]


# --- the same articles -----------------------------------------------------------------------------------------------

FORMATS = {
    "a.jsonl": to_jsonl(),
    "crlf.jsonl": to_jsonl().replace(b"\n", b"\r\n"),
    "blank-lines.jsonl": b"\n" + to_jsonl().replace(b"\n", b"\n \n"),
    "no-newline-at-end.jsonl": to_jsonl().rstrip(b"\n"),
    "bom.jsonl": b"\xef\xbb\xbf" + to_jsonl(),
    "gb.jsonl": to_jsonl().decode().encode("gb18030"),
    "utf16.jsonl": to_jsonl().decode().encode("utf-16"),
    "escaped.jsonl": "\n".join(json.dumps(row) for row in ARTICLES).encode(),
    "a.jsonl.gz": gzip.compress(to_jsonl()),
    "two-members.jsonl.gz": gzip.compress(to_jsonl(ARTICLES[:4])) + gzip.compress(to_jsonl(ARTICLES[4:])) + b"\0" * 100,
    "a.jsonl.zst": zstandard.compress(to_jsonl()),
    "two-frames.jsonl.zst": zstandard.compress(to_jsonl(ARTICLES[:4])) + zstandard.compress(to_jsonl(ARTICLES[4:])),
    "array.json": json.dumps(ARTICLES, ensure_ascii=False, indent=1).encode(),
    "documents.json": json.dumps({"total": [1, {"data": []}], "documents": ARTICLES, "next": None}, ensure_ascii=False).encode(),
    "articles.json": json.dumps({"articles": ARTICLES}).encode(),
    "data.json.gz": gzip.compress(json.dumps({"data": ARTICLES}).encode()),
    "lines-in-fact.json": to_jsonl(),
    "a.csv": to_csv().encode(),
    "bom.csv": to_csv().encode("utf-8-sig"),
    "gb.csv": to_csv().encode("gb18030"),
    "gb.csv.zst": zstandard.compress(to_csv().encode("gb18030")),
    "utf16-tabs.csv": to_csv(delimiter="\t").encode("utf-16"),
    "semicolons.csv": to_csv(delimiter=";").encode(),
}


@pytest.mark.parametrize("name", FORMATS)
def test_ten_articles_come_out_equal_from_every_format(tmp_path, name):
    report = SkipReport()
    records = read_bytes(tmp_path, name, FORMATS[name], report=report)
    assert [vars(record) for record in records] == [
        {**row, "origin": str(tmp_path / name), "line": record.line, "text_extracted": False} for row, record in zip(ARTICLES, records, strict=True)
    ]
    assert (report.n_files, report.n_read, report.n_skipped) == (1, 10, 0)


@pytest.mark.parametrize("suffix", [".txt", ".txt.gz", ".txt.zst"])
@pytest.mark.parametrize("codec", ["utf-8", "gb18030"])
def test_a_folder_of_texts_has_paths_as_ids(tmp_path, suffix, codec):
    pack = {".txt": bytes, ".txt.gz": gzip.compress, ".txt.zst": zstandard.compress}[suffix]
    for row in ARTICLES:
        path = tmp_path / "2024" / f"{row['id']}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pack(row["text"].encode(codec)))
    records = read(tmp_path)
    assert [(record.id, record.text) for record in records] == [(f"2024/{row['id']}", row["text"]) for row in ARTICLES]
    assert {(record.line, record.title) for record in records} == {(None, None)}


def test_lines_and_rows_are_numbered_as_editors_do(tmp_path):
    jsonl = read_bytes(tmp_path, "a.jsonl", b"\n" + to_jsonl(ARTICLES[:2]))
    assert [record.line for record in jsonl] == [2, 3]
    assert [record.line for record in read_bytes(tmp_path, "a.csv", to_csv(ARTICLES[:2]).encode())] == [2, 3]
    assert [record.line for record in read_bytes(tmp_path, "a.json", json.dumps(ARTICLES[:2]).encode())] == [1, 2]


def test_a_mixed_folder_is_read_in_the_order_of_names(tmp_path):
    (tmp_path / "b.csv").write_text(to_csv(ARTICLES[:2]), "utf-8")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("签约一个项目", "utf-8")
    (tmp_path / "a" / "page.HTM").write_text(f"<html><title>标题</title><body><p>{ARTICLES[3]['text'] * 3}</p></body></html>", "utf-8")
    (tmp_path / "c.jsonl").write_bytes(to_jsonl(ARTICLES[2:3]))
    (tmp_path / "README.md").write_text("no input")
    (tmp_path / ".hidden.txt").write_text("no input")
    report = SkipReport()
    records = read(tmp_path, report=report)
    assert [record.id for record in records] == ["a/page", "a/x", "zx-00", "zx-01", "zx-02"]
    assert [record.text_extracted for record in records] == [True, False, False, False, False]
    assert records[0].title == "标题"
    assert report.formats == {"csv": 2, "html": 1, "txt": 1, "jsonl": 1}
    assert report.ignored == {".md": 1}
    assert report.lines()[0] == "read 5 articles from 4 files, skipped 0 records"


def test_several_inputs_and_globs_are_one_stream(tmp_path):
    for i in range(4):
        path = tmp_path / f"d{i % 2}" / f"p{i}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(to_jsonl(ARTICLES[i : i + 1]))
    (tmp_path / "d0" / "note.md").write_text("no input")
    first = str(tmp_path / "d1" / "p3.jsonl")
    assert [r.id for r in read(first, str(tmp_path / "d0" / "*"), tmp_path / "d1" / "p1.jsonl")] == ["zx-03", "zx-00", "zx-02", "zx-01"]
    assert [r.id for r in read(str(tmp_path / "**" / "*.jsonl"))] == ["zx-00", "zx-02", "zx-01", "zx-03"]
    assert [r.id for r in read(str(tmp_path / "**"))] == ["zx-00", "zx-02", "zx-01", "zx-03"]


def test_files_of_a_glob_are_named_below_its_first_wildcard(tmp_path):
    for year in ("2023", "2024"):
        (tmp_path / year).mkdir()
        (tmp_path / year / "001.txt").write_text(f"{year}年签约", "utf-8")
    assert [r.id for r in read(str(tmp_path / "*" / "*.txt"))] == ["2023/001", "2024/001"]
    assert [r.id for r in read(tmp_path / "2023" / "001.txt")] == ["001"]


# --- columns and ids -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text", "content", "正文", "body", " Content ", "BODY", "\ufefftext"])
def test_the_text_column_is_found_by_name(tmp_path, name):
    rows = [{"标题": "签约", name: "启明市签约", "日期": "2024-11-06"}]
    for file, content in (("a.jsonl", to_jsonl(rows)), ("a.csv", to_csv(rows).encode())):
        (record,) = read_bytes(tmp_path, file, content)
        assert (record.title, record.text, record.published) == ("签约", "启明市签约", "2024-11-06")


def test_a_named_column_replaces_ours(tmp_path):
    rows = [{"text": "摘要", "新闻内容": "启明市签约"}]
    (record,) = read_bytes(tmp_path, "a.csv", to_csv(rows).encode(), columns={"text": " 新闻内容"})
    assert record.text == "启明市签约"
    (record,) = read_bytes(tmp_path, "a.csv", to_csv(rows).encode(), columns={"text": "missing"})
    assert record.code == "missing_column" and "missing" in record.message
    with pytest.raises(InputError, match="'body'"):
        read(tmp_path / "a.csv", columns={"body": "x"})


def test_a_missing_id_is_a_hash_that_does_not_depend_on_the_machine(tmp_path):
    rows = [{"text": "签约"}, {"text": "签约", "id": None}, {"text": "开工", "id": " "}]
    ids = []
    for folder in (tmp_path / "here", tmp_path / "there" / "deeper"):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "a.jsonl").write_bytes(to_jsonl(rows))
        ids.append([record.id for record in read(folder)])
    assert ids[0] == ids[1] == [hash_id("sub/a.jsonl", i, row["text"]) for i, row in enumerate(rows, 1)]
    assert len(set(ids[0])) == 3 and all(len(id) == 16 for id in ids[0])


def test_numbers_become_strings_and_empty_fields_none(tmp_path):
    (record,) = read_bytes(tmp_path, "a.jsonl", to_jsonl([{"id": 17, "text": "签约", "title": None, "published": 20241106, "source": ""}]))
    assert (record.id, record.title, record.published, record.source) == ("17", None, "20241106", None)


# --- records that cannot be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id": "x", "text": ""}', "empty_text"),
        (b'{"id": "x", "text": " \\n\\u3000"}', "empty_text"),
        (b'{"id": "x", "text": null}', "empty_text"),
        (b'{"id": "x", "text": 5}', "bad_field"),
        (b'{"id": "x", "text": ["a"]}', "bad_field"),
        (b'{"id": ["x"], "text": "a"}', "bad_field"),
        (b'{"id": true, "text": "a"}', "bad_field"),
        (b'{"id": "x", "text": "a", "title": {}}', "bad_field"),
        (b'{"id": "x", "headline": "a"}', "missing_column"),
        (b'{"id": "x", "text": "a"', "bad_json"),
        (b'{"id": "x", "text": "a", "n": NaN}', "bad_json"),
        (b'{"id": "x", "text": "a", "n": -Infinity}', "bad_json"),
        (b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'["text"]', "bad_json"),
        (b"text", "bad_json"),
        (b'{"id": "x", "text": "\xff\xfe"}', "bad_encoding"),
        (b'{"id": "x", "text": "' + b"a" * 200_001 + b'"}', "too_long"),
    ],
)
def test_a_broken_line_is_one_error_and_the_others_are_read(tmp_path, line, code):
    report = SkipReport()
    content = to_jsonl(ARTICLES[:3]) + line + b"\n" + to_jsonl(ARTICLES[3:])
    records = read_bytes(tmp_path, "a.jsonl", content, report=report)
    assert codes(records) == [(i, code if i == 4 else "ok") for i in range(1, 12)]
    assert records[3].source == str(tmp_path / "a.jsonl")
    assert (report.n_read, report.skipped) == (10, {code: 1})


@pytest.mark.parametrize(
    ("element", "code"), [("NaN", "bad_json"), ('{"text": ""}', "empty_text"), ("[1]", "bad_json"), ("", "bad_json"), ('{"a" "b"}', "bad_json")]
)
def test_a_broken_element_of_an_array_hides_no_other(tmp_path, element, code):
    content = f"[{json.dumps(ARTICLES[0])}, {element} , {json.dumps(ARTICLES[1])}]"
    assert codes(read_bytes(tmp_path, "a.json", content.encode())) == [(1, "ok"), (2, code), (3, "ok")]


def test_a_cut_array_gives_what_it_has(tmp_path):
    content = json.dumps(ARTICLES, ensure_ascii=False).encode()
    assert codes(read_bytes(tmp_path, "a.json", content[: len(content) // 2]))[-1][1] == "bad_json"
    assert [c for _, c in codes(read_bytes(tmp_path, "a.json", content[:-1]))] == ["ok"] * 10 + ["bad_json"]


def test_csv_rows_that_do_not_fit_are_errors_and_the_next_are_read(tmp_path):
    good = "好,启明市签约\n"
    content = "title,text\n" + good + "多,一,二\n" + good + "少\n" + good + '引,"启明"市\n' + good + "\n" + good + '开,"没有关'
    records = read_bytes(tmp_path, "a.csv", content.encode())
    assert codes(records) == [
        (2, "ok"),
        (3, "bad_field"),
        (4, "ok"),
        (5, "empty_text"),
        (6, "ok"),
        (7, "bad_field"),
        (8, "ok"),
        (10, "ok"),
        (11, "bad_field"),
    ]


def test_a_quote_that_is_never_closed_costs_a_bounded_part(tmp_path):
    rows = "".join(f"{i},启明市与海歌集团签约{i}个项目\n" for i in range(120_000))
    records = read_bytes(tmp_path, "a.csv", ('id,text\nx,"开头' + rows).encode())
    assert records[0].code == "too_long" and "never closed" in records[0].message
    assert all(isinstance(record, Article) for record in records[1:])
    assert 0 < len(rows) - sum(len(record.id) + len(record.text) + 2 for record in records[1:]) < MAX_FIELD + 100


def test_a_csv_without_a_text_column_is_one_error(tmp_path):
    records = read_bytes(tmp_path, "a.csv", to_csv([{"id": i, "headline": "签约"} for i in range(50)]).encode())
    assert [record.code for record in records] == ["missing_column"]


def test_bytes_that_do_not_decode_cost_one_csv_row(tmp_path):
    lines = [f"{i},启明市签约{i}个项目\n".encode("gb18030") for i in range(9)]
    lines[4] = b"4,\xff\xff\n"
    records = read_bytes(tmp_path, "a.csv", b"id,text\n" + b"".join(lines))
    assert [record.code for record in records if isinstance(record, RecordError)] == ["bad_encoding"]
    assert len(records) == 9


def test_the_second_record_of_an_id_is_refused_over_all_inputs(tmp_path):
    (tmp_path / "b.jsonl").write_bytes(to_jsonl(ARTICLES[1:3]))
    records = read_bytes(tmp_path, "a.jsonl", to_jsonl(ARTICLES[:2])) and read(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert codes(records) == [(1, "ok"), (2, "ok"), (1, "duplicate_id"), (2, "ok")]
    assert (records[2].id, records[2].source) == ("zx-01", str(tmp_path / "b.jsonl"))


def test_an_article_may_have_as_many_characters_as_asked(tmp_path):
    (tmp_path / "a.txt").write_text("签" * 1_000_000, "utf-8")
    assert [record.code for record in read(tmp_path / "a.txt")] == ["too_long"]
    assert len(read(tmp_path / "a.txt", max_characters=1_000_000)[0].text) == 1_000_000


def test_lone_surrogates_and_nulls_stay_in_the_text_and_can_be_written(tmp_path):
    (record,) = read_bytes(tmp_path, "a.jsonl", b'{"text": "\\ud800\\u7b7e\\u7ea6\\u0000\\ud83c\\udf89", "id": "\\udc00"}')
    assert (record.text, record.id) == ("\ud800签约\x00🎉", "\udc00")
    (again,) = read_bytes(tmp_path, "b.jsonl", encode_line({"text": record.text, "id": record.id}))
    assert (again.text, again.id) == (record.text, record.id)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", b"", "empty_text"),
        ("a.txt", b"\xef\xbb\xbf \n", "empty_text"),
        ("a.txt", b"\x00" * 500, "not_text"),
        ("a.txt", b"%PDF-1.4", "not_text"),
        ("a.txt", b"\xff" * 90, "bad_encoding"),
        ("a.html", b"<html></html>", "empty_text"),
        ("a.jsonl", b"\x00" * 500, "not_text"),
        ("a.csv", b"PK\x03\x04" + b"a" * 50, "not_text"),
        ("a.csv", b"\xff" * 90, "bad_encoding"),
        ("a.jsonl.gz", b"no gzip at all", "unreadable_file"),
        ("a.jsonl.zst", b"no zstd at all", "unreadable_file"),
        ("a.jsonl.gz", b"", "unreadable_file"),
        ("a.jsonl.zst", b"", "unreadable_file"),
        ("a.txt.gz", gzip.compress(b"a" * 100)[:-9], "unreadable_file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(tmp_path, name, content, code):
    (record,) = read_bytes(tmp_path, name, content)
    assert (record.code, record.source, record.line) == (code, str(tmp_path / name), None)


def test_a_text_cut_inside_a_character_is_read_and_reported(tmp_path):
    report = SkipReport()
    (record,) = read_bytes(tmp_path, "a.txt", "启明市签约".encode()[:-1], report=report)
    assert record.text == "启明市签" and report.cut_files == 1
    assert "cut" in report.lines()[-1]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gz", "zst"])
def test_a_cut_archive_gives_its_records_and_one_error(tmp_path, pack):
    rng = random.Random(3)
    rows = [{"id": f"{i}", "text": "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(300))} for i in range(2000)]
    whole = pack(to_jsonl(rows))
    records = read_bytes(tmp_path, "a.jsonl." + ("gz" if pack is gzip.compress else "zst"), whole[: len(whole) // 2])
    assert records[-1].code == "unreadable_file" and "cut off" in records[-1].message
    assert len(records) > 300 and all(isinstance(record, Article) for record in records[:-1])
    assert [record.text for record in records[:-1]] == [row["text"] for row in rows[: len(records) - 1]]


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_a_decompression_bomb_is_stopped(tmp_path, monkeypatch, suffix, pack):
    monkeypatch.setattr(streams, "RATIO_FROM_BYTES", 2**20)
    row = encode_line({"id": "0", "text": "签约"})
    records = read_bytes(tmp_path, f"a.jsonl.{suffix}", pack(row + b" " * 2**24))
    assert [getattr(record, "code", "ok") for record in records] == ["ok", "archive_limit"]


def test_a_small_file_may_compress_well(tmp_path):
    (record,) = read_bytes(tmp_path, "a.txt.gz", gzip.compress(b"a" * 150_000))
    assert len(record.text) == 150_000


def test_one_unreadable_file_of_a_folder_does_not_end_the_run(tmp_path):
    for row in ARTICLES[:2]:
        (tmp_path / f"{row['id']}.txt").write_text(row["text"], "utf-8")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "lost.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    records = read(tmp_path)
    found = {Path(record.source).name: record.code for record in records if isinstance(record, RecordError)}
    assert found == dict.fromkeys(["folder.txt", "lost.txt", "table.parquet"], "unreadable_file")
    assert [record.id for record in records if isinstance(record, Article)] == ["zx-00", "zx-01"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_one_error(tmp_path):
    (tmp_path / "a.txt").write_text("签约", "utf-8")
    (tmp_path / "a.txt").chmod(0)
    assert [record.code for record in read(tmp_path / "a.txt")] == ["unreadable_file"]


def test_a_folder_named_like_a_file_is_read_where_it_holds_some(tmp_path):
    (tmp_path / "crawl.jsonl").mkdir()
    (tmp_path / "crawl.jsonl" / "part-0.jsonl").write_bytes(to_jsonl(ARTICLES[:1]))
    assert [record.id for record in read(tmp_path)] == ["zx-00"]


def test_links_to_folders_are_not_followed(tmp_path):
    (tmp_path / "a.txt").write_text("签约", "utf-8")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [record.id for record in read(tmp_path)] == ["a"]


# --- runs that cannot start ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nowhere.jsonl", "does not exist"),
        ("*.nothing", "nothing matches"),
        ("empty", "no articles in"),
        ("notes", "no articles in"),
        ("a.xlsx", "not read by this version"),
        ("a.parquet.zst", "not read by this version"),
        ("a.warc.gz", "not read by this version"),
        ("a.tar.gz", "hold no articles"),
        ("a.md", "hold no articles"),
        ("only-later", r"no articles in .*\.parquet files are not read"),
        ("lost.txt", "does not exist"),
        ("a" * 300, "cannot read"),
    ],
)
def test_wrong_inputs_stop_the_run_at_the_call(tmp_path, given, said):
    for folder in ("empty", "notes", "only-later"):
        (tmp_path / folder).mkdir()
    for name in ("notes/README.md", "a.xlsx", "a.parquet.zst", "a.warc.gz", "a.tar.gz", "a.md", "only-later/a.parquet"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "lost.txt").symlink_to(tmp_path / "gone")
    (tmp_path / "good.jsonl").write_bytes(to_jsonl())
    with pytest.raises(InputError, match=said):
        iter_articles([tmp_path / "good.jsonl", str(tmp_path / given)])


@pytest.mark.parametrize("inputs", [[], "a.jsonl"])
def test_inputs_are_a_list_of_paths(inputs):
    with pytest.raises(InputError):
        iter_articles(inputs)


# --- memory ----------------------------------------------------------------------------------------------------------


def _write_large(path: Path, megabytes: int) -> int:
    """Write about so many megabytes of random articles in the format of the name; return their number."""
    rng = random.Random(7)
    pool = "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(20_000))
    n = megabytes * 2**20 // 6000
    texts = (pool[start : start + 2000] for start in (rng.randrange(18_000) for _ in range(n)))
    rows = ({"id": f"{i}", "text": text} for i, text in enumerate(texts))
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as file:
        if ".csv" in path.name:
            file.write(b"id,text\n")
            file.writelines(f'{row["id"]},"{row["text"]}"\n'.encode() for row in rows)
        elif ".jsonl" in path.name:
            file.writelines(map(encode_line, rows))
        else:
            file.write(b"[")
            file.writelines((b"," if row["id"] != "0" else b"") + encode_line(row) for row in rows)
            file.write(b"]")
    return n


@pytest.mark.parametrize(("name", "megabytes"), [("a.jsonl.gz", 20), ("a.json", 8), ("a.csv", 8)])
def test_memory_does_not_grow_with_the_dump(tmp_path, name, megabytes):
    n = _write_large(tmp_path / name, megabytes)
    read_bytes(tmp_path, "warm.jsonl", to_jsonl())  # tables of the encodings
    tracemalloc.start()
    try:
        assert sum(isinstance(record, Article) for record in iter_articles([tmp_path / name])) == n
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 * 2**20, f"{peak / 2**20:.1f} MiB for {megabytes} MB"


def test_articles_come_before_the_file_is_read_to_its_end(tmp_path):
    _write_large(tmp_path / "a.json", 2)
    with (tmp_path / "a.json").open("ab") as file:
        file.write(b"{broken")
    assert next(iter_articles([tmp_path / "a.json"])).id == "0"
