"""What every test shares."""

import signal

from hypothesis import HealthCheck, settings

# machines are shared and slow at times: a slow draw is no fault of the code under test
settings.register_profile("pilothouse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pilothouse")

# a shell that runs this in the background has Ctrl-C ignored, by what the tests start and interrupt too
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
