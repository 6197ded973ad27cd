"""Charts, made with Altair, one module a page. Streamlit gives them the theme's fonts and grid."""
