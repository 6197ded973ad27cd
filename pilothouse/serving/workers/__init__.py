"""Several processes that serve one port, and look like one service to whoever asks how it is.

supervisor ── starts, restarts, stops ──> worker 0, worker 1, ...     each listens on the port (SO_REUSEPORT)
worker ── "metrics"? "ready"? ──> supervisor ── the same ──> every worker     over unix sockets (`line.py`)
"""
