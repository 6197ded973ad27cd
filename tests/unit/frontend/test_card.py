"""A model card is shown without anything being fetched for it."""

from services.frontend.card import shown


def test_a_picture_becomes_text_inline_and_by_reference():
    card = shown("![x](http://evil/a.png) and ![y][z]\n\n[z]: http://evil/b.png")
    assert "![" not in card.replace(r"!\[", "")


def test_headings_are_two_levels_down_but_not_in_code():
    assert shown("# A\n## B\n```\n# no heading\n```").splitlines() == ["### A", "#### B", "```", "# no heading", "```"]


def test_a_very_long_card_is_cut():
    assert len(shown("a" * 100_000)) == 40_000
