"""The command line: each command imports what it needs when it runs, so that `--help` is quick."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from worker.commands.loyalty import loyalty
from worker.commands.options import AllOption, DryRun, Json

app = typer.Typer(
    name="commerce-sync",
    help="Brings customers and orders of your shops to Brevo, Custobar and Voucherify: nothing is lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # its help pages take twice the time
    context_settings={"help_option_names": ["-h", "--help"]},
)
letters = typer.Typer(
    help="What could not be delivered and waits for a person.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(letters, name="dead-letters")
app.add_typer(loyalty, name="loyalty")

PayloadFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A JSON file.")]
DestinationOption = Annotated[str | None, typer.Option("--destination", help="Only of this destination.")]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Only those buried for this reason.")]
SinceOption = Annotated[str | None, typer.Option("--since", help="Only newer ones: 30m, 12h, 7d or an ISO time.")]


@app.command()
def demo(
    events: Annotated[int, typer.Option("--events", min=1, max=100_000, help="Deliveries to send, at least.")] = 240,
    everything: Annotated[
        bool, typer.Option("--all", help="Every platform to every destination, customers and orders, as a matrix.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the whole system once, on an embedded store and sandboxes, and show what arrived: customers, then points."""
    from worker.commands import demo, matrix

    _exit(matrix.run(as_json=as_json) if everything else demo.run(events=events, as_json=as_json))


@app.command()
def up(
    port: Annotated[int | None, typer.Option("--port", min=1, max=65_535, help="Port of the web process.")] = None,
) -> None:
    """Run web, worker and beat together, and restart what dies."""
    from worker.commands.up import run

    _exit(run(port=port))


@app.command()
def init(
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a commented commerce-sync.yaml."""
    from worker.commands.init import run

    _exit(run(force=force))


@app.command()
def check(
    live: Annotated[bool, typer.Option("--live", help="Ask the destinations too.")] = False,
    as_json: Json = False,
) -> None:
    """Check the configuration and whether everything can be reached."""
    from worker.commands.check import run

    _exit(run(live=live, as_json=as_json))


@app.command()
def attributes(
    create: Annotated[bool, typer.Option("--create", help="Create what is missing.")] = False,
    ready: Annotated[
        bool, typer.Option("--ready", help="The ready set for loyalty, purchases and engagement too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the field mapping with the attributes of the Brevo account."""
    from worker.commands.attributes import run

    _exit(run(create=create, ready=ready, as_json=as_json))


@app.command()
def shops(as_json: Json = False) -> None:
    """Make the shops that sales come from known to Custobar."""
    from worker.commands.shops import run

    _exit(run(as_json=as_json))


@app.command()
def send(
    source: str,
    topic: str,
    file: PayloadFile,
    url: Annotated[str | None, typer.Option("--url", help="Where to; by default this machine's web process.")] = None,
    times: Annotated[int, typer.Option("--times", min=1, max=10_000, help="Deliveries, each with an id.")] = 1,
    bad_signature: Annotated[bool, typer.Option("--bad-signature", help="Sign with a wrong secret.")] = False,
) -> None:
    """Sign a payload as its platform would and post it."""
    from worker.commands.send import run

    _exit(run(source, topic, file, url=url, times=times, bad_signature=bad_signature))


@app.command()
def preview(source: str, topic: str, file: PayloadFile, as_json: Json = False) -> None:
    """Show what a delivery would change and which calls it would make; nothing is sent."""
    from worker.commands.preview import run

    _exit(run(source, topic, file, as_json=as_json))


@app.command()
def trigger(skill: str, event: str, file: PayloadFile) -> None:
    """Start a skill by hand with an event, FILE being the envelope or its `data` alone."""
    from worker.commands.trigger import run

    _exit(run(skill, event, file))


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Keep showing it.")] = False,
    as_json: Json = False,
) -> None:
    """Show what waits, what was delivered, and what is wrong."""
    from worker.commands.status import run

    _exit(run(watch=watch, as_json=as_json))


@letters.command("list")
def list_letters(
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    as_json: Json = False,
) -> None:
    """List dead letters, oldest first."""
    from worker.commands.dead_letters import show_all

    _exit(show_all(destination=destination, reason=reason, since=since, as_json=as_json))


@letters.command("show")
def show_letter(letter: Annotated[str, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    """Show one dead letter."""
    from worker.commands.dead_letters import show

    _exit(show(letter, as_json=as_json))


@letters.command("retry")
def retry_letters(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    everything: AllOption = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Deliver again: always the newest state of the subject, never an outdated one."""
    from worker.commands.dead_letters import Choice, retry

    choice = Choice(ids=ids or (), destination=destination, reason=reason, since=since, everything=everything)
    _exit(retry(choice, dry_run=dry_run, as_json=as_json))


@letters.command("discard")
def discard_letters(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    destination: DestinationOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    everything: AllOption = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Drop dead letters for good; asks before."""
    from worker.commands.dead_letters import Choice, discard

    choice = Choice(ids=ids or (), destination=destination, reason=reason, since=since, everything=everything)
    _exit(discard(choice, sure=yes, dry_run=dry_run, as_json=as_json))


def _exit(code: int) -> NoReturn:
    raise typer.Exit(code)


def main() -> NoReturn:
    """Run the command line: 0 ok, 1 failed, 2 usage, 3 configuration."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - a person reads this, not a traceback
        sys.exit(_explain(error))
    sys.exit(0)


def _explain(error: Exception) -> int:
    """Say what went wrong in a sentence and give the exit status."""
    from worker.commands.failures import explain

    code, text = explain(error)
    typer.echo(text, err=True)
    return code
