"""Task types: everything that differs between a regression, a binary and a multiclass model, one file for each.

The rest of the tree asks the task of a manifest (`task_of`) and never compares its name. A new task type is one file
here and its name in `TASKS`; a program can also `register` one of its own before it reads manifests. Nothing heavy is
imported: arrays and tensors come in as arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from pilothouse.tasks.binary import Binary
from pilothouse.tasks.multiclass import Multiclass
from pilothouse.tasks.regression import Regression
from pilothouse.tasks.task import PerformanceMetric, Task

if TYPE_CHECKING:
    from pilothouse.manifest import Manifest

__all__ = ["TASKS", "PerformanceMetric", "Task", "TaskName", "metric_title", "register", "task_named", "task_of"]

TASKS: dict[str, Task] = {task.name: task for task in (Regression(), Binary(), Multiclass())}


def register(task: Task) -> None:
    """Make a task type known by its name. Raises ValueError when the name is taken."""
    if task.name in TASKS:
        raise ValueError(f"there is a task {task.name!r} already")
    TASKS[task.name] = task


def task_of(manifest: Manifest) -> Task:
    """The task type of a model."""
    return TASKS[manifest.task]


def task_named(name: str) -> Task:
    """The task type of this name. Raises ValueError, which lists the known ones."""
    if name not in TASKS:
        raise ValueError(f"{name!r} is not a task; it is one of {', '.join(TASKS)}")
    return TASKS[name]


def metric_title(name: str) -> str:
    """What people call a metric of any task; its name where no task has it."""
    return next((m.title for task in TASKS.values() for m in task.metrics if m.name == name), name)


def _known(name: str) -> str:
    return task_named(name).name


def _list_names(schema: dict[str, Any]) -> None:
    schema["enum"] = list(TASKS)


TaskName = Annotated[str, AfterValidator(_known), Field(json_schema_extra=_list_names)]
