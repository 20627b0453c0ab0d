"""How long hypothesis searches: `HYPOTHESIS_PROFILE=long` for a night, the same draws in CI."""

import os

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("quick", max_examples=120, **_COMMON)
settings.register_profile("same", max_examples=120, derandomize=True, **_COMMON)
settings.register_profile("more", max_examples=2500, print_blob=True, **_COMMON)
settings.register_profile("long", max_examples=20_000, print_blob=True, **_COMMON)


def load() -> None:
    settings.load_profile(
        os.environ.get("HYPOTHESIS_PROFILE") or ("same" if os.environ.get("CI") else "quick")
    )
