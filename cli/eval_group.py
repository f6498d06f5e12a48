"""`whydesk eval` and its commands: without one of them it plays a world."""

import typer

from cli.eval import eval_worlds
from cli.eval_cases import cases, export
from cli.eval_report import eval_report

app = typer.Typer()
app.callback(invoke_without_command=True)(eval_worlds)
app.command("report")(eval_report)
app.command("export")(export)
app.command("cases")(cases)
