"""`pilothouse`: the command line, one module of commands a subject."""

from __future__ import annotations

import typer

from pilothouse.commands import check, labels, pack, predictions, verdicts

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Pack, check, call and watch models.")
for commands in (pack, check, predictions, labels, verdicts):
    commands.register(app)
