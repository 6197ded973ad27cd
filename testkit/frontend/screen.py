"""A page as a test reads it and presses its buttons."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def texts(page: AppTest) -> str:
    """All that a page says, as one text."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.warning, page.error, page.code, page.info,
             page.success)  # fmt: skip
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(page: AppTest, label: str) -> AppTest:
    next(b for b in page.button if b.label == label).click().run()
    return page
