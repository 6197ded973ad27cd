"""The numbers are said rightly, in a sentence."""

from datetime import UTC, datetime

from pilothouse.wire.drift import ColumnDrift, DriftAnswer
from pilothouse.wire.models import ModelStats
from services.frontend import sentences


def column(name, score, threshold=0.1):
    return ColumnDrift(
        name=name, score=score, threshold=threshold, drifted=None if score is None else score > threshold
    )


def drift(verdict, *columns, **more):
    return DriftAnswer(model="houses", version="1", verdict=verdict, columns=columns, **more)


def test_drift_names_the_furthest_columns_first():
    said = sentences.drift_headline(
        drift("drift", column("lot_m2", 0.15), column("year_built", 0.4), column("beds", 0.05))
    )
    assert said.tone == "bad"
    assert said.sentence == (
        "2 of 3 columns drifted: Year built (4.0\u00d7 its threshold) and Lot m² (1.5\u00d7 its threshold)."
    )


def test_columns_that_are_drift_by_themselves_come_first():
    said = sentences.drift_headline(
        drift("drift", column("a", 0.12), column("b", 0.5), column("c", 0.01), alone_columns=("b",))
    )
    assert (
        said.sentence
        == "Drift in B (5.0\u00d7 its threshold): far enough by itself, though only 2 of 3 columns drifted."
    )


def test_many_drifted_columns_are_counted_after_three():
    said = sentences.drift_headline(drift("drift", *(column(f"c{i}", 0.5 - i / 100) for i in range(5))))
    assert said.sentence.startswith("5 of 5 columns drifted: C0")
    assert said.sentence.endswith("and 2 more.")


def test_a_few_moved_columns_are_no_drift_but_are_named():
    said = sentences.drift_headline(drift("no drift", column("beds", 0.2), column("baths", 0.01)))
    assert (said.tone, said.pill) == ("warn", "No drift")
    assert "1 of 2 columns drifted, too few to call it drift: Beds" in said.sentence


def test_no_drift_counts_scored_columns_only():
    said = sentences.drift_headline(drift("no drift", column("beds", 0.01), column("baths", None)))
    assert said.sentence == "None of 1 columns moved away from the reference."


def test_an_unknown_verdict_says_why():
    said = sentences.drift_headline(drift("unknown", reason="too_few_rows", message="12 rows, 100 are needed"))
    assert (said.tone, said.sentence) == ("quiet", "12 rows, 100 are needed.")


def test_a_column_without_a_threshold_is_not_in_excess():
    assert ColumnDrift(name="a", score=1.0).excess == 0


def test_what_is_stored_is_found_by_model_and_version():
    stats = [ModelStats("a", "1", 5), ModelStats("a", "2", 1200, last="2026-11-20T11:00:00Z")]
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert sentences.stored(stats, "a", "2", now) == "1,200 logged, last 1 h ago"
    assert sentences.stored(stats, "b", "1", now) == "nothing logged yet"


def test_a_number_comes_with_its_unit():
    assert sentences.answer(1015.25, "USD/m²") == "1,015 USD/m²"
    assert sentences.answer(0.5, None) == "0.5"
    assert sentences.answer("shirt", "USD") == "shirt"


def test_confidence_names_the_runner_up_where_there_is_a_real_one():
    assert sentences.confidence({"a": 0.6, "b": 0.3, "c": 0.1}, "a") == "60% sure, then b with 30%"
    assert sentences.confidence({"a": 0.996, "b": 0.003, "c": 0.001}, "a") == "99.6% sure"
    assert sentences.confidence({"no": 0.4, "yes": 0.6}, "no") == "40% sure"


def test_how_far_a_prediction_missed_has_a_direction():
    assert sentences.missed(-329.4) == "Predicted 329.4 less than that."
    assert sentences.missed(25.25) == "Predicted 25.25 more than that."
    assert sentences.missed(0.0) == "Predicted exactly that."


def test_what_the_log_holds_is_one_sentence():
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    stats = ModelStats("a", "1", 1200, "2026-11-18T11:00:00Z", "2026-11-20T11:00:00Z", 30)
    assert sentences.held(stats, now) == "1,200 records, the newest 1 h ago, the oldest 2 days ago; 30 with a label."
    assert sentences.held(ModelStats("a", "1", 1, labels=2000, labels_estimated=True), now) == (
        "1 record; about 2,000 with a label."
    )
