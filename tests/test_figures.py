"""The floors under size and words: what `python -m tests.figures` prints stays on the right side of them."""

import textwrap
from pathlib import Path

import pytest

from testkit.crossing import files_of_a_prediction
from testkit.sources import Source, sources
from tests.figures import BEFORE, Figures, long_sentences

FIGURES = Figures(sources())
AIMS = {
    "lines of code": int(BEFORE["lines of code"] * 0.85),
    "longest module": 300,
    "function, 90th percentile": 16,
    "undocumented public names": 0,
    "class names of several": 0,
}
# where an aim is not reached yet: what it was when this line was written, and never more
REACHED = {
    "lines of code": 37_850,
}
TESTS_TO_CODE = 0.8
LONG_SENTENCES = 0
CROSSED_FILES = 15


@pytest.mark.parametrize("figure", AIMS)
def test_a_figure_stays_at_its_aim_or_comes_nearer(figure):
    assert dict(FIGURES.rows())[figure] <= REACHED.get(figure, AIMS[figure])


def test_there_are_tests_for_the_code():
    assert FIGURES.tests_to_code >= TESTS_TO_CODE


def test_a_prediction_crosses_few_files():
    crossed = files_of_a_prediction()
    assert "services/inference/predictor.py" in crossed
    assert len(crossed) <= CROSSED_FILES, crossed


def test_no_more_sentences_have_over_forty_words():
    found = long_sentences()
    assert found.total() <= LONG_SENTENCES, found


def figures_of(tmp_path, monkeypatch, **modules):
    """The figures of made-up modules of the library."""
    monkeypatch.setattr("testkit.sources.ROOT", tmp_path)
    for name, code in modules.items():
        path = tmp_path / "pilothouse" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(code).lstrip())
    return Figures([Source(Path("pilothouse") / f"{name}.py") for name in modules])


def test_a_public_name_without_docstring_is_named_with_its_module(tmp_path, monkeypatch):
    code = '''
    class Thing:
        """Documented."""

        def turn(self): ...

        def _inside(self): ...

    def told():
        """Documented."""
    '''
    figures = figures_of(tmp_path, monkeypatch, thing=code, _private="def f(): ...")
    assert figures.undocumented == ["pilothouse.thing.Thing.turn"]
    assert figures.public_names == 3


def test_a_method_that_stands_in_for_a_documented_one_needs_no_docstring(tmp_path, monkeypatch):
    base = 'class Base:\n    """B."""\n    def turn(self):\n        """Turn."""\n'
    mine = 'class Mine(Base):\n    """M."""\n    def turn(self): ...\n    def stop(self): ...\n'
    assert figures_of(tmp_path, monkeypatch, base=base, mine=mine).undocumented == ["pilothouse.mine.Mine.stop"]


def test_functions_are_measured_with_their_first_and_last_line(tmp_path, monkeypatch):
    figures = figures_of(tmp_path, monkeypatch, one="def f():\n    return 1\n\n\nasync def g(): ...\n")
    assert figures.function_lines == [1, 2]


def test_a_class_name_that_two_modules_have_is_found(tmp_path, monkeypatch):
    assert figures_of(
        tmp_path, monkeypatch, a="class A: ...", b="class A: ...\nclass B: ..."
    ).class_names_of_several == ["A"]
