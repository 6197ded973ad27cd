"""What counts as a sentence that people read, and as a word in it."""

import ast

from testkit.prose import Sentence, markdown, split, texts


def test_sentences_end_at_stops_questions_and_exclamations():
    assert split('One. Two? "Three!" four') == ["One.", "Two?", '"Three!"', "four"]


def test_a_decimal_a_file_and_an_abbreviation_end_no_sentence():
    assert len(split("It took 1.5 s in serve.py, e.g. here, i.e. on this machine (Gretton et al. 2012).")) == 1


def test_items_paragraphs_and_code_that_is_set_in_stand_for_themselves():
    assert split("Say:\n- one\n- two\n\nThen\nthis:\n\n    python -m bench\n") == [
        "Say:", "- one", "- two", "Then this:", "python -m bench",
    ]  # fmt: skip


def test_a_page_is_read_without_its_code_links_and_drawings():
    page = "# Head\nSee [the page](a/b.md).\n```\nnot this\n```\n<!-- nor this -->\n| a | b c |\n|---|---|\n"
    assert split(markdown(page)) == ["# Head", "See the page.", "a", "b c", "---", "---"]


def test_a_drawing_in_a_docstring_is_no_sentence():
    assert split("Errors:\n├── One\n└── Two\nEnd.") == ["Errors:", "End."]


def test_code_is_one_word_and_punctuation_none():
    assert Sentence("a.md", "Run `python -m bench serving` now - please.").words == 4


def test_what_is_formatted_into_a_message_is_one_word():
    assert list(texts(ast.parse("raise Wrong(f'{name} is no {kind!r}: try again')"))) == ["x is no x: try again"]


def test_docstrings_and_messages_are_both_read():
    assert list(texts(ast.parse('def f():\n    """What it does."""\n    say("hello")'))) == ["What it does.", "hello"]


def test_a_script_in_a_string_is_not_for_people():
    assert list(texts(ast.parse("run('import sys; sys.exit()')"))) == [""]
