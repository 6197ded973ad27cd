"""`pilothouse`: the command line, one module of commands a subject."""

from __future__ import annotations

import typer

from pilothouse.commands import external, package, traffic, watch

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Pack, check, call and watch models.")
package.register(app)
external.register(app)
traffic.register(app)
watch.register(app)
