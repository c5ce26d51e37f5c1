"""Lines and JSON elements do not depend on where the pieces of a stream end."""

import pytest

from data.streams import iter_elements, iter_lines, write_lines


def split(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


ELEMENTS = [
    ("", []),
    (" \n", []),
    ("[]", []),
    ("[1,2]", ["1", "2"]),
    ('[{"a": "x,]}"}, {"b": [1, {"c": 2}]}]', ['{"a": "x,]}"}', '{"b": [1, {"c": 2}]}']),
    (r'[{"a": "\"]\\"}, {}]', [r'{"a": "\"]\\"}', "{}"]),
    ('{"meta": {"data": [1]}, "documents": [{"a": 1}], "x": {"data": [3]}}', ['{"a": 1}']),
    ('{"other": [1, 2], "data": [5]}', ["5"]),
    ('{"text": "x", "tags": ["data", []]}', ['{"text": "x", "tags": ["data", []]}']),
    ('{"a": 1}\n{"b": 2}\n', ['{"a": 1}', '{"b": 2}']),
    ('{"a": 1}, {"b": 2}', ['{"a": 1}', '{"b": 2}']),
    ('[{"a": 1}] [{"b": 2}]', ['{"a": 1}', '{"b": 2}']),
    ("[1,,2]", ["1", "", "2"]),
    ("[1,]", ["1"]),
    ("[1, 2", ["1", "2", ""]),
    ("[1,", ["1", ""]),
    ('[1, {"a": [', ["1", '{"a": [']),
    ('{"data": [1], "rest": [', ["1", ', "rest": [']),
    ("not json", ["not json"]),
]


@pytest.mark.parametrize(("source", "elements"), ELEMENTS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_elements_are_the_same_for_every_cut_of_the_stream(source, elements, size):
    assert [element.strip() for element in iter_elements(iter(split(source, size)))] == [element.strip() for element in elements]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_element_over_the_limit_hides_no_other(size):
    source = '[{"a": 1}, {"a": "' + 'x" ,]'.replace('"', r"\"") * 50 + '"}, {"b": 2}]'
    assert list(iter_elements(iter(split(source, size)), limit=60)) == ['{"a": 1}', None, ' {"b": 2}']


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_end_at_newlines_only(size):
    text = "一\u2028二\x0b\x85三\r\n\n四" + "长" * 50 + "\n五"
    assert list(iter_lines(iter(split(text, size)), limit=20)) == ["一\u2028二\x0b\x85三\r\n", "\n", None, "五"]


def test_a_file_of_lines_appears_whole_or_not_at_all(tmp_path):
    def rows():
        yield {"id": "1"}
        raise KeyError("the reader failed")

    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(KeyError):
        write_lines(path, rows())
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"] and path.read_text() == "old"
    assert write_lines(path, [{"id": "签"}, {"id": "约"}]) == 2
    assert path.read_text("utf-8") == '{"id": "签"}\n{"id": "约"}\n'
