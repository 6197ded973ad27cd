"""Learning from references: one fit for a reference, whoever asks and however many versions there are."""

import asyncio

import numpy as np
import pyarrow as pa
import pytest

from services.drift.errors import DriftError
from services.drift.performance.estimator import LearnedEstimator
from services.drift.performance.learned_reference import RETRY_SECONDS, LearnedReferences
from services.drift.performance.loss_model import LossModel
from services.drift.reference.baseline import Baseline
from services.drift.reference.reference import load_reference
from testkit.drift.frames import houses, manifest
from testkit.drift.stack import write_package

VERSIONS = 17  # one more than are kept


class Fitter:
    """Fits when it is let, or fails."""

    def __init__(self):
        self.fitted, self.begun, self.let, self.error = [], asyncio.Event(), asyncio.Event(), None

    async def fit(self, job):
        self.fitted.append(job.key)
        self.begun.set()
        await self.let.wait()
        if self.error:
            raise self.error
        return LossModel(job.key, job.rows, {})


class Store(dict):
    def read(self, key):
        return self.get(key)

    def write(self, model):
        self[model.key] = model


async def all_done(base):
    async with asyncio.timeout(20):
        await asyncio.gather(*base._fits._tasks.values())


class Forgetful:
    """Baselines of which none is kept: the most that a small memory can forget."""

    async def get(self, package):
        return Baseline(load_reference(package), None)


class Kept(Forgetful):
    def __init__(self):
        self.known = {}

    async def get(self, package):
        if package.folder not in self.known:
            self.known[package.folder] = await super().get(package)
        return self.known[package.folder]


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def package(folder, version="1"):
    table = houses(300, seed=int(version))
    labels = np.asarray(table.column("prediction")) + np.random.default_rng(int(version)).normal(0, 20, 300)
    spec = manifest().model_copy(update={"version": version})
    return write_package(folder, spec, table.append_column("label", pa.array(labels)))


@pytest.fixture
def one(tmp_path):
    return package(tmp_path)


async def test_two_that_wait_for_the_same_fit_are_both_told(one):
    fitter, store = Fitter(), Store()
    base = LearnedReferences(Kept(), fitter, store, Clock())
    asked = [asyncio.create_task(base.get(one, 20)) for _ in range(3)]
    await fitter.begun.wait()
    await asyncio.sleep(0.05)
    fitter.let.set()
    found = await asyncio.gather(*asked)
    assert [type(learned.estimator) for learned in found] == [LearnedEstimator] * 3
    assert (len(fitter.fitted), len(store)) == (1, 1)


async def test_more_versions_than_are_kept_are_fitted_once_each(tmp_path):
    packages = [package(tmp_path, str(n)) for n in range(1, VERSIONS + 1)]
    fitter, store = Fitter(), Store()
    base = LearnedReferences(Forgetful(), fitter, store, Clock())
    for _ in range(2):
        for each in packages:
            await base.get(each, 0)
    fitter.let.set()
    await all_done(base)
    assert len(store) == VERSIONS
    estimators = [(await base.get(each, 0)).estimator for each in packages]
    assert {type(e) for e in estimators} == {LearnedEstimator}
    assert len(fitter.fitted) == len(set(fitter.fitted)) == VERSIONS


async def test_what_cannot_be_fitted_is_tried_again_after_a_while(one):
    fitter, clock = Fitter(), Clock()
    base = LearnedReferences(Forgetful(), fitter, Store(), clock)
    fitter.error = DriftError("no worker")
    fitter.let.set()
    for _ in range(3):
        assert (await base.get(one, 20)).estimator.apply(None).side.reason == "fit-failed"
    assert len(fitter.fitted) == 1
    fitter.error, clock.now = None, RETRY_SECONDS + 1
    assert isinstance((await base.get(one, 20)).estimator, LearnedEstimator)


async def test_what_is_being_fitted_is_given_up_at_the_end(one):
    fitter = Fitter()
    base = LearnedReferences(Kept(), fitter, Store(), Clock())
    await base.get(one, 0)
    await fitter.begun.wait()
    (task,) = base._fits._tasks.values()
    await base.close()
    assert task.cancelled()
