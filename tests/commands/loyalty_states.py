"""What the sandboxes must hold of the demo's loyalty act, in their own words."""

from datetime import datetime, timezone
from typing import Any

from worker.commands.demo_loyalty import MOMENTS
from worker.commands.demo_loyalty_members import members
from worker.commands.demo_loyalty_story import LISTS

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=timezone.utc)
MEMBERS = members(NOW)


def state_of(vendor: str, moment: str) -> Any:
    """Write what a sandbox must hold, in its own words."""
    told = [(one.person, one, one.before if moment == MOMENTS[0] else one.after) for one in MEMBERS]
    return {"brevo": _brevo, "custobar": _custobar, "voucherify": _voucherify}[vendor](told)


def _brevo(told: Any) -> Any:
    contacts, orders, events = [], [], []
    for person, member, moment in told:
        has = {
            "EXT_ID": person.our_id,
            "LOYALTY_POINTS": moment.points,
            "LOYALTY_TIER": moment.tier,
            "ORDER_COUNT": moment.orders,
            "TOTAL_SPENT": float(moment.spent),
        }
        has |= {} if moment.missing is None else {"NEXT_TIER_POINTS": moment.missing}
        contacts.append({"attributes": has, "listIds": [LISTS[moment.tier]]})
        for order, did in zip(member.orders, moment.did, strict=True):
            block = {"points_earned": did.earned, "total_points_balance": did.balance, "tier_after": did.tier}
            block |= {"bonus_points": did.bonus} if did.bonus else {}
            block |= {"points_reversed": did.taken} if did.taken else {}
            orders.append({"id": order.our_id, "metaInfo": block})
        whose = {"identifiers": {"ext_id": person.our_id}}
        events += [
            {"event_name": "loyalty_points_awarded", **whose, "event_properties": {"order_id": order.our_id}}
            for order in member.orders
        ]
        events += [
            {"event_name": "loyalty_tier_changed", **whose, "event_properties": {"tier": tier}}
            for tier in member.reached
        ]
    return {"contacts": contacts, "orders": orders, "events": events}


def _custobar(told: Any) -> Any:
    customers, sales, events = [], [], []
    for person, member, moment in told:
        has = {
            "loyalty_points": moment.points,
            "loyalty_tier": moment.tier,
            "order_count": moment.orders,
            "lifetime_value": int(moment.spent * 100),
        }
        has |= {} if moment.missing is None else {"next_tier_points": moment.missing}
        customers.append({"external_id": person.our_id} | {f"ACME__{name}": value for name, value in has.items()})
        for order, did in zip(member.orders, moment.did, strict=True):
            row = {
                "ACME__points_earned": did.earned,
                "ACME__bonus_points": did.bonus,
                "ACME__points_reversed": did.taken,
                "ACME__tier_after": did.tier,
                "ACME__points_balance": did.balance,
            }
            rows = {str(item.number): dict(row) for item in order.items}
            sales.append({"sale_external_id": order.our_id, "rows": rows})
        whose = {"customer_id": person.our_id}
        events += [{"type": "LOYALTY_POINTS_AWARDED", **whose, "sale_id": order.our_id} for order in member.orders]
        events += [{"type": "LOYALTY_TIER_CHANGED", **whose, "tier": tier} for tier in member.reached]
    return {"customers": customers, "sales": sales, "events": events}


def _voucherify(told: Any) -> Any:
    customers, orders, events, cards = [], [], [], []
    for person, member, moment in told:
        has = {
            "loyalty_points": moment.points,
            "loyalty_tier": moment.tier,
            "next_tier_points": moment.missing,
            "order_count": moment.orders,
            "lifetime_value": float(moment.spent),
        }
        customers.append({"id": f"cust_{person.number}", "source_id": person.our_id, "metadata": has})
        moved = [{"details": {"balance": {"points": moment.points}}}]
        held = {"holder_id": f"cust_{person.number}", "loyalty_card": {"balance": moment.points}}
        cards.append({**held, "transactions": moved})
        for order, did in zip(member.orders, moment.did, strict=True):
            about = {"points_earned": did.earned, "bonus_points": did.bonus, "points_reversed": did.taken}
            about |= {"tier_after": did.tier, "points_balance": did.balance}
            orders.append({"source_id": order.our_id, "metadata": about})
        whose = {"source_id": person.our_id}
        events += [
            {"event": "loyalty_points_awarded", **whose, "metadata": {"order_id": order.our_id}}
            for order in member.orders
        ]
        events += [{"event": "loyalty_tier_changed", **whose, "metadata": {"tier": tier}} for tier in member.reached]
    return {"customers": customers, "orders": orders, "events": events, "cards": cards}
