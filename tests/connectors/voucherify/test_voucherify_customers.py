"""Customers of Voucherify: what is told, what is remembered, and what no call ever says."""

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.connector import Call, Decision, Nothing
from connectors.sections import VoucherifySection
from connectors.verdicts import Delivered, Rejected
from connectors.voucherify import DESTINATION
from connectors.voucherify_options import PROFILE, VoucherifyOptions
from connectors.voucherify_profile import CUT, LONGEST_VALUE
from mappings.records import ABSENT, Address, Consent

AT = datetime(2026, 11, 19, 12, tzinfo=timezone.utc)
MAPPING = {"tier": "tier", "tags": "tags", "note": "note", "raw:vip": "vip"}


def body(connector: Any, state: Any) -> Any:
    (call,) = connector.calls([state], bulk=False)
    return call.body


def delivered(connector: Any, state: Any, respond_with: Any) -> Delivered:
    (call,) = connector.calls([state], bulk=False)
    verdict = connector.judge(call, respond_with(200, {}))[state.subject]
    assert isinstance(verdict, Delivered)
    return verdict


def test_the_five_states_of_a_field_are_kept_apart(customers: Any, state: Any) -> None:
    connector = customers(field_mapping={"raw:a": "a", "raw:b": "b", "raw:c": "c", "raw:d": "d", "raw:e": "e"})
    raw = {"b": None, "c": "", "d": 0, "e": False}

    assert {"b": None, "c": None, "d": 0, "e": False} == body(connector, state(raw=raw))["metadata"]
    assert "email" not in body(connector, state())
    assert body(connector, state(email=None))["email"] is None
    assert body(connector, state(email=" "))["email"] is None
    assert "phone" not in body(connector, state(email="ada@example.com"))


def test_source_id_is_never_the_email(customers: Any, state: Any) -> None:
    guest = state(ext_id=None, stable_id="guest-0123", email="ada@example.com")

    assert body(customers(), guest)["source_id"] == "guest-0123"


@pytest.mark.parametrize(
    ("told", "known", "name"),
    [
        ({"first_name": "Ada"}, {}, "Ada"),
        ({"first_name": "Ada", "last_name": "King"}, {"last_name": "Lovelace"}, "Ada King"),
        ({"first_name": "Ada"}, {"first_name": "Eda", "last_name": "Lovelace"}, "Ada Lovelace"),
        ({"last_name": "King"}, {"first_name": "Ada"}, "Ada King"),
        ({"last_name": None}, {"first_name": "Ada", "last_name": "King"}, "Ada"),
        ({"first_name": None, "last_name": ""}, {}, None),
    ],
)
def test_name_is_made_of_both_names(
    customers: Any, state: Any, told: dict[str, str | None], known: dict[str, str], name: str | None
) -> None:
    assert name == body(customers(), state(**told, known={"exists": True, **known}))["name"]


def test_one_name_alone_leaves_the_other_as_it_is_known(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers()
    first = delivered(connector, state(first_name="Ada", last_name="Lovelace"), respond_with)
    second = delivered(connector, state(last_name="King", known=first.known), respond_with)

    assert {"exists": True, "first_name": "Ada", "last_name": "King"} == second.known
    third = delivered(connector, state(first_name=None, known=second.known), respond_with)
    assert {"exists": True, "last_name": "King"} == third.known


def test_email_stays_known_until_it_is_cleared(customers: Any, state: Any, respond_with: Any) -> None:
    first = delivered(customers(), state(email="Ada@example.com"), respond_with)
    second = delivered(customers(), state(phone=None, known=first.known), respond_with)
    third = delivered(customers(), state(email=None, known=second.known), respond_with)

    assert ["Ada@example.com", "Ada@example.com", None] == [one.known.get("email") for one in (first, second, third)]


def test_metadata_is_always_sent_whole(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers(field_mapping=MAPPING)
    first = delivered(connector, state(tier="gold", tags=("a", "b"), raw={"vip": True}), respond_with)
    later = state(tier=None, known=first.known, consents={"email": Decision(granted=False, time=AT)})

    assert {"tags": ["a", "b"], "vip": True, "tier": "gold"} == first.known["metadata"]
    assert {
        "tier": None,
        "tags": ["a", "b"],
        "vip": True,
        "accepts_marketing": False,
        "accepts_marketing_at": "2026-11-19T12:00:00.000Z",
    } == body(connector, later)["metadata"]
    assert {"tags": ["a", "b"], "vip": True} == delivered(connector, later, respond_with).known["metadata"]


def test_key_that_is_mapped_no_more_is_left_alone(customers: Any, state: Any) -> None:
    known = {"exists": True, "metadata": {"tier": "gold", "old": 1}}

    assert {"tier": "gold"} == body(customers(field_mapping=MAPPING), state(email=None, known=known))["metadata"]


def test_mapping_cannot_write_what_is_ours(customers: Any, state: Any) -> None:
    connector = customers(field_mapping={"raw:a": "accepts_marketing", "raw:b": "deleted"})

    assert "metadata" not in body(connector, state(raw={"a": True, "b": True}))


def test_long_metadata_is_cut_and_that_is_told(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers(field_mapping={"note": "note", "tags": "tags", "raw:n": "n"})
    told = state(note="x" * 2000, tags=tuple(str(number) * 10 for number in range(1000)), raw={"n": 7})
    verdict = delivered(connector, told, respond_with)

    assert (CUT,) == verdict.notes
    assert verdict.known["metadata"]["note"] == "x" * LONGEST_VALUE
    assert 0 < len(verdict.known["metadata"]["tags"]) < 100
    assert () == delivered(connector, state(note="x", tags=("a",)), respond_with).notes


def test_no_more_keys_are_sent_than_voucherify_takes(customers: Any, state: Any, respond_with: Any) -> None:
    connector = customers(field_mapping={f"raw:{number}": f"key{number}" for number in range(200)})
    told = state(raw={str(number): number for number in range(200)}, denials={"email": AT, "sms": AT})
    verdict = delivered(connector, told, respond_with)

    assert len(body(connector, told)["metadata"]) <= 100
    assert (CUT,) == verdict.notes


def test_address_says_what_the_shop_said(customers: Any, state: Any) -> None:
    nothing = dict.fromkeys(Address.model_fields)
    known = {"street": "Main St 1", "city": "Ghent"}

    assert {"line_1": "Main St 1", "city": "Ghent", "state": None, "postal_code": None, "country": None} == body(
        customers(), state(address=Address(**{**nothing, **known}))
    )["address"]
    assert body(customers(), state(address=None))["address"] is None


def test_address_of_a_company_alone_is_none_of_voucherifys(customers: Any, state: Any) -> None:
    company = Address(**{**dict.fromkeys(Address.model_fields, ABSENT), "company": "Engines"})

    assert "address" not in body(customers(), state(address=company))


def test_nothing_new_makes_no_call(customers: Any, state: Any) -> None:
    connector = customers()
    (nothing,) = connector.calls([state(note="x", known={"exists": True})], bulk=False)

    assert isinstance(nothing, Nothing)
    assert not nothing.keep
    assert isinstance(connector.calls([state(grants={"sms": None}, known={"exists": True})], bulk=False)[0], Call)


channels = st.sampled_from(["email", "sms"])
decided = st.dictionaries(channels, st.builds(Decision, granted=st.booleans(), time=st.sampled_from([None, AT])))
told = st.dictionaries(channels, st.sampled_from(["granted", "denied"]))
knowns = st.sampled_from(
    [
        {},
        {"exists": True},
        {"exists": True, "deleted": True},
        {"exists": True, "metadata": {"accepts_marketing": True, "accepts_sms_marketing": True}},
    ]
)


states = st.fixed_dictionaries({"consents": decided, "known": knowns, "deleted": st.booleans()})


@given(drawn=states, pending=told)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_grant_is_told_that_the_newest_decision_did_not_grant(
    customers: Any, state: Any, drawn: Any, pending: Any
) -> None:
    newest, deleted = drawn["consents"], drawn["deleted"]
    given_now = {
        f"{channel}_consent": Consent.model_validate({"decision": said, "time": None, "origin": "shop"})
        for channel, said in pending.items()
    }
    mapping = {"raw:a": "accepts_marketing", "raw:b": "accepts_sms_marketing"}
    one = state(raw={"a": True, "b": True}, **drawn, **given_now)
    (call,) = customers(field_mapping=mapping).calls([one], bulk=False)
    metadata = call.body.get("metadata", {}) if isinstance(call, Call) else {}

    for channel, key in (("email", "accepts_marketing"), ("sms", "accepts_sms_marketing")):
        if metadata.get(key):
            assert newest[channel].granted
            assert not deleted
        if channel in newest and isinstance(call, Call) and not deleted:
            assert newest[channel].granted == metadata[key]


def answers(*given_answers: Any) -> Any:
    left = list(given_answers)
    return lambda _: left.pop(0)


def test_duplicate_is_updated_instead(customers: Any, state: Any, respond_with: Any, converse: Any) -> None:
    taken = respond_with(409, {"code": 409, "key": "duplicate_found", "message": "Duplicate resource found"})
    talk = converse(customers(), state(email="ada@example.com"), answers(taken, respond_with(200, {})))

    assert ["POST /v1/customers", "PUT /v1/customers/shop-7"] == talk.lines
    assert {"email": "ada@example.com"} == talk.calls[1].body
    assert Delivered(known={"exists": True, "email": "ada@example.com"}) == talk.end


def test_duplicate_that_is_not_there_is_created_once_more(
    customers: Any, state: Any, respond_with: Any, converse: Any
) -> None:
    taken, gone = respond_with(409), respond_with(404)
    created = converse(customers(), state(), answers(taken, gone, respond_with(200, {})))
    refused = converse(customers(), state(), answers(taken, gone, taken))

    assert ["POST /v1/customers", "PUT /v1/customers/shop-7", "POST /v1/customers"] == created.lines
    assert Delivered(known={"exists": True}) == created.end
    assert Rejected(reason="identity", field="source_id") == refused.end


def test_image_tells_states_apart_and_not_their_time(customers: Any, state: Any, ago: Any) -> None:
    connector = customers(field_mapping=MAPPING)
    image = connector.image
    one = state(email="ada@example.com", tier="gold", grants={"email": ago(days=1)})

    assert image(one) == image(replace(one, now=AT))
    assert (
        len(
            {
                str(image(other))
                for other in (
                    one,
                    state(email="ada@example.com", tier="gold", grants={"email": ago(days=2)}),
                    state(email="ada@example.com", tier="gold", denials={"email": ago(days=1)}),
                    state(email="ada@example.com", tier=None, grants={"email": ago(days=1)}),
                    state(email=None, tier="gold", grants={"email": ago(days=1)}),
                    state(deleted=True),
                )
            }
        )
        == 6
    )


def test_image_tells_names_apart_that_take_each_others_place(customers: Any, state: Any) -> None:
    known = {"exists": True, "last_name": "Cleo"}
    image = customers().image

    assert image(state(last_name="Cleo")) != image(state(first_name="Cleo", last_name=None, known=known))


def test_same_state_twice_gives_the_same_call(customers: Any, state: Any) -> None:
    one = state(email="ada@example.com", first_name="Ada")

    assert customers().calls([one], bulk=False) == customers().calls([one], bulk=False)


def test_fields_that_are_told_are_asked_for() -> None:
    options = VoucherifyOptions(app_id="a", api_key="k", field_mapping={"customerTier": "tier", "raw:vip": "vip"})

    assert PROFILE | {"tier"} == DESTINATION.needs(options)
    assert VoucherifyOptions(app_id="a", api_key="k") == VoucherifyOptions(**_section().options())


def _section() -> VoucherifySection:
    return VoucherifySection(app_id=SecretStr("a"), api_key=SecretStr("k"))
