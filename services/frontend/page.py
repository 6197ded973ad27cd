"""The script that Streamlit runs for every visit: frame, navigation, and the page that was chosen."""

import streamlit as st

from services.frontend import theme
from services.frontend.views import visitor
from services.frontend.views.pages import PAGES


def main() -> None:
    st.set_page_config(page_title="Pilothouse", page_icon=theme.MARK, layout="wide")
    st.html(theme.STYLE)
    st.logo(theme.wordmark(), size="large", icon_image=theme.MARK)
    pages = {
        section: [
            st.Page(p.show, title=p.title, icon=p.icon, url_path=p.path, default=p.path == "predict") for p in entries
        ]
        for section, entries in PAGES.items()
    }
    st.session_state["pages"] = {page.url_path or "predict": page for group in pages.values() for page in group}
    chosen = st.navigation(pages)
    visitor.offer_logout()
    chosen.run()


main()
