"""What a system under test is made of, and the configuration that says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

SECRET: Final = "faults-secret-that-no-log-may-show"
KEY: Final = "faults-key-that-no-log-may-show"
PREFIXES: Final = {"brevo": "/v3", "custobar": "/api", "voucherify": ""}
# Times short enough that a run takes minutes; what a case is about it sets itself. Jobs of sandboxes take two seconds.
ENGINE: Final[Mapping[str, Any]] = {
    "retry_base": 0.05,
    "retry_factor": 2,
    "retry_cap": 0.4,
    "pause_first": 0.3,
    "pause_cap": 1,
    "poll_first": 0.1,
    "poll_cap": 0.5,
    "lost_seconds": 6,
}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a system is made of.

    `engine`, `brevo`, `options` (of customer-sync) and `more` (whole sections) are added to the configuration. `via`
    gives another address for a sandbox's, such as that of a proxy before it, `store_via` another for the store's.
    `limits` are those of all destinations, or by vendor. `prefix` is put before the command of web, workers and beat,
    such as faketime; `environ` is added to their environment. Without `store_first` the store is started by the case.
    `up` runs one `commerce-sync up` in place of web, worker and beat. With `loyalty` an order earns a point for each
    unit of money, and Voucherify holds cards.
    """

    destinations: tuple[str, ...] = ("brevo",)
    orders: bool = False
    loyalty: bool = False
    workers: int = 1
    webs: int = 1
    beats: int = 1
    limits: Any = "off"
    speed: float = 1.0
    engine: Mapping[str, Any] = field(default_factory=dict)
    brevo: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    via: Callable[[str, str], str] = lambda _vendor, url: url
    store_via: Callable[[str], str] = lambda url: url
    prefix: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    journal: bool = True
    store_first: bool = True
    up: bool = False

    def configuration(self, sandboxes: Mapping[str, str], data: Path) -> Mapping[str, Any]:
        """Give the configuration for sandboxes at these addresses."""
        keys: Mapping[str, Mapping[str, Any]] = {
            "brevo": {"api_key": KEY, **self.brevo},
            "custobar": {"api_key": KEY, **({"company": "ACME"} if self.loyalty else {})},
            "voucherify": {
                "app_id": "faults",
                "api_key": KEY,
                **({"loyalty_campaign": "Loyalty"} if self.loyalty else {}),
            },
        }
        destinations = {
            vendor: {
                "base_url": self.via(vendor, url) + PREFIXES[vendor],
                "limits": self.limits[vendor] if isinstance(self.limits, Mapping) else self.limits,
                **keys[vendor],
            }
            for vendor, url in sandboxes.items()
        }
        skills: dict[str, Any] = {"customer-sync": {"enabled": True, "options": dict(self.options)}}
        if self.orders:
            skills["order-sync"] = {"enabled": True}
        if self.loyalty:
            skills["loyalty"] = {"enabled": True}
        return {
            "sources": {name: {"secrets": [SECRET]} for name in ("shopify", "woocommerce", "magento", "custom")},
            "destinations": destinations,
            "skills": skills,
            "engine": {"data_dir": str(data), **ENGINE, **self.engine},
            **self.more,
        }
