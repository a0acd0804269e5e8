"""Settings of all tests."""

from hypothesis import HealthCheck, settings

# How long a test takes says something of the machine, not of the code.
settings.register_profile("adjudge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("adjudge")
