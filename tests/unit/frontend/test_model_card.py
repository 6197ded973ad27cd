"""A model card is shown without anything being fetched for it."""

from services.frontend.views.models.details import shown_card


def test_a_picture_becomes_text_inline_and_by_reference():
    card = shown_card("![x](http://evil/a.png) and ![y][z]\n\n[z]: http://evil/b.png")
    assert "![" not in card.replace(r"!\[", "")


def test_headings_are_two_levels_down_but_not_in_code():
    assert shown_card("# A\n## B\n```\n# no heading\n```").splitlines() == [
        "### A",
        "#### B",
        "```",
        "# no heading",
        "```",
    ]


def test_a_very_long_card_is_cut():
    assert len(shown_card("a" * 100_000)) == 40_000
