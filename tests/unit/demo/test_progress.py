"""Bars on a terminal, lines elsewhere."""

import io

from rich.console import Console

from demo.progress import Step


def shown(terminal, total):
    out = io.StringIO()
    with Step(Console(file=out, force_terminal=terminal, width=80), "sending [1]", total) as step:
        step.advance(5)
        step.say("sending [1]")
        step.say("nearly there")
    return out.getvalue()


def test_elsewhere_each_thing_is_one_line_without_control_characters():
    assert shown(False, 10) == shown(False, None) == "sending [1]\nnearly there\n"


def test_a_terminal_sees_a_bar_that_names_what_goes_on():
    text = shown(True, 10)
    assert "━" in text and "50%" in text and "nearly there" in text


def test_a_terminal_sees_that_time_passes_where_nobody_knows_how_long():
    assert "0:00:0" in shown(True, None)
