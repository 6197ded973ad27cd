"""Streamlit gives every logger of its own, and uvicorn's, a handler and a format. They are led back to the one that
all services share."""

from __future__ import annotations

import logging

_THEIRS = ("streamlit", "uvicorn", "websockets")


def join_logs() -> None:
    """Let the libraries' records go through the root logger. Loggers made later are not touched: call it again once
    everything is imported. The opening and closing of every visitor's connection is left out."""
    for name, logger in logging.root.manager.loggerDict.items():
        if isinstance(logger, logging.Logger) and name.partition(".")[0] in _THEIRS:
            logger.handlers.clear()
            logger.propagate = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
