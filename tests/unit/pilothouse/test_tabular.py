import json
import math
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.errors import InputError, TooLarge
from pilothouse.manifest import Feature, TabularInput
from pilothouse.tabular import TabularCodec

SPEC = TabularInput(
    features=(
        Feature(name="area", type="number", minimum=0, maximum=1000, unit="m2"),
        Feature(name="rooms", type="integer"),
        Feature(name="class", type="category", categories=("brick", "wood")),
        Feature(name="garden", type="boolean", required=False),
        Feature(name="sold", type="datetime", minimum="1990-01-01", maximum="2030-01-01"),
    )
)
GOOD = {"area": 80.5, "rooms": 3, "class": "wood", "sold": "1998-02-03"}
SOLD_MS = 886_464_000_000


@pytest.fixture(scope="module")
def codec():
    return TabularCodec(SPEC, max_rows=3)


def faults(codec, body):
    with pytest.raises(InputError) as caught:
        codec.decode(body if isinstance(body, bytes) else json.dumps(body).encode())
    return {(f.path, f.code) for f in caught.value.faults}


def test_one_object_is_one_row_in_the_manifests_order(codec):
    assert codec.decode(json.dumps(GOOD).encode()) == ([(80.5, 3, "wood", None, SOLD_MS)], False)


def test_instances_are_many_rows(codec):
    rows, many = codec.decode(json.dumps({"instances": [GOOD, GOOD]}).encode())
    assert (len(rows), many) == (2, True)


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"colour": "red"}, "colour", "unknown_feature"),
        ({"area": None}, "area", "missing"),
        ({"area": "80"}, "area", "wrong_type"),
        ({"area": True}, "area", "wrong_type"),
        ({"area": -0.1}, "area", "out_of_range"),
        ({"area": 1000.1}, "area", "out_of_range"),
        ({"rooms": 2.5}, "rooms", "wrong_type"),
        ({"rooms": 2**53 + 1}, "rooms", "out_of_range"),
        ({"class": "steel"}, "class", "unknown_category"),
        ({"class": 1}, "class", "wrong_type"),
        ({"garden": 1}, "garden", "wrong_type"),
        ({"sold": "yesterday"}, "sold", "wrong_type"),
        ({"sold": "1989-12-31"}, "sold", "out_of_range"),
        ({"sold": "2030-01-01T00:00:01Z"}, "sold", "out_of_range"),
        ({"sold": "0001-01-01T00:00:00+14:00"}, "sold", "out_of_range"),  # in UTC it is before the first year
        ({"sold": "9999-12-31T23:00:00-14:00"}, "sold", "out_of_range"),
        ({"sold": 19980203}, "sold", "wrong_type"),
    ],
)
def test_each_fault_names_its_field(codec, change, path, code):
    assert faults(codec, GOOD | change) == {(path, code)}


def test_all_faults_of_all_instances_are_named(codec):
    found = faults(codec, {"instances": [GOOD, GOOD | {"area": -1, "rooms": "x"}, {}]})
    assert {("instances[1].area", "out_of_range"), ("instances[1].rooms", "wrong_type")} <= found
    assert ("instances[2].sold", "missing") in found


@pytest.mark.parametrize("literal", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_what_is_no_finite_number_names_its_field(codec, literal):
    body = json.dumps(GOOD).encode().replace(b"80.5", literal)
    assert faults(codec, body) == {("area", "not_finite")}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "not_an_object"),
        (b'{"instances": []}', "not_a_list"),
        (b'{"instances": {}}', "not_a_list"),
        (b'{"instances": [1]}', "not_an_object"),
    ],
)
def test_a_body_that_is_no_request_says_why(codec, body, code):
    assert {c for _, c in faults(codec, body)} == {code}


def test_a_lone_surrogate_in_a_name_does_not_come_back_as_it_is(codec):
    (path, _), *_ = faults(codec, b'{"area":1,"rooms":1,"class":"wood","sold":"1998-01-01","\\ud800":1}')
    assert path == "\\ud800"


def test_more_instances_than_allowed_are_refused(codec):
    with pytest.raises(TooLarge, match="4 instances"):
        codec.decode(json.dumps({"instances": [GOOD] * 4}).encode())


def test_tensors_hold_numbers_and_codes_and_nan_for_what_is_missing(codec):
    tensors = codec.tensors(codec.decode(json.dumps(GOOD).encode())[0])
    numbers = tensors["numbers"][0]
    assert numbers.dtype == np.float32
    assert numbers[:2].tolist() == [80.5, 3.0]
    assert math.isnan(numbers[2])
    assert numbers[3] == SOLD_MS / 86_400_000
    assert tensors["categories"].tolist() == [[1]]


def test_a_default_fills_what_is_absent():
    spec = TabularInput(features=(Feature(name="n", type="integer", required=False, default=4),))
    assert TabularCodec(spec).decode(b"{}") == ([(4,)], False)


def test_a_datetime_may_have_an_offset_and_needs_no_bounds():
    codec = TabularCodec(TabularInput(features=(Feature(name="t", type="datetime"),)))
    rows = [codec.decode(json.dumps({"t": text}).encode())[0] for text in ("1998-02-03T02:00+02:00", "0001-01-01")]
    assert rows == [[(SOLD_MS,)], [(-62_135_596_800_000,)]]


moments = st.datetimes(timezones=st.none() | st.timezones()).map(datetime.isoformat)
values = st.one_of(st.floats(), st.integers(), st.text(max_size=12), st.booleans(), st.none(), moments)
instances = st.fixed_dictionaries({}, optional=dict.fromkeys((*GOOD, "garden"), values))
sold = st.fixed_dictionaries({k: st.just(v) for k, v in GOOD.items() if k != "sold"} | {"sold": moments})


@given(instances | sold)
def test_the_quick_and_the_thorough_decoder_agree(instance):
    """The quick one accepts only what the thorough one accepts, and reads the same row."""
    codec = TabularCodec(SPEC)
    body = json.dumps(instance).encode()
    try:
        thorough = codec.validate([instance], many=False)
    except InputError:
        thorough = None
    try:
        quick = codec.decode(body)[0]
    except InputError:
        quick = None
    assert quick == thorough
