"""What one history is made of, drawn from its seed: the deployment, the length, which faults happen and how often."""

import random
from dataclasses import dataclass
from functools import cached_property

# By kind, the chance (least, most) at each occasion: a step of a worker, a wake-up, a call to store or destination.
RATES = {
    "kill": (0.0005, 0.01),
    "freeze": (0.0005, 0.01),
    "sigterm": (0.0005, 0.005),
    "wake_lost": (0.01, 0.5),
    "wake_doubled": (0.01, 0.5),
    "wake_late": (0.01, 0.5),
    "store_before": (0.001, 0.05),
    "store_after": (0.001, 0.02),
    "timeout_before": (0.01, 0.2),
    "timeout_after": (0.01, 0.2),
    "http_429": (0.01, 0.2),
    "http_429_retry_after": (0.01, 0.2),
    "http_5xx": (0.01, 0.3),
    "slow": (0.01, 0.5),
    "rejected": (0.05, 0.3),
    "webhook_repeated": (0.05, 0.5),
    "webhook_late": (0.05, 0.5),
    "webhook_reordered": (0.1, 1.0),
}
# Spans of time, in seconds (shortest, longest), a few in a history.
SPANS = {
    "store_away": (1.0, 120.0),
    "store_restart": (0.2, 5.0),
    "down": (60.0, 86_400.0),
    "unauthorized": (60.0, 7_200.0),
    "forbidden": (60.0, 7_200.0),
}
SKEW = "skew"
FAULTS = (*RATES, *SPANS, SKEW)
DESTINATIONS = ("brevo", "custobar", "voucherify")
# Who has been given this many points by one order earns more by the next: so it matters which was placed first.
SILVER, TIMES = 15, 2
# After these a call or a drain may have been repeated though nobody asked for it.
REPEATING = frozenset({"kill", "freeze", "sigterm", "store_before", "store_after", "store_away", "store_restart"})


@dataclass(frozen=True)
class Plan:
    """The choices of one history."""

    seed: int

    @cached_property
    def _random(self) -> random.Random:
        return random.Random(f"plan {self.seed}")

    @cached_property
    def rates(self) -> dict[str, float]:
        """The faults that are on, by kind, with their chances; of spans and skews the chance says nothing."""
        share = self._random.choice((0.0, 0.1, 0.2, 0.4, 0.8))
        on = {}
        for kind in FAULTS:
            if self._random.random() < share:
                least, most = RATES.get(kind, (1.0, 1.0))
                on[kind] = least * (most / least) ** self._random.random()
        return on

    @cached_property
    def hours(self) -> float:
        """How long webhooks arrive."""
        assert self.rates is not None
        return float(self._random.choice((1, 6, 24, 48, 72)))

    @cached_property
    def spans(self) -> list[tuple[str, str, float, float]]:
        """Give what is broken from when to when: (kind, destination or "", start, end), in seconds of the history."""
        found = []
        for kind, (shortest, longest) in SPANS.items():
            for _ in range(self._random.randint(1, 2) if kind in self.rates else 0):
                start = self._random.uniform(0, self.hours * 3600)
                length = shortest * (longest / shortest) ** self._random.random()
                whom = "" if kind.startswith("store") else self._random.choice(self.destinations)
                found.append((kind, whom, start, start + length))
        return found

    @cached_property
    def destinations(self) -> tuple[str, ...]:
        """Who is told."""
        assert self.hours
        return tuple(sorted(self._random.sample(DESTINATIONS, self._random.choice((1, 1, 2, 3)))))

    @cached_property
    def processes(self) -> int:
        """How many workers there are."""
        assert self.destinations
        return self._random.choice((1, 2, 3))

    @cached_property
    def limited(self) -> bool:
        """Whether the budgets are on."""
        assert self.processes
        return self._random.random() < 0.5

    @cached_property
    def counts_points(self) -> bool:
        """Whether the loyalty programme is on."""
        return random.Random(f"loyalty {self.seed}").random() < 0.5

    @cached_property
    def configuration(self) -> str:
        """The configuration file."""
        limits = "" if self.limited else ", limits: off"
        imports = ", import_list_id: 8" if self._random.random() < 0.5 else ""
        company = ", company: ACME" if self.counts_points else ""
        sections = {
            "brevo": f"brevo: {{api_key: key{limits}{imports}}}",
            "custobar": f'custobar: {{api_key: key, base_url: "https://example.custobar.com/api"{company}{limits}}}',
            "voucherify": f"voucherify: {{app_id: app, api_key: key{limits}}}",
        }
        told = "\n".join(f"  {sections[name]}" for name in self.destinations)
        mode = self._random.choice(("realtime", "realtime", "batch"))
        batch = ", sync_mode: batch, batch_interval: 20, batch_size: 5" if mode == "batch" else ""
        delete = self._random.choice(("soft", "hard"))
        threads = self._random.choice((2, 16))
        return f"""\
sources:
  custom: {{secrets: [secret]}}
  shopify: {{secrets: [secret]}}
  woocommerce: {{secrets: [secret]}}
destinations:
{told}
skills:
  customer-sync: {{enabled: true, options: {{list_id: 5, delete_behavior: {delete}{batch}}}}}
  order-sync: {{enabled: true, options: {{events: true}}}}
  loyalty: {{enabled: {str(self.counts_points).lower()}, rules: {{tiers: {{levels: [
    {{name: Bronze, threshold: 0}}, {{name: Silver, threshold: {SILVER}, multiplier: {TIMES}}}]}}}}}}
engine: {{threads: {threads}}}
"""
