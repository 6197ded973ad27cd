"""What benchmarks printed, on the page: only between its markers, and nothing is lost."""

import pytest

from bench import __main__ as command
from bench import figures


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "PAGE", tmp_path / "speed.md")
    monkeypatch.setattr(figures, "FOLDER", tmp_path / "printed")
    figures.FOLDER.mkdir()
    figures.PAGE.write_text("# Speed\n<!-- figures -->\nold\n<!-- end -->\nkept\n<!-- end -->\n")
    return figures.PAGE


def test_only_what_stands_between_the_markers_is_replaced(page):
    figures.write_between("figures", "new\n")
    assert page.read_text() == "# Speed\n<!-- figures -->\nnew\n<!-- end -->\nkept\n<!-- end -->\n"


@pytest.mark.parametrize("text", ["nothing\n", "<!-- figures -->\nno end\n"])
def test_a_page_without_the_markers_is_left_as_it_is(page, text):
    page.write_text(text)
    with pytest.raises(SystemExit, match="has no part 'figures'"):
        figures.write_between("figures", "new\n")
    assert page.read_text() == text


def test_each_part_has_its_own_block_and_one_that_never_ran_has_none(page):
    (figures.FOLDER / "spool.txt").write_text("append 4.9 µs\n\n")
    figures.write_figures(["start", "spool"])
    assert "### spool\n```text\nappend 4.9 µs\n```\n" in page.read_text()
    assert "### start" not in page.read_text()


def test_the_committed_page_has_both_markers():
    text = figures.PAGE.read_text()
    assert text.count("<!-- measured -->") == text.count("<!-- figures -->") == 1
    assert text.count("<!-- end -->") == 2


def test_a_part_that_does_not_exist_is_named_with_those_that_do(capsys):
    assert command.main(["spool", "speed"]) == 2
    assert capsys.readouterr().err == f"there is no part speed; there are: {', '.join(command.PARTS)}\n"


@pytest.fixture
def part(tmp_path, monkeypatch, page):
    """A part of a benchmark that is a script of the test."""

    def make(script):
        (tmp_path / "made_up_part.py").write_text(script)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(command, "FOLDER", figures.FOLDER)
        monkeypatch.setitem(command.PARTS, "made-up", ("made_up_part",))
        return figures.FOLDER / "made-up.txt"

    return make


def test_what_a_part_prints_is_shown_and_kept(part, capsys):
    kept = part("print('12 µs')")
    assert command.main(["made-up"]) == 0
    assert kept.read_text() == "12 µs\n"
    assert "12 µs" in capsys.readouterr().out


def test_a_part_that_fails_is_named_and_what_it_printed_before_stays(part, capsys):
    kept = part("import sys; print('half'); sys.exit(3)")
    kept.write_text("12 µs\n")
    assert command.main(["made-up"]) == 1
    assert kept.read_text() == "12 µs\n"
    assert "failed: made-up" in capsys.readouterr().err


def test_every_part_is_a_module_that_can_be_run():
    from importlib.util import find_spec

    assert [name for name, (module,) in command.PARTS.items() if find_spec(module) is None] == []
