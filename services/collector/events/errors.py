"""Why an event is set aside."""

from __future__ import annotations

from typing import Literal, get_args

Code = Literal[
    "unknown_type",  # neither a request nor a response of an inference
    "not_json",
    "binary_tensors",  # the data of the tensors came as bytes beside the JSON
    "shape",  # neither `instances` and `predictions` nor tensors
    "rows",  # the answer has another number of rows than the request
    "prediction",  # an answer that is none of the model's
    "image_model",
    "id_reused",  # another body under an id that was used already
    "unmatched",  # its other half never came
    "unknown_model",  # its model was not announced in time
    "failed",  # we could not do it, for a reason that is in the log
]
CODES: tuple[str, ...] = get_args(Code)


class RefusedEventError(Exception):
    """An event that cannot become records. The message says why, for a person."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code
