"""The commands of `commerce-sync loyalty`; each imports what it needs when it runs."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from worker.commands.options import AllOption, DryRun, Json

loyalty = typer.Typer(help="Points and tiers of the loyalty programme.", no_args_is_help=True, rich_markup_mode=None)

Customer = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="shopify-123, an id of the only source, or a guest's e-mail.")
]
AnyCustomer = Annotated[
    str | None, typer.Argument(metavar="[CUSTOMER]", help="shopify-123; without one, all accounts.")
]


@loyalty.command()
def show(customer: Customer, as_json: Json = False) -> None:
    """Show a customer's balance, tier and progress, and what expires when."""
    from worker.commands.loyalty_show import run

    _exit(run(customer, as_json=as_json))


@loyalty.command()
def explain(customer: Customer, as_json: Json = False) -> None:
    """Show every entry with its order, cause and arithmetic, adding up to the balance."""
    from worker.commands.loyalty_explain import run

    _exit(run(customer, as_json=as_json))


@loyalty.command()
def simulate(
    rules: Annotated[Path, typer.Option("--rules", help="A YAML file with what stands under `rules:`.", exists=False)],
    since: Annotated[str, typer.Option("--since", help="Only for orders from then on: 90d, or an ISO date.")],
    picture: Annotated[Path | None, typer.Option("--picture", help="Write the histogram as an SVG file.")] = None,
    as_json: Json = False,
) -> None:
    """Show who would gain, lose or change tier by other rules; nothing is changed."""
    from worker.commands.loyalty_simulate import run

    _exit(run(rules, since=since, picture=picture, as_json=as_json))


# A number below zero is no option.
@loyalty.command(context_settings={"ignore_unknown_options": True})
def adjust(
    customer: Customer,
    points: Annotated[int, typer.Argument(metavar="POINTS", help="How many, such as 50 or -50.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the account.")],
    author: Annotated[str | None, typer.Option("--author", help="Who; by default your login here.")] = None,
    counts: Annotated[bool, typer.Option("--counts", help="They count towards the tier too.")] = False,
    name: Annotated[str | None, typer.Option("--id", help="The same id twice is booked once.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give or take points by hand; asks before, and prints the event's id."""
    from worker.commands.loyalty_adjust import run

    _exit(run(customer, points, reason=reason, author=author, counts=counts, name=name, sure=yes))


@loyalty.command()
def verify(
    customer: AnyCustomer = None,
    repair: Annotated[bool, typer.Option("--repair", help="Have what differs computed anew and told again.")] = False,
    as_json: Json = False,
) -> None:
    """Compare the orders with what is booked, and that with what the destinations hold."""
    from worker.commands.loyalty_verify import run

    _exit(run(customer, repair=repair, as_json=as_json))


@loyalty.command()
def recompute(
    customer: AnyCustomer = None, everything: AllOption = False, dry_run: DryRun = False, as_json: Json = False
) -> None:
    """Book by the rules that hold now: all accounts that were booked by others, or one."""
    from worker.commands.loyalty_recompute import run

    _exit(run(customer, everything=everything, dry_run=dry_run, as_json=as_json))


def _exit(code: int) -> NoReturn:
    raise typer.Exit(code)
