"""A manifest becomes a form, and a form becomes a request."""

from datetime import date, datetime

from pilothouse.errors import Fault
from pilothouse.manifest import Feature, TabularInput
from pilothouse.tabular import TabularCodec
from services.frontend.views.predict import fields
from testkit.frontend.manifests import EXAMPLE, FEATURES

SPEC = TabularInput(features=FEATURES)
FIELDS = {f.name: f for f in fields.fields(SPEC, (EXAMPLE,))}


def one(feature, *examples):
    return fields.fields(TabularInput(features=(feature,)), examples)[0]


def test_each_type_has_its_own_field():
    kinds = {name: field.kind for name, field in FIELDS.items()}
    assert kinds == {
        "sale_date": "date", "year_built": "integer", "living_m2": "number", "garage": "choice", "corner": "boolean",
        "renovated": "boolean", "lot_m2": "number",
    }  # fmt: skip


def test_fields_say_unit_range_and_name():
    field = FIELDS["living_m2"]
    assert field.label == "Living (m²)"
    assert field.help == "Living area. Accepted\\: 20 to 800 m². Sent as `living_m2`."
    assert field.placeholder == "20 to 800"


def test_years_have_no_thousands_separator():
    area = one(Feature(name="area", type="number", unit="m2", minimum=5, maximum=1500))
    assert FIELDS["year_built"].placeholder == "1800 to 1998"
    assert area.placeholder == "5 to 1,500"


def test_an_optional_field_says_what_emptiness_means():
    with_default = one(Feature(name="rooms", type="integer", required=False, default=5))
    assert "taken as missing" in FIELDS["lot_m2"].help
    assert "taken as 5" in with_default.help
    assert with_default.placeholder == "5"


def test_descriptions_cannot_bring_markdown():
    assert r"Land; \*often\* missing" in FIELDS["lot_m2"].help


def test_a_datetime_with_a_time_of_day_asks_for_one():
    feature = Feature(name="taken", type="datetime")
    assert one(feature, {"taken": "1995-06-01"}).kind == "date"
    assert one(feature, {"taken": "1995-06-01T08:30:00"}).kind == "moment"
    assert one(Feature(name="taken", type="datetime", maximum=datetime(1999, 1, 1, 12))).kind == "moment"


def test_steps_follow_the_range():
    assert FIELDS["living_m2"].step == 1
    assert one(Feature(name="share", type="number", minimum=0, maximum=1)).step == 0.01


def test_an_example_fills_the_form_and_comes_back_as_it_was():
    filled = {name: fields.widget_value(field, EXAMPLE.get(name)) for name, field in FIELDS.items()}
    assert filled["sale_date"] == date(1995, 6, 1)
    assert filled["corner"] == "no"
    assert fields.instance(FIELDS.values(), filled) == EXAMPLE


def test_what_is_sent_is_what_the_service_takes():
    filled = {name: fields.widget_value(field, EXAMPLE.get(name)) for name, field in FIELDS.items()}
    assert TabularCodec(SPEC).validate([fields.instance(FIELDS.values(), filled)])


def test_empty_fields_are_not_sent():
    assert fields.instance(FIELDS.values(), {"year_built": None, "living_m2": 90.0}) == {"living_m2": 90.0}


def test_a_moment_is_sent_in_utc():
    field = one(Feature(name="taken", type="datetime"), {"taken": "1995-06-01T08:30:00"})
    assert fields.widget_value(field, "1995-06-01T10:30:00+02:00") == datetime(1995, 6, 1, 8, 30)
    assert fields.instance([field], {"taken": datetime(1995, 6, 1, 8, 30)}) == {"taken": "1995-06-01T08:30:00+00:00"}


def test_faults_find_their_fields():
    faults = [
        Fault("year_built", "out_of_range", "too old"),
        Fault("instances[0].garage", "unknown_category", "no such garage"),
        Fault("colour", "unknown_feature", "the model has no such feature"),
        Fault("", "not_json", "broken"),
    ]
    at, elsewhere = fields.by_field(faults, FIELDS)
    assert at == {"year_built": ["too old"], "garage": ["no such garage"]}
    assert elsewhere == ["colour: the model has no such feature", "broken"]
