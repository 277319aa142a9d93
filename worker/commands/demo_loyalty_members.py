"""The truth of the demo's loyalty act: four customers, their orders, and their points worked out by hand."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Final

from worker.commands.demo_loyalty_story import PAID, Did, Member, Moment, campaign_day
from worker.commands.matrix_story import Item, Purchase, Shopper, Step

_BACK_IN_PART: Final[tuple[Step, ...]] = (*PAID, "refunded in part")
_BACK: Final[tuple[Step, ...]] = (*PAID, "refunded")
_CANCELLED: Final[tuple[Step, ...]] = (*PAID, "cancelled")


def members(now: datetime) -> list[Member]:
    """Give the four customers."""
    noon = datetime.combine(campaign_day(now), time(12), timezone.utc)
    return [_ada(noon), _bruno(noon), _chiara(noon), _dmitri(noon)]


def _shopper(source: str, number: int, name: tuple[str, str], noon: datetime) -> Shopper:
    return Shopper(
        source=source,
        number=number,
        email=f"member{number}@{source}.example.com",
        first_name=name[0],
        last_name=name[1],
        phone=f"+49302222{number}",
        born=noon - timedelta(days=1, hours=6),
    )


def _order(
    buyer: Shopper, number: int, nets: Sequence[tuple[int, str]], placed: datetime, life: tuple[Step, ...]
) -> Purchase:
    """Give an order of articles at their prices without tax; a parcel for 5.95 comes to it."""
    items = tuple(
        Item(
            number=10 * number + position,
            product=product,
            name=f"Article {product}",
            net=Decimal(net),
            quantity=1,
            discount=Decimal("0.00"),
        )
        for position, (product, net) in enumerate(nets)
    )
    return Purchase(source=buyer.source, number=number, buyer=buyer, placed=placed, items=items, life=tuple(life))


def _ada(noon: datetime) -> Member:
    """Make Gold with three orders; a piece of the second comes back, and with it goes what only Gold earned."""
    person, day = _shopper("shopify", 7101, ("Ada", "Abel"), noon), noon - timedelta(days=1)
    orders = (
        _order(person, 5001, [(101, "255.48")], day, PAID),
        _order(person, 5002, [(102, "100.00"), (103, "191.61")], day + timedelta(hours=1), _BACK_IN_PART),
        _order(person, 5003, [(104, "291.61")], day + timedelta(hours=2), PAID),
        _order(person, 5004, [(105, "79.03")], day + timedelta(hours=3), PAID),
    )
    before = Moment(
        points=1186,
        tier="Gold",
        missing=None,
        orders=4,
        spent=Decimal("1115.91"),
        why="309.97 is 310, 352.97 twice 706, Gold 50, 100.00 x 1.2 is 120",
        did=(
            Did(earned=310, tier="Bronze", balance=310),
            Did(earned=353, tier="Silver", balance=663),
            Did(earned=353, bonus=50, tier="Gold", balance=1066),
            Did(earned=120, tier="Gold", balance=1186),
        ),
    )
    after = Moment(
        points=997,
        tier="Silver",
        missing=3,
        orders=4,
        spent=Decimal("996.91"),
        why="119.00 of the second went back: 310 + 234 + 353 + 100, and no Gold",
        did=(
            Did(earned=310, tier="Bronze", balance=310),
            Did(earned=353, taken=119, tier="Silver", balance=544),
            Did(earned=353, tier="Silver", balance=897),
            Did(earned=100, tier="Silver", balance=997),
        ),
    )
    return Member(person=person, orders=orders, before=before, after=after, reached=("Silver", "Gold"))


def _bruno(noon: datetime) -> Member:
    """Buy once, and give all of it back."""
    person = _shopper("shopify", 7102, ("Bruno", "Brandt"), noon)
    orders = (_order(person, 5005, [(101, "247.09")], noon - timedelta(days=1), _BACK),)
    before = Moment(
        points=300,
        tier="Bronze",
        missing=200,
        orders=1,
        spent=Decimal("299.99"),
        why="299.99 is 300",
        did=(Did(earned=300, tier="Bronze", balance=300),),
    )
    after = Moment(
        points=0,
        tier="Bronze",
        missing=500,
        orders=0,
        spent=Decimal(0),
        why="all of it went back",
        did=(Did(earned=300, taken=300, tier="Bronze", balance=0),),
    )
    return Member(person=person, orders=orders, before=before, after=after, reached=())


def _chiara(noon: datetime) -> Member:
    """Buy an article that counts twice, and on a day that does; a piece of what was bought then comes back."""
    person = _shopper("woocommerce", 7103, ("Chiara", "Conti"), noon)
    orders = (
        _order(person, 5006, [(299, "37.01")], noon - timedelta(days=1), PAID),
        _order(person, 5007, [(201, "100.00"), (202, "147.09")], noon, _BACK_IN_PART),
    )
    before = Moment(
        points=694,
        tier="Silver",
        missing=306,
        orders=2,
        spent=Decimal("349.98"),
        why="44.04 x 2 + 5.95 is 94, the day's 299.99 x 2 is 600",
        did=(
            Did(earned=94, tier="Bronze", balance=94),
            Did(earned=600, tier="Silver", balance=694),
        ),
    )
    after = Moment(
        points=456,
        tier="Bronze",
        missing=44,
        orders=2,
        spent=Decimal("230.98"),
        why="119.00 of the day's order went back: 94, and 180.99 x 2 is 362",
        did=(
            Did(earned=94, tier="Bronze", balance=94),
            Did(earned=600, taken=238, tier="Bronze", balance=456),
        ),
    )
    return Member(person=person, orders=orders, before=before, after=after, reached=("Silver",))


def _dmitri(noon: datetime) -> Member:
    """Make Silver to the point with an order that is cancelled; the other stays."""
    person, day = _shopper("woocommerce", 7104, ("Dmitri", "Dubois"), noon), noon - timedelta(days=1)
    orders = (
        _order(person, 5008, [(203, "414.75")], day, _CANCELLED),
        _order(person, 5009, [(204, "37.01")], day + timedelta(hours=1), PAID),
    )
    before = Moment(
        points=550,
        tier="Silver",
        missing=450,
        orders=2,
        spent=Decimal("549.49"),
        why="499.50 is 500, 49.99 is 50",
        did=(
            Did(earned=500, tier="Silver", balance=500),
            Did(earned=50, tier="Silver", balance=550),
        ),
    )
    after = Moment(
        points=50,
        tier="Bronze",
        missing=450,
        orders=1,
        spent=Decimal("49.99"),
        why="the first order was cancelled; 50 stay",
        did=(
            Did(earned=500, taken=500, tier="Bronze", balance=0),
            Did(earned=50, tier="Bronze", balance=50),
        ),
    )
    return Member(person=person, orders=orders, before=before, after=after, reached=("Silver",))
