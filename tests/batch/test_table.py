"""A cohort's table: what it may look like, and what is refused in words."""

from pathlib import Path

import pytest

from napari_fusion import ParameterError, ReadError
from napari_fusion.batch import Case, read_table


@pytest.fixture
def table(tmp_path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "cohort.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_as_spreadsheets_write_it(table, tmp_path, sign, encoding, end):
    lines = [
        "Case,fixed,age,moving,moving_2",
        "a 1,ct.nii,47,mr.nii,",
        "",
        "b,c,,m,/pet",
        ",,,,",
        " ",
    ]
    path = table(end.join(lines).replace(",", sign), encoding)
    assert read_table(path) == (
        Case("a 1", tmp_path / "ct.nii", (tmp_path / "mr.nii",)),
        Case("b", tmp_path / "c", (tmp_path / "m", Path("/pet"))),
    )


def test_moving_volumes_come_in_the_order_of_their_numbers(table, tmp_path):
    path = table("moving_10,moving_2,case,moving,fixed\nlast,second,a,first,ct\n")
    assert [one.name for one in read_table(path)[0].moving] == ["first", "second", "last"]


def test_a_line_names_series_and_transforms(table, tmp_path):
    path = table(
        "case,fixed,moving,moving_2,moving_series,fixed_series,moving_2_alignment,moving_alignment\n"
        "a,scans,scans,pet,1.2,1.1,two.tfm,one.tfm\n"
        "b,scans,,pet,,1.3,three.tfm,\n"
        "c,ct,mr,,,,,\n"
    )
    first, second, third = read_table(path)
    assert first.series == ("1.1", "1.2")  # in the order of the volumes
    assert first.alignments == (tmp_path / "one.tfm", tmp_path / "two.tfm")
    assert (second.series, second.alignments) == (("1.3",), (tmp_path / "three.tfm",))
    assert (third.series, third.alignments) == ((), ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("case,fixed\na,b\n", "no column 'moving'"),
        ("name,fixed,moving\na,b,c\n", "no column 'case'"),
        ("case,fixed,moving\na,b,c\nb,,c\n", "line 3 of cohort.csv lacks"),
        ("case,fixed,moving\n\n\na,b,c\nb,,c\n", "line 5 of cohort.csv lacks"),
        ("case,fixed,moving,Moving \na,b,c,d\n", "two columns 'moving'"),
        ("case,fixed,moving,moving2\na,b,c,d\n", "'moving2', .* call it 'moving_2'"),
        ("case,fixed,moving,moving_alignmnt\na,b,c,d\n", "call it 'moving_alignment'"),
        ("case,fixed,moving,fixed series\na,b,c,d\n", "call it 'fixed_series'"),
        ("case,fixd,moving,fixed\na,,c,b\n", "call it 'fixed'"),
        ("case,fixed,moving\na,b\n", "line 2 of cohort.csv lacks"),
        ("case,fixed,moving\n../a,b,c\n", "cannot name a folder"),
        ("case,fixed,moving\n.a,b,c\n", "cannot name a folder"),
        ("case,fixed,moving\na/b,b,c\n", "cannot name a folder"),
        ("case,fixed,moving\nend.,b,c\n", "cannot name a folder"),
        (f"case,fixed,moving\n{'ä' * 101},b,c\n", "cannot name a folder: .* 200 at most"),
        ("case,fixed,moving\na,b,c\nA,b,c\n", "'A' is taken"),
        ("case,fixed,moving\ncases.csv,b,c\n", "'cases.csv' is taken"),
        ("case,fixed,moving\ncases.html,b,c\n", "'cases.html' is taken"),
        (
            "case,fixed,moving,moving_2,moving_alignment\na,b,c,d,t.tfm\n",
            "line 2 of cohort.csv needs a transform for each moving volume, or none: what moves is "
            "moving, moving_2, and there are transforms for moving",
        ),
        ("case,fixed,moving,fixed_alignment\na,b,c,t.tfm\n", "there are transforms for fixed"),
        (
            "case,fixed,moving,moving_2,moving_2_series\na,b,c,,1.2\n",
            "line 2 of cohort.csv has a moving_2_series, but nothing in column 'moving_2'",
        ),
    ],
)
def test_what_cannot_be_a_cohort_is_refused(table, text, words):
    with pytest.raises(ParameterError, match=words):
        read_table(table(text))


@pytest.mark.parametrize("text", ["", "case,fixed,moving\n", "case,fixed,moving\n,,\n"])
def test_a_table_without_cases_is_refused(table, text):
    with pytest.raises(ReadError, match="holds no case"):
        read_table(table(text))


def test_a_quotation_mark_left_open_swallows_no_case(table):
    with pytest.raises(ReadError, match="line 3 of cohort.csv cannot be read"):
        read_table(table('case,fixed,moving,note\na,b,c,"tall\nb,b,c,\n'))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_that_is_no_table_is_refused(table, tmp_path, encoding):
    with pytest.raises(ReadError, match="save it as CSV UTF-8"):
        read_table(table("é", encoding))
    with pytest.raises(ReadError, match="cannot be read"):
        read_table(tmp_path / "none.csv")
