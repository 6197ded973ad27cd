"""A page as a test reads it and presses its buttons."""


def texts(page):
    """All that a page says, as one text."""
    kinds = (page.title, page.subheader, page.markdown, page.caption, page.warning, page.error, page.code, page.info,
             page.success)  # fmt: skip
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(page, label):
    next(b for b in page.button if b.label == label).click().run()
    return page
