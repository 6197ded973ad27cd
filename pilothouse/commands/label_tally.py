"""What became of labels that a command sent: counted, and said."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from msgspec import structs
from rich.console import Console

from pilothouse.labels import add
from pilothouse.wire.labels import LabelResult

_SHOWN = 100  # rejected labels that are printed one by one


@dataclass
class Tally:
    """What became of the labels so far. Those that are rejected are printed as they are found."""

    result: LabelResult = field(default_factory=lambda: LabelResult(0, 0))
    reasons: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    noun: str = ""

    @property
    def rejected(self) -> int:
        """How many labels were rejected."""
        return self.reasons.total()

    def count(self, result: LabelResult, lines: list[int]) -> None:
        """Add the answer to a request; `lines` are those of its labels in the file."""
        for refused in result.rejected:
            self.reject(refused.code, refused.message, lines[refused.index] if lines else None)
        self.result = add(self.result, structs.replace(result, rejected=[]), 0)

    def reject(self, code: str, message: str, line: int | None) -> None:
        """Count a rejected label, and print it unless many were printed already."""
        self.reasons[code] += 1
        if self.rejected <= _SHOWN:
            place = "" if line is None else f"{self.noun} {line}"
            said = message if message.startswith(f"{place} ") else ": ".join(filter(None, (place, message)))
            Console(stderr=True, soft_wrap=True).print(f"rejected: {said}", markup=False, highlight=False)

    def show(self, first: str = "") -> None:
        """Print the sums in one sentence, and why labels were rejected that were not printed."""
        found = self.result
        inside = [(found.replaced, "in place of another"), (found.waiting, "waiting for their record to come")]
        details = ", ".join(f"{count:,} {what}" for count, what in inside if count)
        parts = [first, f"{_counted(found.accepted, 'label')} stored" + (f" ({details})" if details else "")]
        parts += [f"{found.unchanged:,} stored already"] if found.unchanged else []
        parts += [f"{_counted(self.skipped, 'empty cell')} skipped"] if self.skipped else []
        parts += [f"{self.rejected:,} rejected"] if self.rejected else []
        Console(soft_wrap=True).print(", ".join(filter(None, parts)), highlight=False)
        if self.rejected > _SHOWN:
            why = ", ".join(f"{count:,} {code}" for code, count in self.reasons.most_common())
            Console(stderr=True, soft_wrap=True).print(f"rejected in all: {why}", highlight=False)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
