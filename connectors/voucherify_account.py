"""What all lanes of one Voucherify project share: its address, its headers, its budget, its way of telling limits.

https://docs.voucherify.io/guides/authentication and /api-reference/versioning, as of August 2026.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors import voucherify_answers
from connectors.connector import Budget, Call, Response, Way
from connectors.voucherify_options import BUDGET, VoucherifyOptions


@dataclass(frozen=True, slots=True)
class Account:
    """One project. Where a lane says nothing else, each record has a call of its own."""

    options: VoucherifyOptions

    @property
    def name(self) -> str:
        """The product's own name."""
        return "voucherify"

    @property
    def base_url(self) -> str:
        """Where the project is reached; another region's host does not know it."""
        return self.options.base_url

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """What the account's plan allows."""
        return (Budget(name=BUDGET, windows=self.options.windows),)

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways to bring records over."""
        return (Way(budget=BUDGET),)

    def headers(self) -> Mapping[str, str]:
        """Give the headers that prove who we are; they hold the key and are never logged."""
        return {
            "x-app-id": self.options.app_id,
            "x-app-token": self.options.api_key,
            "x-voucherify-api-version": "v2018-08-01",
            "accept": "application/json",
            "content-type": "application/json",
        }

    def allowance(self, response: Response) -> tuple[int, float] | None:
        """Read how many more calls Voucherify allows, and the seconds until there are more."""
        return voucherify_answers.allowance(response)

    def probe(self) -> Call:
        """Give the call that shows whether the key works; its answer holds nobody's data."""
        return Call(
            method="GET", path="/v1/async-actions", query={"limit": "1"}, budget=BUDGET, subjects=(), step="probe"
        )
