"""Streamlit runs with its safeguards on, and with nothing fetched from outside."""

import ast
import re
from pathlib import Path

from streamlit import config

from services.frontend import theme

FOLDER = Path(theme.__file__).parent


def test_every_option_is_one_that_streamlit_knows():
    known = config.get_config_options()
    assert [name for name in theme.options(20) if name not in known] == []


def test_safeguards_are_on_and_telemetry_is_off():
    chosen = theme.options(20)
    assert chosen["server.enableXsrfProtection"] is True
    assert chosen["server.enableCORS"] is True
    assert chosen["client.showErrorDetails"] == "none"
    assert chosen["browser.gatherUsageStats"] is False
    assert chosen["server.maxUploadSize"] == 20


def test_the_look_names_no_address():
    without_namespace = (theme.wordmark() + theme.STYLE).replace("http://www.w3.org/2000/svg", "")
    assert re.search(r"https?:|url\(|@import", without_namespace + str(theme.options(20))) is None


def test_text_can_be_read_on_its_background():
    for colours in (theme.LIGHT, theme.DARK):
        assert contrast(colours["textColor"], colours["backgroundColor"]) > 7
        assert contrast(colours["textColor"], colours["secondaryBackgroundColor"]) > 7
        assert contrast("#ffffff", colours["primaryColor"]) > 3


def test_no_page_lets_raw_html_through():
    """`st.html` draws the style sheet and nothing else; nobody sets `unsafe_allow_html` or its relatives."""
    for path in FOLDER.rglob("*.py"):
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not [k for call in calls for k in call.keywords if k.arg and k.arg.startswith("unsafe_allow")], path
        drawn = [ast.unparse(c.args[0]) for c in calls if ast.unparse(c.func) == "st.html"]
        assert drawn in ([], ["theme.STYLE"]), path


def contrast(one, other):
    """WCAG 2.2's contrast ratio."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
