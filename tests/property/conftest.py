"""How hard the property tests try: HYPOTHESIS_PROFILE is `ci` or `fuzz`."""

import os

from hypothesis import HealthCheck, settings

# The same examples on every machine and in every run, and no clock.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
# Others in each run, and many; `make fuzz`.
settings.register_profile(
    "fuzz", settings.get_profile("ci"), derandomize=False, max_examples=500
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
