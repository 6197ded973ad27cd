"""A model that is served elsewhere is on every page but asks for no prediction."""

import pytest

from testkit.frontend.manifests import houses
from testkit.frontend.screen import texts


@pytest.fixture
def external(stand_in):
    manifest = houses(runtime="external", artifact=None)
    stand_in.manifests["houses"] = stand_in.versions[manifest.key] = manifest
    stand_in.states[manifest.key] = "external"


@pytest.mark.usefixtures("external")
def test_predict_says_so_and_offers_no_form(visit):
    page = visit("predict", model="houses")
    assert not page.exception
    assert "served elsewhere" in texts(page)
    assert [b.label for b in page.button if b.label == "Predict"] == []


@pytest.mark.usefixtures("external")
def test_models_lists_it(visit):
    page = visit("models", model="houses")
    assert not page.exception
    assert "houses" in texts(page)
