"""All faults, by being imported; and those that are not yet, each with the reason."""

from collections.abc import Mapping
from typing import Final

import tests.faults.destination_answers
import tests.faults.destination_imports
import tests.faults.destination_limits
import tests.faults.destination_network
import tests.faults.destination_outages
import tests.faults.destination_pace
import tests.faults.destination_refusals
import tests.faults.ingress_answers
import tests.faults.ingress_load
import tests.faults.ingress_refusals
import tests.faults.ingress_repeats
import tests.faults.ingress_spool
import tests.faults.loyalty
import tests.faults.operations
import tests.faults.soak
import tests.faults.store_data
import tests.faults.store_deaths
import tests.faults.store_limits
import tests.faults.store_refusals
import tests.faults.weather
import tests.faults.worker_beats
import tests.faults.worker_clocks
import tests.faults.worker_deaths
import tests.faults.worker_ends
import tests.faults.worker_sinks
import tests.faults.worker_stalls

# What the catalogue has and this product has not yet.
NOT_YET: Final[Mapping[str, str]] = {
    "F47": "of `notifications` only loyalty is sent yet, by a lane like any other; `check` says what is not",
    "F51": "requests for erasure are kept whole and wait for a person on the lane `requests`; nothing erases yet",
    "F52": "shop/redact and app/uninstalled wait for a person in the same way",
    "F54": "there is no dashboard yet; `status` reads figures that cost the same whatever waits",
    "F56": "this is the first version: there is no older one to come from (F23 is about newer ones)",
}

__all__ = ["NOT_YET", "tests"]
