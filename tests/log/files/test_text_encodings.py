"""In which encoding a text is."""

from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.files.text_encodings import recode_hint
from sbrcli.log.reading import read_log

_TEXT = "user_id,item_id,timestamp\n7,né\xa0手,1614585600\n7,b,1614585640\n"


def _items(folder: Path, data: bytes, encoding: str | None = None) -> list[str]:
    path = folder / "log"
    path.write_bytes(data)
    return list(read_log(path, ReadConfig(encoding=encoding)).events["item_id"])


@pytest.mark.parametrize(
    "encoding",
    ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig"],
)
def test_a_text_of_two_or_four_bytes_a_letter_is_known(tmp_path: Path, encoding: str):
    assert _items(tmp_path, _TEXT.encode(encoding)) == ["né\xa0手", "b"]


@pytest.mark.parametrize("named", ["latin-1", "utf-8", "utf-16-le"])
def test_a_byte_order_mark_goes_before_the_encoding_that_is_named(tmp_path: Path, named: str):
    assert _items(tmp_path, _TEXT.encode("utf-8-sig"), named) == ["né\xa0手", "b"]
    assert _items(tmp_path, _TEXT.encode("utf-16"), named) == ["né\xa0手", "b"]


def test_zero_bytes_that_are_no_letters_are_refused(tmp_path: Path):
    for data in (b"a\0\1\0b\0\xff\xff", b"\xff\xfe\0\0\0\0\1\0", _TEXT.encode() + b"\0"):
        with pytest.raises(DataError, match="binary data, not text"):
            _items(tmp_path, data)


def test_the_hint_shows_what_the_words_would_be():
    for encoding, word in (
        ("gb18030", "手机壳"),
        ("euc_kr", "한국어"),
        ("shift_jis", "テスト商品"),
    ):
        row = f"7,{word},1".encode(encoding).decode("utf-8", errors="surrogateescape")
        assert f"{encoding} '{word}'" in recode_hint(row)
    assert recode_hint("7,\udcff") == (
        "say in which encoding it is, as in --encoding latin-1; it may be cp1252 'ÿ', cp1251 'я'; "
        "or recode it: iconv -f CP1252 -t UTF-8 LOG > NEW"
    )
