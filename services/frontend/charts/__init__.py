"""Charts, made with Altair; Streamlit gives them the theme's fonts and grid."""
