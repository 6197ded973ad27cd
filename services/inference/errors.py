"""What the inference service raises, beside the library's InputError and OutputError.

InferenceError
├── UnknownModelError     no model (or version) of that name is loaded
│   └── ExternalModelError  it is watched here and served elsewhere
├── BodyTooLargeError     the body is over the limit
├── MediaTypeError        neither JSON, nor multipart, nor an image, or not what this model takes
├── NotLoggedError        strict mode, and the record could not be written
├── StoppingError         the service ended before there was an answer
├── RolesError            which version answers cannot be read
└── SpoolError            the spool cannot take a record
    ├── SpoolFullError    no room: its own bound, or the disk's
    └── SpoolUnusableError  the directory cannot be written or is held by somebody else
"""

from __future__ import annotations

from pilothouse.errors import PilothouseError


class InferenceError(PilothouseError):
    """Everything that the inference service raises on purpose."""


class UnknownModelError(InferenceError):
    def __init__(self, name: str, version: str | None, known: list[str]) -> None:
        wanted = f"{name} version {version}" if version else name
        super().__init__(f"no model {wanted!r} is loaded; there are: {', '.join(known) or 'none'}")


class ExternalModelError(UnknownModelError):
    def __init__(self, name: str, version: str | None) -> None:
        InferenceError.__init__(
            self, f"{name} {version or ''}".rstrip() + " is served elsewhere; here it is only watched"
        )


class BodyTooLargeError(InferenceError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is over the limit of {limit} bytes")


class MediaTypeError(InferenceError):
    """The content type does not fit the model."""


class NotLoggedError(InferenceError):
    """The prediction was made, but its record could not be written, and the service is set to be strict."""


class StoppingError(InferenceError):
    def __init__(self) -> None:
        super().__init__("the service stopped before the prediction was made; ask another one, or again")


class RolesError(InferenceError):
    """The file that says which version of a model answers is not what this service wrote."""


class SpoolError(InferenceError):
    """The spool cannot take a record."""


class SpoolFullError(SpoolError):
    """No room, by the spool's own bound or the disk's."""


class SpoolUnusableError(SpoolError):
    """The spool's directory cannot be written, or another process holds it."""
