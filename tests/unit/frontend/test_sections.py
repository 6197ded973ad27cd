"""What a part drew behind a service that hangs reaches the browser before the next run of that part begins."""

import pytest
from streamlit.testing.v1 import AppTest

from services.frontend.views import sections


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when somebody sleeps; how long each slept is kept."""

    class Clock:
        now, slept = 0.0, []

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds
            self.slept.append(seconds)

    clock = Clock()
    monkeypatch.setattr(sections, "time", clock)
    return clock


def script():
    import streamlit as st

    from services.frontend.views import sections

    def draw(seconds):
        sections.time.sleep(seconds)
        st.markdown(f"after {seconds}")

    sections.redrawn(4, draw, st.session_state["takes"])


@pytest.mark.parametrize(("takes", "slept"), [(0.3, [0.3]), (5.0, [5.0, 0.2])])
def test_only_a_part_that_took_long_waits_until_it_is_sent(clock, takes, slept):
    at = AppTest.from_function(script)
    at.session_state["takes"] = takes
    at.run()
    assert [m.value for m in at.markdown] == [f"after {takes}"]
    assert clock.slept == slept
