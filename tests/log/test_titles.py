import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.errors import DataError
from sbrcli.log.titles import read_titles


@pytest.mark.parametrize(
    "text",
    [
        "1::Toy Story (1995)::Animation|Children's\n2::Misérables, Les (1995)::Drama\n",
        "1|Toy Story (1995)|01-Jan-1995||http://x|0|1\n2|Misérables, Les (1995)|||y|1|0\n",
        'movieId,title,genres\n1,Toy Story (1995),A|B\n2,"Misérables, Les (1995)",Drama\n',
        '1,Toy Story (1995),Animation|Comedy\n2,"Misérables, Les (1995)"\n',
        "1\tToy Story (1995)\r\n\r\n2\tMisérables, Les (1995)\r\n",
        "Title;Item_ID\nToy Story (1995);1\nMisérables, Les (1995);2\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_titles_are_read_from_any_of_the_files_that_list_them(text: str, encoding: str):
    Path("titles").write_bytes(text.encode(encoding))
    assert read_titles(Path("titles")) == {"1": "Toy Story (1995)", "2": "Misérables, Les (1995)"}


def test_ids_stay_as_they_are_written():
    Path("titles").write_text("007\tBond\n7\tSeven\n")
    assert read_titles(Path("titles")) == {"007": "Bond", "7": "Seven"}


def test_titles_may_be_compressed():
    Path("titles").write_bytes(gzip.compress(b"1::Toy Story::x\n", mtime=0))
    assert read_titles(Path("titles")) == {"1": "Toy Story"}


def test_real_titles_are_read_whole(shared_data):
    assert len(read_titles(shared_data / "ml-1m/movies.dat")) == 3883
    assert len(read_titles(shared_data / "ml-100k/u.item")) == 1682
    small = read_titles(shared_data / "ml-latest-small/movies.csv")
    assert len(small) == 9742
    assert small["11"] == "American President, The (1995)"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "titles: the file is empty", "a line has an item id and its title"),
        (b" \n", "titles: the file is empty", "a line has an item id and its title"),
        (
            b"a\0b",
            "titles: binary data, not text",
            "titles are read from text, plain or compressed",
        ),
        (
            b"Toy Story\n",
            "titles: no separator in its first line: Toy Story",
            "write the item id and its title with a tab, a comma or a | between them",
        ),
        (
            b"1::Toy Story\n\n2\n",
            "titles line 3: an item id and a title expected, 1 field found",
            "correct the line, or take it out",
        ),
        (
            b"id,title\n1,Toy Story\n,Jumanji\n",
            "titles line 3: the item id is empty",
            "correct the line, or take it out",
        ),
        (b"id,title\n", "titles: no title below the header", "each line below it has one"),
        (
            b'1,a\n2,"' + b"x" * 200_000,
            "titles line 2: a quote is opened and not closed",
            "double the quotes within a field",
        ),
        (
            gzip.compress(b"1::Toy Story::x\n", mtime=0)[:-4],
            "titles: the gzip file is cut short",
            "copy or download it again",
        ),
    ],
)
def test_a_wrong_file_of_titles_is_refused(content: bytes, message: str, hint: str):
    Path("titles").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_titles(Path("titles"))
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_missing_titles_are_named():
    with pytest.raises(DataError, match="none: no such file"):
        read_titles(Path("none"))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_without_a_word(tmp_path_factory, content: bytes):
    path = tmp_path_factory.mktemp("titles") / "titles"
    path.write_bytes(content)
    try:
        titles = read_titles(path)
    except DataError:
        return
    assert all(titles)
