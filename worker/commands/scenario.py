"""What the demo sends, and what Brevo must hold in the end: written apart from all mapping code, to be a truth."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal

SHOPIFY: Final = "shopify"
WOOCOMMERCE: Final = "woocommerce"
EVENTS_PER_CUSTOMER: Final = 6
FIRST_NAMES: Final = ("Ada", "Bruno", "Chiara", "Dmitri", "Élodie", "Farid", "Grace", "Hiroshi", "Ingrid", "João")
LAST_NAMES: Final = ("Abel", "Brandt", "Conti", "Dubois", "Eriksen", "Fischer", "García", "Horvat", "Ito", "Jansen")


@dataclass(frozen=True, kw_only=True, slots=True)
class Posting:
    """One webhook to send: signed when it goes out."""

    source: str
    topic: str
    delivery_id: str
    body: bytes


@dataclass(kw_only=True, slots=True)
class Person:
    """The truth about one customer, as the shop knows it at the end."""

    source: str
    number: int
    email: str
    first_name: str
    last_name: str
    phone: str
    consent: Literal["granted", "denied", "never asked"] = "never asked"
    deleted: bool = False
    refused: bool = False
    postings: list[Posting] = field(default_factory=list)

    @property
    def contact(self) -> dict[str, Any] | None:
        """What Brevo must hold: None for a customer who was deleted or whom it refuses."""
        if self.deleted or self.refused:
            return None
        return {
            "email": self.email,
            "ext_id": f"{self.source}-{self.number}",
            "FIRSTNAME": self.first_name,
            "LASTNAME": self.last_name,
            "SMS": self.phone.removeprefix("+"),
            "emailBlacklisted": self.consent != "granted",
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """People, and the waves in which their webhooks go out: all of a wave at once, one wave after the other."""

    people: list[Person]
    waves: list[list[Posting]]

    @property
    def sent(self) -> int:
        """The number of deliveries."""
        return sum(len(wave) for wave in self.waves)


def scenario(events: int, *, seed: int = 7) -> Scenario:
    """Write a history of at least `events` deliveries: creations, updates, consents, repeats, deletions, disorder."""
    dice = random.Random(seed)  # noqa: S311 - a story, no secret
    start = datetime.now(timezone.utc) - timedelta(days=1)
    people: list[Person] = []
    while sum(len(person.postings) for person in people) < events:
        number = len(people)
        source = WOOCOMMERCE if number % 3 == 2 else SHOPIFY
        person = Person(
            source=source,
            number=7_000_000_000_000 + number if source == SHOPIFY else 100 + number,
            email=f"customer{number}@shop{number % 7}.example.com",
            first_name="",
            last_name="",
            phone="",
        )
        _live(person, len(people), dice, start)
        people.append(person)
    people.append(_poison(start))
    return Scenario(people=people, waves=_waves(people, dice))


def _poison(start: datetime) -> Person:
    person = Person(
        source=SHOPIFY,
        number=7_999_999_999_999,
        email="refused@poison.example.com",
        first_name="Refused",
        last_name="Record",
        phone="+4930123456",
        refused=True,
    )
    person.postings.append(_shopify(person, "customers/create", start))
    return person


def _live(person: Person, index: int, dice: random.Random, start: datetime) -> None:
    """Write the history of one customer, oldest first."""
    tell: Callable[[Person, str, datetime], Posting] = _shopify if person.source == SHOPIFY else _woocommerce
    moment = start + timedelta(seconds=index % 1000)
    for version in range(dice.randint(3, EVENTS_PER_CUSTOMER)):
        moment += timedelta(minutes=1)
        person.first_name, person.last_name = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        person.phone = f"+4930{20_000_000 + index * 10 + version}"
        person.postings.append(tell(person, "create" if version == 0 else "update", moment))
    if person.source == SHOPIFY and dice.random() < 0.6:
        for _ in range(dice.randint(1, 2)):
            moment += timedelta(minutes=1)
            person.consent = dice.choice(("granted", "denied"))
            person.postings.append(_consent(person, moment))
    if dice.random() < 0.15:
        person.deleted = True
        person.postings.append(_deletion(person))
    if dice.random() < 0.5:
        person.postings.append(dice.choice(person.postings))  # the platform sends one again


def _waves(people: list[Person], dice: random.Random) -> list[list[Posting]]:
    """Shopify's bodies tell their own time, so their order is shuffled; WooCommerce's is the order of arrival."""
    shuffled = [posting for person in people if person.source == SHOPIFY for posting in person.postings]
    dice.shuffle(shuffled)
    ordered = [list(person.postings) for person in people if person.source == WOOCOMMERCE]
    waves: list[list[Posting]] = []
    size = 1 + len(shuffled) // max(1, max((len(one) for one in ordered), default=1))
    while shuffled or any(ordered):
        wave, shuffled = shuffled[:size], shuffled[size:]
        wave += [one.pop(0) for one in ordered if one]
        waves.append(wave)
    return waves


def _shopify(person: Person, topic: str, moment: datetime) -> Posting:
    body = {
        "id": person.number,
        "email": person.email,
        "created_at": _iso(moment),
        "updated_at": _iso(moment),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "state": "enabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "phone": person.phone,
        "currency": "EUR",
        "addresses": [],
        "tax_exemptions": [],
        "admin_graphql_api_id": f"gid://shopify/Customer/{person.number}",
        "default_address": {"address1": "Marktplatz 1", "city": "Berlin", "zip": "10115", "country_code": "DE"},
    }
    return _posting(person, topic if "/" in topic else f"customers/{topic}", body)


def _consent(person: Person, moment: datetime) -> Posting:
    state = "subscribed" if person.consent == "granted" else "unsubscribed"
    body = {
        "customer_id": person.number,
        "email_address": person.email,
        "email_marketing_consent": {
            "state": state,
            "opt_in_level": "confirmed_opt_in",
            "consent_updated_at": _iso(moment),
        },
    }
    return _posting(person, "customers_email_marketing_consent/update", body)


def _woocommerce(person: Person, topic: str, moment: datetime) -> Posting:
    local = moment.strftime("%Y-%m-%dT%H:%M:%S")
    address = {"first_name": person.first_name, "last_name": person.last_name, "address_1": "Rynek 1", "country": "DE"}
    body = {
        "id": person.number,
        "date_created": local,
        "date_created_gmt": local,
        "date_modified": local,
        "date_modified_gmt": local,
        "email": person.email,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "role": "customer",
        "username": f"customer{person.number}",
        "billing": {**address, "email": person.email, "phone": person.phone},
        "shipping": address,
        "is_paying_customer": True,
        "meta_data": [],
    }
    return _posting(person, f"customer.{topic}d", body)


def _deletion(person: Person) -> Posting:
    if person.source == WOOCOMMERCE:
        return _posting(person, "customer.deleted", {"id": person.number})
    return _posting(person, "customers/delete", {"id": person.number, "tax_exemptions": []})


def _posting(person: Person, topic: str, body: dict[str, Any]) -> Posting:
    delivery_id = f"{person.source}-{person.number}-{len(person.postings)}"
    return Posting(source=person.source, topic=topic, delivery_id=delivery_id, body=json.dumps(body).encode())


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def differences(people: list[Person], contacts: list[dict[str, Any]]) -> Iterator[str]:
    """Name every contact that is missing, different or too many, by its number only."""
    held = {str(contact.get("ext_id")): contact for contact in contacts}
    wanted = {f"{person.source}-{person.number}": person.contact for person in people}
    for ext_id, contact in wanted.items():
        if contact is not None and held.get(ext_id) != contact:
            yield f"{ext_id} is {'missing' if ext_id not in held else 'different'}"
    for ext_id in held:
        if wanted.get(ext_id) is None:
            yield f"{ext_id} should not be there"
