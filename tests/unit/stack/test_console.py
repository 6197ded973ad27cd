"""What the terminal shows."""

import io

import pytest

from stack.console import Console, address_table
from stack.programs import Program


class Gone(io.StringIO):
    """Somebody who read two lines and went away, as `head -2` does."""

    def write(self, text):
        if self.getvalue().count("\n") >= 2:
            raise BrokenPipeError
        return super().write(text)


def console(stream, colour=False, closed=lambda: None):
    return Console(stream, ["drift", "collector"], colour, closed)


def test_lines_begin_with_their_program_all_as_wide():
    out = io.StringIO()
    shown = console(out)
    shown.line("drift", "scored")
    shown.line("collector", "stored")
    shown.say("ready")
    assert out.getvalue() == "drift      | scored\ncollector  | stored\npilothouse | ready\n"


def test_each_program_has_its_own_colour_and_the_text_has_none():
    out = io.StringIO()
    shown = console(out, colour=True)
    for name in ("drift", "collector", "pilothouse", "unknown"):
        shown.line(name, "text")
    codes = [line.split("m", 1)[0] for line in out.getvalue().splitlines()]
    assert len(set(codes[:3])) == 3
    assert codes[3] == codes[2]  # whoever is not known is shown as the stack itself
    assert all(line.endswith("|\x1b[0m text") for line in out.getvalue().splitlines())


def test_when_nobody_reads_any_more_that_is_said_once_and_writing_goes_on_quietly():
    told, out = [], Gone()
    shown = console(out, closed=lambda: told.append(1))
    for _ in range(5):
        shown.say("x")
    assert told == [1]
    assert out.getvalue().count("\n") == 2


def test_a_stream_that_was_closed_is_nobody_who_reads():
    told, out = [], io.StringIO()
    out.close()
    console(out, closed=lambda: told.append(1)).say("x")
    assert told == [1]


@pytest.mark.parametrize("colour", [True, False])
def test_the_table_has_every_address_with_its_page_and_the_note(colour):
    programs = [
        Program("collector", (), 8001, "COLLECTOR_PORT", page="/docs", purpose="keeps records"),
        Program("frontend", (), 8501, "FRONTEND_PORT", host="0.0.0.0", purpose="the page for people"),
    ]
    table = address_table(programs, colour, "No Prometheus here.")
    assert ("\x1b[" in table) is colour
    assert "http://127.0.0.1:8001/docs" in table
    assert "http://127.0.0.1:8501/" in table  # nobody can connect to 0.0.0.0
    assert table.index("frontend") < table.index("collector")
    assert "No Prometheus here." in table
