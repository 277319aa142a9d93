"""What may be sent to whom: only what was newly decided, and never a grant that nobody gave last."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.connector import Call, Decision, State
from connectors.custobar import Custobar, CustobarOptions
from mappings.records import ABSENT, NOTHING_SAID, Consent

NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
LISTS = ("newsletter", "offers")


def test_unknown_consent_is_not_sent(custobar: Any, state: Any, row: Any) -> None:
    assert row(custobar(mailing_lists=LISTS), state(email="a@example.com")) == {
        "external_id": "shop-7",
        "email": "a@example.com",
    }


def test_old_decision_is_not_sent_again(custobar: Any, state: Any, row: Any) -> None:
    consents = dict.fromkeys(("email", "sms"), Decision(granted=True, time=NOW))
    given = state(email="a@example.com", consents=consents)

    assert row(custobar(mailing_lists=LISTS), given) == {"external_id": "shop-7", "email": "a@example.com"}


@pytest.mark.parametrize("granted", [True, False])
def test_decision_about_email_moves_the_lists(custobar: Any, state: Any, row: Any, *, granted: bool) -> None:
    told = {"email": NOW}
    given = state(grants=told) if granted else state(denials=told)
    lists = {"mailing_lists.add" if granted else "mailing_lists.remove": list(LISTS)}

    assert row(custobar(mailing_lists=LISTS), given) == {"external_id": "shop-7", "can_email": granted, **lists}


def test_decision_about_messages_moves_no_list(custobar: Any, state: Any, row: Any) -> None:
    given = state(grants={"sms": NOW})

    assert row(custobar(mailing_lists=LISTS), given) == {"external_id": "shop-7", "can_sms": True}


def test_grant_that_was_overtaken_is_sent_as_the_denial_it_became(custobar: Any, state: Any, row: Any) -> None:
    given = state(email_consent=Consent(decision="granted", time=NOW, origin="shop"))
    overtaken = {"email": Decision(granted=False, time=NOW)}

    assert "can_email" not in row(custobar(), given)
    given = state(email_consent=given.customer.email_consent, consents=overtaken)
    assert row(custobar(), given)["can_email"] is False


decisions = st.none() | st.builds(Decision, granted=st.booleans(), time=st.none() | st.just(NOW))
pending = st.sampled_from([ABSENT, *(Consent(decision=one, time=NOW, origin="x") for one in ("granted", "denied"))])


@st.composite
def states(draw: st.DrawFn) -> State:
    customer = NOTHING_SAID.model_copy(
        update={
            "email": draw(st.sampled_from([ABSENT, None, "", "a@example.com"])),
            "phone": draw(st.sampled_from([ABSENT, None, "+4520123456"])),
            "email_consent": draw(pending),
            "sms_consent": draw(pending),
        }
    )
    consents: Mapping[str, Decision | None] = {"email": draw(decisions), "sms": draw(decisions)}
    return State(
        subject="customer:shop:7",
        ext_id=draw(st.sampled_from(["shop-7", None])),
        stable_id="shop-7",
        customer=customer,
        raw={"grant": True},
        deleted=draw(st.booleans()),
        known=draw(st.sampled_from([{}, {"exists": True, "email": "a@example.com"}, {"exists": True, "joint": True}])),
        consents={channel: decision for channel, decision in consents.items() if decision is not None},
        steps={},
        shared=draw(st.booleans()),
        now=NOW + timedelta(days=draw(st.integers(0, 400))),
    )


@given(state=states(), behaviour=st.sampled_from(["soft", "hard"]), target=st.sampled_from(["can_email", "can_post"]))
def test_no_row_grants_what_the_newest_decision_did_not(state: State, behaviour: Any, target: str) -> None:
    options = CustobarOptions(
        api_key="x", mailing_lists=LISTS, delete_behavior=behaviour, field_mapping={"raw:grant": target}
    )
    (call,) = Custobar(options).calls([state], bulk=True)
    for row in call.body["customers"] if isinstance(call, Call) else ():
        for channel in ("email", "sms"):
            decision = state.consents.get(channel)
            granted = decision is not None and decision.granted and not state.deleted
            assert row.get(f"can_{channel}") in ([None, True] if granted else [None, False])
            assert channel == "sms" or granted or "mailing_lists.add" not in row
        assert not row.get("can_post")
        assert not row.get("can_profile")
