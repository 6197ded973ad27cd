"""How the page looks, and which of Streamlit's switches are on.

Fonts are the reader's own system's and nothing is fetched from outside. What Streamlit leaves safe (XSRF, CORS) is
said here all the same, so that a configuration file in somebody's home cannot switch it off.
"""

from __future__ import annotations

from typing import Any

SANS = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
_MONO = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace'

LIGHT = {
    "primaryColor": "#0b6b80",
    "backgroundColor": "#fbfcfc",
    "secondaryBackgroundColor": "#eef3f4",
    "textColor": "#14262d",
    "borderColor": "#d9e2e5",
    "linkColor": "#0b6b80",
    "greenColor": "#2c8a5b",
    "orangeColor": "#c2710c",
    "redColor": "#c0392f",
    "grayColor": "#66787f",
}
DARK = {
    "primaryColor": "#2f9db5",
    "backgroundColor": "#10191e",
    "secondaryBackgroundColor": "#1a262d",
    "textColor": "#e3ebee",
    "borderColor": "#2a3a42",
    "linkColor": "#5cc0d6",
    "greenColor": "#4fb985",
    "orangeColor": "#e0a04a",
    "redColor": "#ea7a70",
    "grayColor": "#93a4ab",
}
_THEME = {
    "font": SANS,
    "headingFont": SANS,
    "codeFont": _MONO,
    "baseRadius": "0.6rem",
    "baseFontSize": 15,
    "headingFontSizes": ["1.7rem", "1.25rem", "1.05rem", "1rem", "0.9rem", "0.85rem"],
    "headingFontWeights": [650, 600, 600, 600, 600, 600],
    "metricValueFontSize": "1.35rem",
    "showSidebarBorder": True,
    "chartCategoricalColors": ["#0b7f97", "#d9862b", "#7a6bb0", "#4c9a6a", "#b8544b", "#8a98a0"],
}

STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.6rem; padding-bottom: 3rem; max-width: 76rem; }
[data-testid="stHeading"] h1 { padding: 0.3rem 0 1rem; }
[data-testid="stHeading"] h3 { padding: 0.2rem 0 1rem; }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; }
[data-testid="stImage"] img { image-rendering: pixelated; border-radius: 0.4rem; }

.logout { background: none; border: 1px solid currentColor; border-radius: 0.6rem; color: inherit; cursor: pointer;
  font: inherit; opacity: 0.7; padding: 0.2rem 0.8rem; }

@media (max-width: 640px) { [data-testid="stMainBlockContainer"] { padding-left: 1rem; padding-right: 1rem; } }
</style>"""

MARK = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">
<g fill="none" stroke="#1a8ba3" stroke-width="5" stroke-linecap="round">
<circle cx="32" cy="32" r="17"/><circle cx="32" cy="32" r="4.5" fill="#1a8ba3"/>
<path d="M32 4v23M32 37v23M4 32h23M37 32h23M12.2 12.2l16 16M35.8 35.8l16 16M51.8 12.2l-16 16M28.2 35.8l-16 16"/>
</g></svg>"""


def wordmark() -> str:
    """The mark with the name beside it. Its grey reads on a light and on a dark page."""
    inside = MARK[MARK.index("<g ") : MARK.index("</svg>")]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 330 64" width="330" height="64">'
        f"{inside}<text x='82' y='45' font-family='{SANS}' font-size='38' font-weight='650' "
        "fill='#1a8ba3'>Pilothouse</text></svg>"
    )


def options(upload_megabytes: int) -> dict[str, Any]:
    """Streamlit's options by their dotted names."""
    chosen: dict[str, Any] = {
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.maxUploadSize": upload_megabytes,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,  # to search engines, with the error in the address
        "client.toolbarMode": "minimal",
        "logger.hideWelcomeMessage": True,
    }
    chosen |= {f"theme.{name}": value for name, value in _THEME.items()}
    chosen |= {f"theme.light.{name}": value for name, value in LIGHT.items()}
    return chosen | {f"theme.dark.{name}": value for name, value in DARK.items()}
