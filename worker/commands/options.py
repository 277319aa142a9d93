"""The options that several commands have, as the command line reads them."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
AllOption = Annotated[bool, typer.Option("--all", help="All of them.")]
