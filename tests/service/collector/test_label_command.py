"""`pilothouse label` and `LabelClient` against a real collector: what was stored, what was not, and why."""

import re
import signal
import subprocess
import sys
from uuid import UUID

import httpx2
import pytest
from typer.testing import CliRunner

import pilothouse
from pilothouse.cli import app
from pilothouse.errors import RemoteError
from pilothouse.ids import uuid7, uuid7_many
from testkit.collector.driver import MANIFEST
from testkit.drift.stack import running_collector
from testkit.waiting import wait_for

COLUMNS = ["area", "rooms", "Kind", "pool", "sold", "prediction", "probability_no", "probability_yes"]
ROW = [81.5, 3, "flat", True, 0, "yes", 0.25, 0.75]


@pytest.fixture
def collector(tmp_path):
    with running_collector(tmp_path / "state") as collector:
        collector.announce(MANIFEST)
        yield collector


@pytest.fixture
def ids(collector):
    return collector.log(MANIFEST, COLUMNS, [ROW] * 4)


@pytest.fixture
def label(collector, tmp_path):
    """Run the command on a file with this text, or with these words."""

    def run(*words, text=None):
        path = tmp_path / "labels.csv"
        if text is not None:
            path.write_text(text)
            words = (str(path), *words)
        return CliRunner().invoke(app, ["label", *words, "--collector", collector.url])

    return run


def stored(collector):
    records = httpx2.get(f"{collector.url}/v1/records", params={"model": "houses", "labels": "true"}).json()["records"]
    return [record["label"] for record in records]


def test_a_file_is_stored_and_storing_it_again_changes_nothing(label, collector, ids):
    text = "id,label\n" + "".join(f"{i},yes\n" for i in ids)
    first = label(text=text)
    assert (first.exit_code, first.stdout.strip()) == (0, "4 labels stored")
    assert label(text=text).stdout.strip() == "0 labels stored, 4 stored already"
    assert label(text=text.replace("yes", "no")).stdout.strip() == "4 labels stored (4 in place of another)"
    assert stored(collector) == ["no"] * 4


def test_rejected_labels_are_told_with_their_lines_and_the_others_are_stored(label, collector, ids):
    done = label(text=f"id;label\n{ids[0]};yes\n7;no\n{ids[1]};\n{ids[2]};banana\n{ids[3]};no;no\n{ids[3]};no\n")
    assert done.exit_code == 1
    assert done.stdout.strip() == "2 labels stored, 1 empty cell skipped, 3 rejected"
    said = done.stderr
    assert "rejected: line 3: record_id: must be the UUIDv7 of a prediction" in said
    assert "rejected: line 5: label: 'banana' is no class of the model; it has 'no', 'yes'" in said
    assert "rejected: line 6 has 3 fields, the header 2" in said
    assert stored(collector) == ["yes", None, None, "no"]


def test_of_very_many_rejected_ones_some_are_printed_and_all_are_counted(label):
    done = label(text="id,label\n" + "x,yes\n" * 7000)
    assert done.stderr.count("rejected: line") == 100
    assert "rejected in all: 7,000 not_uuid7" in done.stderr
    assert done.stdout.strip() == "0 labels stored, 7,000 rejected"


def test_one_label_is_stored_or_refused_with_the_classes(label, collector, ids):
    assert label(ids[0], "yes").stdout.strip() == "1 label stored"
    refused = label(ids[1], "banana")
    assert (refused.exit_code, refused.stdout.strip()) == (1, "0 labels stored, 1 rejected")
    assert "it has 'no', 'yes'" in refused.stderr
    assert label("7", "yes").exit_code == 1


def test_a_label_of_an_unknown_record_is_said_to_wait(label):
    assert label(str(uuid7()), "yes").stdout.strip() == "1 label stored (1 waiting for their record to come)"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(["[/none].csv"], "[/none].csv: there is no such file"), ([str(UUID(int=7))], "say what was true")],
)
def test_what_cannot_be_done_is_one_sentence(label, words, sentence):
    done = label(*words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_wrong_columns_are_one_sentence_with_those_that_there_are(label, ids):
    text = f"id,truth\n{ids[0]},yes\n"
    assert "no column 'label'; the header has id, truth" in label(text=text).stderr
    assert label("--label-column", "truth", text=text).stdout.strip() == "1 label stored"


def test_a_collector_that_is_away_is_said(label, collector, ids):
    collector.stop()
    done = label(text=f"id,label\n{ids[0]},yes\n")
    assert done.exit_code == 1
    assert done.stdout.strip() == "0 labels stored"
    assert collector.url in done.stderr and "Traceback" not in done.stderr
    collector.start()


def started(collector, path):
    command = [sys.executable, "-c", "from pilothouse.cli import app; app()", "label", str(path)]
    process = subprocess.Popen([*command, "--collector", collector.url], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)  # fmt: skip
    wait_for(lambda: taken(collector) > 0, 60)
    return process


def taken(collector):
    lines = httpx2.get(f"{collector.url}/metrics").text.splitlines()
    counted = [line for line in lines if line.startswith('pilothouse_collector_labels_total{outcome="accepted"}')]
    return float(counted[0].split()[-1]) if counted else 0.0


@pytest.fixture
def many(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("id,label\n" + "".join(f"{UUID(bytes=i)},yes\n" for i in uuid7_many(60_000)))
    return path


def test_an_interrupted_file_says_what_is_stored_and_can_be_sent_again(label, collector, many):
    process = started(collector, many)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert out.startswith("stopped, ") and "labels stored" in out and "Traceback" not in error
    again = numbers(label(str(many)).stdout)
    assert 0 < numbers(out)[0] <= again[-1] < 60_000, "one request more may have been on its way"
    assert again == [60_000 - again[-1], 60_000 - again[-1], again[-1]]


def numbers(text):
    return [int(found.replace(",", "")) for found in re.findall("[0-9][0-9,]*", text)]


def test_a_collector_that_goes_away_in_the_middle_loses_nothing_that_was_said_to_be_stored(label, collector, many):
    process = started(collector, many)
    collector.stop()
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1 and "RemoteError" in error and "Traceback" not in error
    collector.start()
    again = numbers(label(str(many)).stdout)
    assert 0 < numbers(out)[0] <= again[-1] < 60_000
    assert again[0] + again[-1] == 60_000


def test_from_python_the_result_says_which_were_refused(collector, ids):
    with pilothouse.LabelClient(collector.url) as client:
        result = client.send([(ids[0], "yes"), (ids[1], "banana"), (ids[2], float("nan")), (ids[3], "no", 5)])
        assert result.accepted == 2
        found = [(refused.index, refused.code) for refused in result.rejected]
        assert found == [(1, "not_a_class"), (2, "not_a_class")]
        assert client.send([(ids[0], "banana")]).rejected[0].code == "not_a_class"
        wrong = client.send((i, "maybe") for i in ids * 3_000)
        assert [r.index for r in wrong.rejected] == list(range(12_000))


def test_a_collector_that_takes_fewer_at_once_gets_them_in_parts(tmp_path):
    with running_collector(tmp_path, max_rows=700) as collector:
        collector.announce(MANIFEST)
        ids = collector.log(MANIFEST, COLUMNS, [ROW] * 600)
        labels = [(i, "yes") for i in ids] * 4
        labels[1999] = ("7", "yes")
        with pilothouse.LabelClient(collector.url) as client:
            result = client.send(labels)
    assert (result.accepted, result.unchanged) == (600, 1799)
    assert [refused.index for refused in result.rejected] == [1999]


def test_a_wrong_key_is_an_error_with_the_reason(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("1111111111111111111111 ingest\n")
    with (
        running_collector(tmp_path / "state", api_keys_file=keys) as collector,
        pilothouse.LabelClient(collector.url, "wrong") as client,
        pytest.raises(RemoteError, match="401"),
    ):
        client.send([(str(uuid7()), "yes")])
