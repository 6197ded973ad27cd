import pytest
from pydantic import ValidationError

from pilothouse.columns import record_columns, schema_digest
from pilothouse.errors import ManifestError
from pilothouse.manifest import DriftColumn, Feature, ImageInput, Manifest, Monitoring, Output, RiskTier, TabularInput

NUMBER = Feature(name="amount", type="number")


def manifest(**changes):
    given = {
        "name": "fraud",
        "version": "1",
        "task": "binary",
        "input": TabularInput(features=(NUMBER,)),
        "output": Output(classes=("fine", "Card fraud!"), risk_tiers=(RiskTier(name="low", from_probability=0),)),
    }
    return Manifest(**given | changes)


def test_a_manifest_survives_its_file(tmp_path):
    written = manifest(examples=({"amount": 3},))
    written.write(tmp_path / "manifest.yaml")
    assert Manifest.read(tmp_path / "manifest.yaml") == written


def test_the_log_has_features_outputs_and_what_is_known_of_the_request():
    names = [c.name for c in record_columns(manifest())]
    assert names[:3] == ["latency_ms", "source", "trace_id"]
    assert names[3:] == ["amount", "prediction", "probability_fine", "probability_card_fraud", "risk"]


def test_an_image_model_logs_its_statistics_and_embedding():
    image = manifest(input=ImageInput(width=28, height=28, statistics=("noise",), embedding_size=16))
    by_name = {c.name: c for c in record_columns(image)}
    assert by_name["noise"].kind == "number"
    assert (by_name["embedding"].kind, by_name["embedding"].size) == ("vector", 16)


def test_classes_with_one_slug_get_columns_of_their_own():
    both = manifest(task="multiclass", output=Output(classes=("a b", "a-b", "!")))
    assert both.probability_columns == ("probability_a_b", "probability_a_b_1", "probability_2")


def test_the_schema_digest_changes_with_columns_and_not_with_words():
    other = manifest(input=TabularInput(features=(NUMBER, Feature(name="age", type="integer"))))
    assert schema_digest(manifest()) == schema_digest(manifest(description="new words"))
    assert schema_digest(manifest()) != schema_digest(other)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "regression"}, "a regression has none"),
        ({"output": Output(classes=("a", "b", "c"))}, "exactly two"),
        ({"output": Output(classes=("a", "a"))}, "listed twice"),
        ({"name": "Not A Name"}, "name"),
        ({"artifact": None}, "needs one"),
        ({"monitoring": Monitoring(columns=(DriftColumn(name="nope"),))}, "'nope' is not a column"),
        ({"monitoring": Monitoring(window_rows=50)}, "set minimum_rows to 50 or less"),
        ({"monitoring": Monitoring(window_rows=200, minimum_rows=201)}, "no window would ever be scored"),
        (
            {"monitoring": Monitoring(columns=(DriftColumn(name="prediction", stattest="wasserstein"),))},
            "wasserstein does not fit 'prediction'",
        ),
        (
            {"output": Output(classes=("a", "b"), risk_tiers=(RiskTier(name="x", from_probability=0.5),))},
            "must begin at probability 0",
        ),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(changes, says):
    with pytest.raises(ValidationError, match=says):
        manifest(**changes)


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ({"name": "prediction", "type": "number"}, "rename the feature"),
        ({"name": "Level", "type": "number"}, "rename the feature"),
        ({"name": "probability_x", "type": "number"}, "rename the feature"),
        ({"name": "a; drop table", "type": "number"}, "pattern"),
        ({"name": "a", "type": "category"}, "needs them"),
        ({"name": "a", "type": "number", "minimum": 2, "maximum": 1}, "above maximum"),
        ({"name": "a", "type": "boolean", "minimum": 0}, "no minimum"),
        ({"name": "a", "type": "number", "default": 1}, "required feature has no default"),
    ],
)
def test_a_feature_that_contradicts_itself_is_refused(feature, says):
    with pytest.raises(ValidationError, match=says):
        Feature(**feature)


def test_features_that_differ_only_in_case_are_refused():
    with pytest.raises(ValidationError, match="must differ"):
        TabularInput(features=(NUMBER, Feature(name="Amount", type="number")))


def test_the_format_of_an_external_model_is_read_by_both_names_and_written_as_stored_manifests_have_it(tmp_path):
    spoken = {"names": {"amount": "eur"}}
    stored = manifest(runtime="external", elsewhere=spoken)
    assert stored == manifest(runtime="external", external_format=spoken)
    assert stored.external_format.names == {"amount": "eur"}
    assert stored.model_dump(mode="json")["elsewhere"]["names"] == {"amount": "eur"}
    assert Manifest.model_validate_json(stored.model_dump_json()) == stored
    stored.write(tmp_path / "manifest.yaml")
    assert "elsewhere:" in (tmp_path / "manifest.yaml").read_text()


def test_a_file_that_is_no_manifest_says_where_and_why(tmp_path):
    path = tmp_path / "manifest.yaml"
    path.write_text("name: [", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"manifest\.yaml"):
        Manifest.read(path)


@pytest.mark.parametrize(
    ("task", "monitoring", "fault"),
    [
        ("regression", {"performance_metric": "accuracy"}, "one of mae, rmse, r2, mape, bias"),
        ("binary", {"performance_metric": "mae"}, "one of accuracy, f1, roc_auc, pr_auc, log_loss, brier"),
        ("regression", {"performance_floor": 3}, "needs a performance_metric"),
        ("regression", {"performance_metric": "bias", "performance_floor": 3}, "that can be good or bad"),
    ],
)
def test_a_performance_metric_fits_the_task_and_a_floor_needs_one(task, monitoring, fault):
    given = {
        "name": "m", "version": "1", "task": task, "monitoring": monitoring,
        "input": {"kind": "tabular", "features": [{"name": "a", "type": "number"}]},
        "output": {"classes": ["n", "y"]} if task == "binary" else {},
    }  # fmt: skip
    with pytest.raises(ValueError, match=fault):
        Manifest.model_validate(given)


@pytest.mark.parametrize("name", ["label", "labelled_at", "Prediction"])
def test_a_feature_may_not_have_a_name_of_the_log(name):
    with pytest.raises(ValueError, match="a column of the log"):
        Feature(name=name, type="number")
