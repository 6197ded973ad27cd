"""The sentences that people read: pages of docs, READMEs, docstrings, messages, help of metrics, texts of alerts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from testkit.sources import ROOT, sources

SENTENCE_ENDS = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"')\]*_`]))\s+")
ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|cf|vs|al)\.")
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
# what begins something new: a list's item, a heading, a quotation, code or a drawing that is set in
BLOCK = re.compile(r"\n(?=\s*(?:[-*+] |\d+[.)] |> | {4,}))|\n\s*\n")
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
DRAWN = re.compile(r"^.*[─│┌└├▲].*$", re.MULTILINE)
SCRIPT = re.compile(r"\s*(?:(?:from|import) \w|async \(|\w+ => )")  # Python, JavaScript
CODE = re.compile(r"`[^`]*`")
ACTION = re.compile(r"\{\{.*?\}\}")  # of a template


@dataclass(frozen=True)
class Sentence:
    """One sentence, and the file that it stands in, relative to the top of the repository."""

    path: str
    text: str

    @property
    def words(self) -> int:
        """Code counts as one word, punctuation alone as none."""
        return sum(any(c.isalnum() for c in word) for word in CODE.sub("code", self.text).split())


def sentences() -> Iterator[Sentence]:
    """Everything that is written for people, sentence by sentence."""
    for path, text in (*_pages(), *_code(), *_alerts()):
        yield from (Sentence(path, sentence) for sentence in split(text))


def split(text: str) -> list[str]:
    """The sentences of a text in which list items, table cells and headings stand for themselves."""
    found = []
    for block in BLOCK.split(ABBREVIATIONS.sub(r"\1", DRAWN.sub("\n", text))):
        found += [s.strip() for s in SENTENCE_ENDS.split(" ".join(block.split())) if s.strip()]
    return found


def markdown(text: str) -> str:
    """Its prose: without code, drawings, comments and addresses; a table's cells become paragraphs."""
    prose = COMMENT.sub("", FENCE.sub("", LINK.sub(r"\1", HEADING.sub(r"\g<0>\n", text))))
    return "\n".join(
        line.strip().strip("|").replace("|", "\n\n") + "\n" if line.lstrip().startswith("|") else line
        for line in prose.splitlines()
    )


def _pages() -> Iterator[tuple[str, str]]:
    """But a packed model's card, which its manifest seals, and decisions that others have superseded."""
    folders = [f for f in ROOT.iterdir() if f.is_dir() and not f.name.startswith(".")]
    for path in [*ROOT.glob("*.md"), *(p for folder in folders for p in folder.rglob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        if path.name != "MODEL_CARD.md" and "Superseded" not in text[:400]:
            yield str(path.relative_to(ROOT)), markdown(text)


def _code() -> Iterator[tuple[str, str]]:
    for source in sources():
        yield from ((str(source.path), text) for text in texts(source.tree))


def texts(tree: ast.AST) -> Iterator[str]:
    """Docstrings and other strings of code, with what is formatted in as one word."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield "" if SCRIPT.match(node.value) else node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)


def _alerts() -> Iterator[tuple[str, str]]:
    for path in sorted(Path(ROOT / "monitoring").glob("*.yaml")):
        yield from ((str(path.relative_to(ROOT)), text) for text in _strings(yaml.safe_load(path.read_text())))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield ACTION.sub("code", value)
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)
