"""What a history left of the loyalty programme: the accounts in the store, and the cards that count the same points."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import redis

from worker.engine.scripts import Scripts
from worker.loyalty.account import REVISION
from worker.loyalty.store import ACCOUNTS, Accounts

_ONCE: Final = re.compile(r"(.*:(?:loyalty|points):custom:\d+)\.(\d+)((?:\.\d+)?)")


def read_loyalty(store: redis.Redis, prefix: str) -> Any:
    """Give all that the store holds of the programme, key by key. How often an account was computed is no matter."""
    names = sorted(name.decode() for name in store.scan_iter(f"{prefix}:loyalty:*", count=10_000))
    return {name.removeprefix(prefix): _shown(store, name) for name in names}


def _shown(client: redis.Redis, name: str) -> Any:
    store: Any = client  # so that what it gives needs no casts
    match store.type(name):
        case b"hash":
            return {field.decode(): _read(value) for field, value in store.hgetall(name).items() if field != REVISION}
        case b"list":
            lines = [json.loads(line) for line in store.lrange(name, 0, -1)]
            numbers = _ranks(line[0] for line in lines)
            return [[numbers[line[0]], *line[1:]] for line in lines]
        case _:
            return {member.decode(): score for member, score in store.zrange(name, 0, -1, withscores=True)}


def _read(value: bytes) -> Any:
    text = value.decode()
    return json.loads(text) if text.startswith(("[", "{")) else text


def _ranks(numbers: Iterable[int]) -> Mapping[int, int]:
    return {number: rank for rank, number in enumerate(sorted(set(numbers)))}


def numbered_anew(names: Iterable[str]) -> Mapping[str, str]:
    """Name anew what is named by a revision of its account: by its rank among those of the account."""
    matches = [match for name in names if (match := _ONCE.fullmatch(name))]
    numbers: dict[str, list[int]] = {}
    for match in matches:
        numbers.setdefault(match[1], []).append(int(match[2]))
    ranks = {name: _ranks(some) for name, some in numbers.items()}
    return {match[0]: f"{match[1]}.{ranks[match[1]][int(match[2])]}{match[3]}" for match in matches}


def version_shown(facet: str, at: Any, *, once: bool) -> Any:
    """Give the version of a facet; in those that accounts give the last number is their revision."""
    return at[:-1] if once or facet in {"loyalty", "purchases"} or facet.startswith("loyalty.") else at


def shown_card(card: Mapping[str, Any]) -> Any:
    """Give what must be the same of a card. Which of two movements was counted first is no matter, how often is."""
    moved = sorted((one["details"]["balance"]["points"], one["reason"].split(": ")[1]) for one in card["transactions"])
    return {"balance": card["loyalty_card"]["balance"], "moved": moved}


def wrong_balances(scripts: Scripts, voucherify: Any) -> list[str]:
    """Say whose points are not the sum of their entries, or not those on their card; each movement counts once."""
    accounts, faults = Accounts(scripts), []
    sources = {one["id"]: one["source_id"] for one in voucherify["customers"]}
    cards = {sources[card["holder_id"]]: card for card in voucherify["cards"]}
    names = [name.decode() for name, _ in scripts.store.zscan_iter(f"{scripts.prefix}:{ACCOUNTS}")]
    for name, ledger in accounts.ledgers(names).items():
        written = sum(entry[5] for entry in accounts.entries(name))
        booked = ledger.points
        card = cards.pop("-".join(name.split(":")[1:]), {"loyalty_card": {"balance": 0}, "transactions": []})
        balance, moved = card["loyalty_card"]["balance"], [one["details"]["balance"] for one in card["transactions"]]
        if not written == booked == balance == sum(one["points"] for one in moved):
            faults.append(f"{name}: entries {written}, booked {booked}, on the card {balance}")
        if len({one["source_id"] for one in card["transactions"]}) < len(moved):
            faults.append(f"{name}: a movement was counted twice")
    return faults + [f"{name}: a card of nobody" for name in cards]
