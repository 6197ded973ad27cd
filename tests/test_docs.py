"""Pages point at what there is: links, sections, paths, `make` targets and modules."""

import re
from pathlib import Path

import pytest

from testkit.sources import ROOT

PAGES = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.md"), *ROOT.rglob("*/*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
# what was, and what is decided: they name files that are gone
HISTORY = {Path("CHANGELOG.md"), *(page for page in PAGES if page.parent.name == "adr")}
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"^[\w.-]+(?:/[\w.{}*-]+)*\.(?:py|md|ya?ml|json|toml|sh|lua|sql)$")
COMMANDS = re.compile(r"\bmake ([a-z][a-z-]+)")
MODULE = re.compile(r"python -m ([a-z_]+(?:\.[a-z_]+)*)(?![.\w])")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def sections(page):
    """The anchors that GitHub makes of a page's headings."""
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", text_of(page)), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        yield re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def links(page):
    for found in LINK.finditer(FENCE.sub("", text_of(page))):
        target = found[1] or found[2]
        if "://" not in target and not target.startswith("mailto:"):
            yield target.partition("#")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    wrong = []
    for path, _, anchor in links(page):
        target = (ROOT / page).parent / path if path else ROOT / page
        known = sections(target) if anchor and target.suffix == ".md" and target.exists() else ()
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in known):
            wrong.append(f"{path}#{anchor}")
    assert wrong == []


@pytest.mark.parametrize("page", sorted(set(PAGES) - HISTORY), ids=str)
def test_files_that_are_named_with_their_folder_exist(page):
    named = {code for code in CODE.findall(FENCE.sub("", text_of(page))) if FILE.match(code) and "/" in code}
    here = [ROOT, (ROOT / page).parent, *(p for p in ROOT.iterdir() if p.is_dir()), *(ROOT / "services").iterdir()]
    missing = [n for n in named if "*" not in n and "{" not in n and not any((place / n).exists() for place in here)]
    assert missing == []


@pytest.mark.parametrize("page", sorted(set(PAGES) - HISTORY), ids=str)
def test_make_targets_that_are_named_exist(page):
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of("Makefile"), re.MULTILINE))
    named = {
        t for code in [*CODE.findall(text_of(page)), *FENCE.findall(text_of(page))] for t in COMMANDS.findall(code)
    }
    assert named <= targets


@pytest.mark.parametrize("page", sorted(set(PAGES) - HISTORY), ids=str)
def test_modules_that_are_to_be_run_exist(page):
    for module in MODULE.findall(text_of(page)):
        path = ROOT / module.replace(".", "/")
        if (ROOT / module.split(".")[0]).is_dir():
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def test_every_folder_at_the_top_has_a_readme_of_a_page_at_most():
    folders = [f for f in ROOT.iterdir() if f.is_dir() and not f.name.startswith(".") and any(f.rglob("*.*"))]
    shared = {"shared", "build", "dist", "secrets", "screenshots"}  # not of the repository
    wanted = [f for f in folders if f.name not in shared and not f.name.endswith(".egg-info")]
    missing = [f.name for f in wanted if not (f / "README.md").exists()]
    long = [f.name for f in wanted if f.name not in missing and text_of(f / "README.md").count("\n") > 80]
    assert (sorted(missing), long) == ([], [])
