"""A change falls apart into facets and comes together again, and folding them has one result in any order."""

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.loyalty_records import NO_LOYALTY_SAID, Loyalty, Purchases
from mappings.records import ABSENT, NOTHING_SAID, Address, Change, Consent, Customer
from worker.engine.subjects import FINAL, KNOWN_TIME, UNKNOWN_TIME, Facet, Version
from worker.sync.facets import DELETED, EXISTS, customer_of, decided_at, facets_of, fold, pack, raw_of, unpack

NOW = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=timezone.utc)
ARRIVAL = int(NOW.timestamp()) * 1_000_000 + 123_456

texts = st.one_of(st.just(ABSENT), st.none(), st.just(""), st.text(max_size=10))
moments = st.datetimes(datetime(2000, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(timezone.utc)).map(  # noqa: DTZ001 - hypothesis adds the zone
    lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)
)
addresses = st.builds(Address, company=texts, street=texts, city=texts, region=texts, postal_code=texts, country=texts)
consents = st.just(ABSENT) | st.builds(
    Consent, decision=st.sampled_from(("granted", "denied")), time=st.none() | moments, origin=st.text(max_size=5)
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(ABSENT), st.none(), values)


whole_numbers = maybe(st.integers(-1, 10**9))
loyalties = st.just(ABSENT) | st.builds(
    Loyalty,
    id=texts,
    points=whole_numbers,
    tier=texts,
    earned_this_year=whole_numbers,
    redeemed_this_year=whole_numbers,
    progress=whole_numbers,
    next_tier_points=whole_numbers,
    referral_code=texts,
    lists=st.just(ABSENT) | st.lists(st.integers(1, 9), max_size=3).map(tuple),
).filter(lambda one: one != NO_LOYALTY_SAID)  # which is as good as ABSENT
purchases = st.builds(
    Purchases,
    orders=st.integers(0, 9),
    spent=st.decimals(allow_nan=False, allow_infinity=False),
    average=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    first_at=st.none() | moments,
    last_at=st.none() | moments,
    frequency=st.none() | st.text(max_size=5),
    categories=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    seasonal=st.booleans(),
    recent=st.lists(st.text(max_size=5), max_size=3).map(tuple),
)
customers = st.builds(
    Customer,
    email=texts,
    phone=texts,
    first_name=texts,
    last_name=texts,
    address=maybe(addresses),
    language=texts,
    currency=texts,
    birthday=maybe(st.dates()),
    note=texts,
    tags=maybe(st.lists(st.text(max_size=5), max_size=3, unique=True).map(tuple)),
    tags_added=st.just(ABSENT),
    tags_removed=st.just(ABSENT),
    tier=texts,
    total_orders=maybe(st.integers(0, 10**9)),
    total_spent=maybe(st.decimals(allow_nan=False, allow_infinity=False)),
    last_order_at=maybe(moments),
    created_at=maybe(moments),
    loyalty=loyalties,
    purchases=maybe(purchases),
    email_consent=consents,
    sms_consent=consents,
)
raws = st.dictionaries(
    st.text(max_size=5),
    st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2),
    max_size=3,
)
versions: st.SearchStrategy[Version] = st.tuples(
    st.integers(0, 2), st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)
)
facet_values = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(("", "a")) | st.just(["a"])
facet_maps: st.SearchStrategy[dict[str, Facet]] = st.dictionaries(
    st.sampled_from(("email", "first_name", EXISTS, DELETED)), st.tuples(facet_values, versions), max_size=4
)


def change(customer: Customer = NOTHING_SAID, **different: Any) -> Change:
    values = {"id": "7", "time": NOW, "rank": 1, "deleted": False, "final": False, "customer": customer, "notes": ()}
    return Change(**(values | different))


def said(**fields: Any) -> Customer:
    return NOTHING_SAID.model_copy(update=fields)


@given(customer=customers, raw=raws)
def test_a_customer_comes_back_from_facets(customer: Customer, raw: dict[str, Any]) -> None:
    facets, forced = unpack(pack(facets_of(change(customer), ARRIVAL, raw=raw), forced=True))
    back = customer_of(facets)

    assert forced
    assert raw == raw_of(facets)
    for name in Customer.model_fields:
        before, after = getattr(customer, name), getattr(back, name)
        assert (before, type(before)) == (after, type(after)), name


@pytest.mark.parametrize("value", [ABSENT, None, "", "0", "false", "absent", "None"])
def test_texts_that_look_alike_stay_apart(value: Any) -> None:
    facets, _ = unpack(pack(facets_of(change(said(note=value)), ARRIVAL)))
    back = customer_of(facets).note

    assert (value, type(value)) == (back, type(back))
    assert ("note" in facets) == (value is not ABSENT)


@pytest.mark.parametrize("value", [0, None, ABSENT])
def test_nought_is_neither_nothing_nor_unsaid(value: Any) -> None:
    facets, _ = unpack(pack(facets_of(change(said(total_orders=value, total_spent=value)), ARRIVAL)))
    back = customer_of(facets)

    assert value == back.total_orders
    assert (value if value != 0 else Decimal(0)) == back.total_spent


@pytest.mark.parametrize("value", [False, 0, "", [], "0", None])
def test_own_fields_keep_their_kind(value: Any) -> None:
    facets, _ = unpack(pack(facets_of(change(), ARRIVAL, raw={"a.b": value})))
    (back,) = raw_of(facets).values()

    assert (value, type(value)) == (back, type(back))


def test_money_keeps_its_digits() -> None:
    facets, _ = unpack(pack(facets_of(change(said(total_spent=Decimal("12.30"))), ARRIVAL)))

    assert "12.30" == str(customer_of(facets).total_spent)


def test_an_address_keeps_what_it_leaves_unsaid() -> None:
    address = Address(company=ABSENT, street="", city="Åbo", region=None, postal_code="00100", country="FI")
    facets, _ = unpack(pack(facets_of(change(said(address=address)), ARRIVAL)))

    assert address == customer_of(facets).address


def test_only_wanted_profile_facets_are_made() -> None:
    consent = Consent(decision="granted", time=NOW, origin="form")
    customer = said(email="a@example.com", note="secret", email_consent=consent)
    facets = facets_of(change(customer), ARRIVAL, wanted=frozenset({"email"}), raw={"x": 1})

    assert {EXISTS, "email", "email_consent", "raw:x"} == set(facets)


def test_a_deletion_says_nothing_else() -> None:
    assert {DELETED: (True, (KNOWN_TIME, int(NOW.timestamp() * 1000), 1, ARRIVAL))} == facets_of(
        change(said(email="a@example.com"), deleted=True), ARRIVAL, raw={"x": 1}
    )


def test_a_final_deletion_is_newer_than_everything() -> None:
    gone = facets_of(change(deleted=True, final=True, time=None, rank=0), ARRIVAL)[DELETED][1]
    later = facets_of(change(rank=99), ARRIVAL + 10**12)[EXISTS][1]

    assert FINAL == gone[0]
    assert gone > later


@pytest.mark.parametrize("delete", [False, True])
def test_a_time_in_the_future_is_the_arrival(*, delete: bool) -> None:
    ahead = NOW + timedelta(days=400)
    facets = facets_of(change(time=ahead, deleted=delete), ARRIVAL)

    assert {(KNOWN_TIME, ARRIVAL // 1000, 1, ARRIVAL)} == {version for _, version in facets.values()}


def test_a_decision_in_the_future_is_of_the_arrival() -> None:
    consent = Consent(decision="denied", time=NOW + timedelta(days=400), origin="form")
    facets = facets_of(change(said(sms_consent=consent)), ARRIVAL)

    assert ([False, "form"], (KNOWN_TIME, ARRIVAL // 1000, 1, ARRIVAL)) == facets["sms_consent"]


def test_an_unknown_time_loses_to_a_known_one() -> None:
    unknown = facets_of(change(time=None, rank=9), ARRIVAL + 10**9)[EXISTS][1]
    known = facets_of(change(time=datetime(1970, 1, 2, tzinfo=timezone.utc), rank=0), ARRIVAL)[EXISTS][1]

    assert UNKNOWN_TIME == unknown[0]
    assert unknown < known
    assert decided_at(unknown) is None


def test_equal_times_go_by_rank_then_by_arrival() -> None:
    of = [
        facets_of(change(rank=rank), at)[EXISTS][1] for rank, at in ((0, ARRIVAL + 5), (1, ARRIVAL), (1, ARRIVAL + 1))
    ]

    assert sorted(of) == of


@given(moments)
def test_a_decision_keeps_its_millisecond(moment: datetime) -> None:
    consent = Consent(decision="granted", time=moment, origin="")

    assert moment == decided_at(facets_of(change(said(email_consent=consent)), ARRIVAL)["email_consent"][1])


def test_a_consent_has_a_time_of_its_own() -> None:
    consent = Consent(decision="granted", time=None, origin="form")
    facets = facets_of(change(said(email_consent=consent, note="n")), ARRIVAL)

    assert (UNKNOWN_TIME, KNOWN_TIME) == (facets["email_consent"][1][0], facets["note"][1][0])


def test_a_value_of_an_unknown_kind_is_an_error() -> None:
    customer = NOTHING_SAID.model_copy(update={"note": 1.5})

    with pytest.raises(TypeError, match="float"):
        facets_of(change(customer), ARRIVAL)


def test_a_packed_item_is_plain_json() -> None:
    customer = said(birthday=date(1990, 5, 17), last_order_at=NOW, tags=("a", "ü"))

    assert {"v", "facets"} == json.loads(pack(facets_of(change(customer), ARRIVAL))).keys()


@given(facet_maps, facet_maps, facet_maps)
def test_folding_is_associative(one: dict[str, Facet], two: dict[str, Facet], three: dict[str, Facet]) -> None:
    assert same(fold([one, two, three]), fold([fold([one, two]), three]))
    assert same(fold([one, two, three]), fold([one, fold([two, three])]))


@given(facet_maps, facet_maps)
def test_folding_is_commutative(one: dict[str, Facet], two: dict[str, Facet]) -> None:
    assert same(fold([one, two]), fold([two, one]))


@given(facet_maps)
def test_folding_is_idempotent(one: dict[str, Facet]) -> None:
    assert same(one, fold([one, one]))
    assert same(one, fold([one]))


@given(st.lists(facet_maps, max_size=4))
def test_folding_keeps_the_newest_of_each_facet(many: list[dict[str, Facet]]) -> None:
    folded = fold(many)

    assert {name for one in many for name in one} == set(folded)
    for name, (_, version) in folded.items():
        assert version == max(one[name][1] for one in many if name in one)


def test_packing_and_folding_may_be_done_in_any_order() -> None:
    said_in_turn: tuple[dict[str, Any], ...] = (
        {"note": "new"},
        {"note": None, "tier": ""},
        {"tier": "gold", "language": "fi"},
    )
    some: list[dict[str, Facet]] = [
        facets_of(change(said(**fields), time=NOW - timedelta(seconds=age)), ARRIVAL + age)
        for age, fields in enumerate(said_in_turn)
    ]

    def read(facets: dict[str, Facet]) -> dict[str, Facet]:
        return unpack(pack(facets))[0]

    results = [fold(map(read, order)) for order in permutations(some)]
    results += [fold([read(fold(order[:2])), read(order[2])]) for order in permutations(some)]

    assert all(same(results[0], one) for one in results)


def same(one: dict[str, Facet], two: dict[str, Facet]) -> bool:
    """Compare without taking 0 for False or 1 for True."""
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def points(number: int | None) -> Loyalty:
    return NO_LOYALTY_SAID.model_copy(update={"points": number})


def tier(name: str | None) -> Loyalty:
    return NO_LOYALTY_SAID.model_copy(update={"tier": name})


@pytest.mark.parametrize("later", [points(0), points(None)], ids=["nought", "cleared"])
def test_points_leave_the_tier_as_it_is_and_the_other_way_round(later: Loyalty) -> None:
    told = [
        facets_of(change(said(loyalty=loyalty), time=NOW - timedelta(seconds=seconds)), ARRIVAL)
        for loyalty, seconds in ((points(40), 3), (tier("Gold"), 2), (later, 1))
    ]
    for order in permutations(told):
        back = customer_of(fold(order)).loyalty

        assert NO_LOYALTY_SAID.model_copy(update={"points": later.points, "tier": "Gold"}) == back


def test_loyalty_that_is_gone_has_nothing_left() -> None:
    old = facets_of(change(said(loyalty=points(40).model_copy(update={"lists": (3,)})), time=NOW), ARRIVAL)
    gone = facets_of(change(said(loyalty=None), time=NOW, rank=2), ARRIVAL)
    back = customer_of(fold([old, unpack(pack(gone))[0]])).loyalty

    assert Loyalty(**{**dict.fromkeys(Loyalty.model_fields), "lists": ()}) == back


def test_loyalty_is_made_where_it_is_wanted_only() -> None:
    told = change(said(email="a@example.com", loyalty=points(40)))

    assert {EXISTS, "email"} == set(facets_of(told, ARRIVAL, wanted=frozenset({"email"})))
    assert {EXISTS, "loyalty.points"} == set(facets_of(told, ARRIVAL, wanted=frozenset({"loyalty"})))


def test_whoever_does_not_know_whether_the_customer_is_there_does_not_say_so() -> None:
    assert {"loyalty.points"} == set(facets_of(change(said(loyalty=points(40))), ARRIVAL, exists=False))
