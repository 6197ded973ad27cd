"""Which kind of task a model is measured as."""

import pytest

from pilothouse.tasks import TASKS
from pilothouse.tasks.multiclass import Multiclass
from pilothouse.tasks.task import Task
from services.drift.performance.classification import ClassificationPerformance
from services.drift.performance.regression import RegressionPerformance
from services.drift.performance.tasks import performance_of
from testkit.drift.frames import task_manifest


def of_task(task, monkeypatch):
    """A manifest of a task type that somebody has registered."""
    monkeypatch.setitem(TASKS, task.name, task)
    return task_manifest(classes=("a", "b"), task="binary").model_copy(update={"task": task.name})


@pytest.mark.parametrize(
    ("task", "classes", "kind"),
    [
        ("regression", None, RegressionPerformance),
        ("binary", ("n", "y"), ClassificationPerformance),
        ("multiclass", ("a", "b", "c"), ClassificationPerformance),
    ],
)
def test_each_task_has_its_kind(task, classes, kind):
    assert isinstance(performance_of(task_manifest(task, classes)), kind)


def test_a_task_that_derives_from_another_is_measured_like_that_one(monkeypatch):
    class Ordinal(Multiclass):
        name = "ordinal"

    assert isinstance(performance_of(of_task(Ordinal(), monkeypatch)), ClassificationPerformance)


def test_of_a_task_that_is_quite_new_it_is_said_that_there_is_none_yet(monkeypatch):
    class Ranking(Task):
        name = "ranking"

    Ranking.__abstractmethods__ = frozenset()
    with pytest.raises(NotImplementedError, match="ranking"):
        performance_of(of_task(Ranking(), monkeypatch))
