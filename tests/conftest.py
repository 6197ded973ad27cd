"""What every test shares."""

from hypothesis import HealthCheck, settings

# machines are shared and slow at times: a slow draw is no fault of the code under test
settings.register_profile("pilothouse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pilothouse")
