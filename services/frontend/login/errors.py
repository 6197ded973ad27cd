"""Why the page lets somebody not in.

UnauthorisedError (pilothouse.serving.auth)
└── LoginNeededError    neither a session nor a key
TooManyAttemptsError    so many wrong keys wait for their answer that this one was not looked at
"""

from __future__ import annotations

from pilothouse.errors import PilothouseError
from pilothouse.serving import auth
from pilothouse.serving.problem import Entry, ErrorTable


class LoginNeededError(auth.UnauthorisedError):
    """Neither a session nor a key. An open page shows this when its session is over."""

    def __init__(self) -> None:
        super().__init__("people log in; programs send a key with the scope 'read' as `Authorization: Bearer KEY`")


class TooManyAttemptsError(PilothouseError):
    def __init__(self) -> None:
        super().__init__("too many wrong keys were tried just now; try again in a moment")


ERRORS: ErrorTable = {
    **auth.ERRORS,
    LoginNeededError: Entry(401, "login-needed", "Reload this page to log in", {"WWW-Authenticate": "Bearer"}),
    TooManyAttemptsError: Entry(429, "too-many-attempts", "Too many wrong keys", {"Retry-After": "5"}),
}
