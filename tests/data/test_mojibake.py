"""Misread texts: repaired only where the round trip is exact."""

import pytest

from data.mojibake import repair_mojibake

TEXT = "云溪市举行招商推介会，现场签约项目12个，总投资160亿元。"


@pytest.mark.parametrize("codec", ["latin-1", "gbk"])
def test_exact_round_trip_is_repaired(codec):
    for cut in range(len(TEXT), 10, -1):  # GBK needs an even run of bytes: some prefixes survive the misreading whole
        try:
            broken = TEXT[:cut].encode().decode(codec)
        except UnicodeDecodeError:
            continue
        repair = repair_mojibake(broken)
        assert repair is not None
        assert repair.text == TEXT[:cut]
        assert all(start < end for start, end in zip(repair.starts, repair.ends, strict=True))
        assert repair.ends[-1] == len(broken)
        return
    pytest.fail("no prefix could be misread")


def test_windows_1252_with_its_holes_is_repaired():
    broken = "".join(bytes((byte,)).decode("cp1252", "ignore") or chr(byte) for byte in TEXT.encode())
    repair = repair_mojibake(broken)
    assert repair is not None
    assert repair.text == TEXT


@pytest.mark.parametrize(
    "text", [TEXT, "", "Plain English.", "Café Müller à Genève", TEXT.encode().decode("gbk", "replace"), TEXT.encode().decode("latin-1")[:-1]]
)
def test_anything_else_stays(text):
    assert repair_mojibake(text) is None
