"""All faults, by being imported; and those that are not yet, each with the reason."""

from collections.abc import Mapping
from typing import Final

import tests.faults.destination_answers
import tests.faults.ingress_load
import tests.faults.destination_limits
import tests.faults.ingress_repeats
import tests.faults.operations
import tests.faults.soak
import tests.faults.store_deaths
import tests.faults.worker_deaths

# What the catalogue has and this product has not yet.
NOT_YET: Final[Mapping[str, str]] = {}

__all__ = ["NOT_YET", "tests"]
