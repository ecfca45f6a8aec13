"""Tables out of files: encodings, delimiters, broken rows, workbooks, bounded memory."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from channels.formats.errors import FileRefused
from channels.formats.tabular import BadRow, Row, open_table

HEADER = "Name,Lineitem name,Shipping Country\r\n"


def rows(data: bytes, **options):
    return list(open_table(data, **options).rows())


def turkish(encoding: str, country: str = "TR") -> bytes:
    return f'{HEADER}#1,"Çaydanlık ""İnce"" ş",{country}\r\n#2,Ayşe Öz,{country}\r\n'.encode(encoding)


@pytest.mark.parametrize(
    ("data", "encoding", "sure"),
    [
        (b"a,b\n1,2\n", "utf-8", True),
        ("a,b\n1,ş\n".encode(), "utf-8", True),
        ("a,b\n1,ş\n".encode("utf-8-sig"), "utf-8-sig", True),
        ("a,b\n1,ş\n".encode("utf-16"), "utf-16", True),
        ("aaa,bbb\n111,ş\n".encode("utf-16-le"), "utf-16-le", False),
        ("aaa,bbb\n111,ş\n".encode("utf-16-be"), "utf-16-be", False),
        (turkish("cp1254"), "cp1254", False),
        (f"{HEADER}#1,Łódź żółw,PL\r\n#2,Żaneta,PL\r\n".encode("cp1250"), "cp1250", False),
        (f"{HEADER}#1,Łódź żółw śpi,PL\r\n#2,Gęś,PL\r\n".encode("iso8859-2"), "iso8859-2", False),
        (f"{HEADER}#1,قوري چاي,IR\r\n#2,علي,IR\r\n".encode("cp1256"), "cp1256", False),
        (f"{HEADER}#1,Müller Straße,DE\r\n#2,Größe,DE\r\n".encode("cp1252"), "cp1252", False),
        (f"{HEADER}#1,São João,BR\r\n#2,Avião,BR\r\n".encode("cp1252"), "cp1252", False),
        (f"{HEADER}#1,Московский чайник,RU\r\n".encode("cp1251"), "cp1251", False),
        (f"{HEADER}#1,Ελληνικός καφές,GR\r\n".encode("cp1253"), "cp1253", False),
    ],
)
def test_an_encoding_is_found_and_its_text_read(data, encoding, sure):
    table = open_table(data, delimiter=",")
    assert (table.dialect.encoding, table.dialect.sure) == (encoding, sure)
    assert table.dialect.why
    bare = data.decode(encoding).lstrip("\ufeff")
    expected = [tuple(cells) for cells in csv.reader(io.StringIO(bare, newline=""))]
    assert [row.cells for row in table.rows()] == expected[1:]


def test_an_encoding_that_reads_well_in_two_ways_is_refused_and_taken_when_named():
    data = "a,b\n1,São\n".encode("cp1252")  # in cp1250 it is “Săo”, which could be Romanian
    with pytest.raises(FileRefused) as refused:
        open_table(data)
    assert refused.value.code == "encoding_ambiguous"
    assert refused.value.field == "encoding"
    assert "cp1252" in refused.value.message
    assert "cp1250" in refused.value.message
    assert rows(data, encoding="cp1250")[0].cells == ("1", "Săo")


def test_bytes_that_spell_words_in_no_language_are_refused():
    data = b"a,b\n" + "日本語の商品,東京都\n大阪府,注文番号\n".encode("shift_jis")
    with pytest.raises(FileRefused) as refused:
        open_table(data, delimiter=",")
    assert refused.value.code in {"encoding_unknown", "encoding_ambiguous"}
    assert rows(data, encoding="shift_jis", delimiter=",")[0].cells == ("日本語の商品", "東京都")


def test_an_unknown_encoding_name_is_refused():
    for name in ("klingon", "rot13", "zlib", "unicode_escape", "utf-7"):
        with pytest.raises(FileRefused) as refused:
            open_table(b"a,b\n1,2\n", encoding=name)
        assert refused.value.code == "unknown_encoding"


def test_lines_of_another_encoding_are_reported_and_the_rest_is_read():
    data = b"a,b\n1,\xc3\x87ay\n2,\xc7ay\n3,x\n"
    good, bad, last = rows(data)
    assert good.cells == ("1", "Çay")
    assert isinstance(bad, BadRow)
    assert bad.line == 3
    assert "encoding" in bad.message
    assert last == Row(4, 4, ("3", "x"))


def test_a_nul_byte_spoils_its_row_only():
    first, second = rows(b"a,b\n1,x\x00y\n2,z\n")
    assert isinstance(first, BadRow)
    assert (first.line, first.cells) == (2, ("1", "x\ufffdy"))
    assert second.cells == ("2", "z")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_each_delimiter_is_found(mark):
    data = f"Name{mark}Total{mark}Note\n1{mark}5.00{mark}x\n".encode()
    assert open_table(data).dialect.delimiter == mark


def test_known_column_names_tell_the_delimiter_apart():
    data = b"Name;Note, with comma;Total\n1;a;b\n"
    assert open_table(data, known={"name", "total"}).dialect.delimiter == ";"


def test_a_delimiter_that_stays_open_is_refused_and_taken_when_named():
    data = b"a,b;c\n1,2;3\n"
    with pytest.raises(FileRefused) as refused:
        open_table(data)
    assert (refused.value.code, refused.value.field) == ("delimiter_ambiguous", "delimiter")
    assert open_table(data, delimiter="semicolon").header == ("a,b", "c")
    with pytest.raises(FileRefused, match="No delimiter"):
        open_table(b"a\n1\n")
    with pytest.raises(FileRefused, match="is no delimiter"):
        open_table(data, delimiter="x")


def test_a_first_line_that_names_the_delimiter_is_believed():
    table = open_table(b"sep=;\r\na;b,c\r\n1;2\r\n")
    assert (table.dialect.delimiter, table.header_line) == (";", 2)
    assert list(table.rows()) == [Row(3, 3, ("1", "2"))]


def test_line_numbers_count_quoted_line_breaks_and_blank_lines():
    data = b'\r\na,b\r\n\r\n"x\r\ny",1\r\nz,2\r\n'
    assert rows(data) == [Row(4, 5, ("x\r\ny", "1")), Row(6, 6, ("z", "2"))]


def test_ragged_rows_are_reported_with_their_line():
    short, long, padded = rows(b"a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n")
    assert (short.line, short.message) == (2, "2 cells, but the header has 3 columns.")
    assert (long.line, long.message) == (3, "4 cells, but the header has 3 columns.")
    assert padded.cells == ("1", "2", "3")


def test_a_quote_that_is_never_closed_is_reported_with_the_line_it_opens_on():
    good, bad = rows(b'a,b\n1,2\n"3,unterminated\n4,5\n')
    assert good.cells == ("1", "2")
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.line_to) == (3, 4)
    assert "line 3" in bad.message


def test_reading_goes_on_behind_a_quoting_error():
    bad, good = rows(b'a,b\n"1"x,2\n3,4\n')
    assert isinstance(bad, BadRow)
    assert good == Row(3, 3, ("3", "4"))


def test_a_column_named_twice_refuses_the_file():
    with pytest.raises(FileRefused, match=r"“Name” more than once \(columns 1, 3\)"):
        open_table(b"Name,Email,name \n1,2,3\n")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\n\n", "delimiter_ambiguous"),
        (b"%PDF-1.7 ...", "not_text"),
        (b"PK\x03\x04 broken", "bad_workbook"),
        (bytes(range(32)) * 40, "not_text"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00\x00", "bad_bytes"),
    ],
)
def test_what_is_no_table_is_refused(data, code):
    with pytest.raises(FileRefused) as refused:
        list(open_table(data).rows())
    assert refused.value.code == code


def test_a_line_without_end_is_refused_before_it_fills_the_memory():
    with pytest.raises(FileRefused) as refused:
        open_table(io.BytesIO(b"a,b\n" + b"x" * (6 << 20)))
    assert refused.value.code == "line_too_long"


class _Pipe(io.RawIOBase):
    """A stream that cannot be rewound."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._data.readinto(buffer)


def test_a_stream_that_cannot_be_rewound_is_read_as_often_as_needed():
    with open_table(io.BufferedReader(_Pipe(b"a,b\n1,2\n"))) as table:
        assert list(table.rows()) == list(table.rows()) == [Row(2, 2, ("1", "2"))]


@pytest.mark.slow
def test_memory_stays_bounded_for_half_a_million_lines():
    data = b"a,b,c\n" + b"12345,a longer cell of text,3.50\n" * 541_909
    tracemalloc.start()
    try:
        count = sum(1 for _row in open_table(io.BytesIO(data)).rows())
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 541_909
    assert peak < 16 << 20


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)] * 3),
        max_size=8,
    )
)
def test_whatever_a_csv_writer_writes_is_read_back(records):
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("Name", "Title", "Total"), *records])
    found = rows(file.getvalue().encode(), encoding="utf-8", delimiter="comma")
    assert [row.cells for row in found] == [record for record in records if any(record)]


# Workbooks ----------------------------------------------------------------------------------------------------------------


def workbook(**sheets) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for y, line in enumerate(lines):
                for x, cell in enumerate(line):
                    sheet.write(y, x, cell)
    return file.getvalue()


def test_a_workbook_is_read_as_the_same_table():
    data = workbook(Orders=[["Name", "Total", "Zip"], [], ["#1", 5, "01067"], ["#2", 19.9, True]])
    table = open_table(data)
    assert (table.dialect.encoding, table.dialect.sheet) == ("xlsx", "Orders")
    assert list(table.rows()) == [
        Row(3, 3, ("#1", "5", "01067")),
        Row(4, 4, ("#2", "19.9", "true")),
    ]


def test_numbers_that_a_workbook_cannot_hold_keep_their_exponent():
    (row,) = open_table(workbook(Orders=[["Name", "Id"], ["#1", 820983712345678912]])).rows()
    assert "E+17" in row.cells[1]


def test_the_sheet_with_known_columns_is_read_and_two_of_them_are_refused():
    one = workbook(Readme=[["hello", "there"]], Orders=[["Name", "Total"], ["#1", "5"]])
    assert open_table(one, known={"name", "total"}).dialect.sheet == "Orders"
    two = workbook(A=[["Name", "Total"], ["#1", "5"]], B=[["Name", "Total"], ["#2", "6"]])
    with pytest.raises(FileRefused, match="“A”, “B”"):
        open_table(two, known={"name"})


def test_an_archive_that_would_unpack_to_too_much_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as entry:
            for _chunk in range(520):
                entry.write(bytes(1 << 20))
    with pytest.raises(FileRefused) as refused:
        open_table(file.getvalue())
    assert refused.value.code == "workbook_too_large"
