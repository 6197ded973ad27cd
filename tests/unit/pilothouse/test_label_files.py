"""Files of labels: their columns found, every row with its line, and what is wrong in one sentence."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pilothouse.errors import InputError
from pilothouse.label_csv import BadRow, LabelColumns, LabelRow, open_rows
from pilothouse.label_files import open_labels
from pilothouse.labels import is_missing, json_label


@pytest.fixture
def rows(tmp_path):
    """The rows of a CSV file with this text."""

    def read(text, columns=None, encoding="utf-8"):
        path = tmp_path / "labels.csv"
        path.write_bytes(text.encode(encoding))
        with open_labels(path, columns or LabelColumns()) as file:
            return list(file.rows)

    return read


@pytest.fixture
def refused(rows):
    def read(text, columns=None, encoding="utf-8"):
        with pytest.raises(InputError) as error:
            rows(text, columns, encoding)
        return str(error.value)

    return read


@pytest.mark.parametrize("text", ["id,label\na,1\n", "record_id,label\na,1", "id;label\r\na;1\r\n", "label\tid\n1\ta\n",
                                  "\ufeffid,label\na,1\n", " id , label \na,1\n", '"id","label"\n"a","1"\n',
                                  "id,area,label\na,2.5,1\n", "id,label\n\n\na,1\n"])  # fmt: skip
def test_columns_are_found_however_the_file_is_written(rows, text):
    assert [(row.record_id, row.label) for row in rows(text)] == [("a", "1")]


def test_columns_are_named_by_options(rows):
    found = rows("prediction,truth,known\na,x,2026-11-21\n", LabelColumns("prediction", "truth", "known"))
    assert found == [LabelRow(2, "a", "x", "2026-11-21")]


def test_a_time_beside_id_and_label_counts_and_that_of_an_export_does_not(rows):
    assert rows("record_id,label,at\na,x,5\n")[0].at == "5"
    assert rows("id,at,area,label\na,5,2.5,x\n")[0].at is None, "there it is the time of the prediction"


@pytest.mark.parametrize("cell", ["", "  ", '""'])
def test_an_empty_cell_holds_no_label(rows, cell):
    assert rows(f"id,label\na,{cell}\n") == [LabelRow(2, "a", None)]


def test_a_line_with_more_or_fewer_fields_is_told_with_its_number(rows):
    found = rows('id,label\na,"x\ny"\nb,1,2\nc\nd,z\n')
    assert found == [
        LabelRow(2, "a", "x\ny"), BadRow(4, "fields", "line 4 has 3 fields, the header 2"),
        BadRow(5, "fields", "line 5 has 1 field, the header 2"), LabelRow(6, "d", "z"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no column 'record_id'; the header has nothing"),
        ("name,label\n", "no column 'record_id'; the header has name, label"),
        ("id,truth\n", "no column 'label'; the header has id, truth"),
        ("id,label,label\n", "the header names 'label' twice"),
        ('id,label\na,"x\n', "line 2 is no CSV: unexpected end of data"),
        ("id,label\na," + "x" * 200_000 + "\n", "line 2 is no CSV: field larger than field limit"),
    ],
)
def test_what_is_wrong_is_one_sentence(refused, text, sentence):
    said = refused(text)
    assert sentence in said and said.startswith("/") and "\n" not in said


def test_another_encoding_is_told(refused):
    assert "holds the byte 0xdf, which is no UTF-8; save it as UTF-8" in refused(
        "id,label\na,groß\n", encoding="latin-1"
    )


def test_the_strict_reader_takes_no_other_columns():
    with pytest.raises(InputError, match="'area': no such column"):
        open_rows(io.StringIO("id,label,area\n"), LabelColumns(), strict=True)


def parquet(tmp_path, **columns):
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    with open_labels(path, LabelColumns()) as file:
        rows = list(file.rows)
        assert (file.noun, file.size, file.position()) == ("row", len(rows), len(rows))
    return rows


def test_parquet_keeps_its_types_and_skips_what_is_missing(tmp_path):
    one = UUID(int=1)
    found = parquet(tmp_path, id=[str(one)] * 3, label=[1.0, None, float("nan")])
    assert found == [LabelRow(1, str(one), 1.0), LabelRow(2, str(one), None), LabelRow(3, str(one), None)]
    assert [row.label for row in parquet(tmp_path, id=["a", "b"], label=[True, False])] == [True, False]
    assert [row.label for row in parquet(tmp_path, id=["a"], label=pa.array(["x"]).dictionary_encode())] == ["x"]
    assert parquet(tmp_path, id=pa.array([one.bytes], pa.binary(16)), label=["x"])[0].record_id == str(one)
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    assert parquet(tmp_path, id=["a"], label=["x"], at=[moment])[0].at == "2026-11-21T00:00:00+00:00"


def test_what_is_no_parquet_is_one_sentence(tmp_path):
    path = tmp_path / "labels.parquet"
    path.write_text("id,label\n")
    with pytest.raises(InputError, match="is no readable Parquet file"), open_labels(path, LabelColumns()):
        pass


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there is no such file"), open_labels(tmp_path / "none.csv", LabelColumns()):
        pass
    with pytest.raises(InputError, match="is a folder"), open_labels(tmp_path, LabelColumns()):
        pass


def test_values_of_numpy_and_of_databases_become_json():
    numpy = pytest.importorskip("numpy")
    found = [
        json_label(value) for value in (numpy.int64(3), numpy.bool_(True), numpy.float32(0.5), Decimal("1.50"), None)
    ]
    assert found == [3, True, 0.5, "1.50", None]
    assert [json_label(value) for value in (float("nan"), float("-inf"), 2**70)] == ["nan", "-inf", str(2**70)]
    assert [is_missing(value) for value in (None, float("nan"), " ", "", 0, False, "x")] == [True] * 4 + [False] * 3
