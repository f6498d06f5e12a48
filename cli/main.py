"""The `whydesk` command: its groups, and how errors that people can mend are shown."""

import sys

import typer

from cli import audit, deploy, eval_group, master_keys, playbooks, run_processes, worlds
from cli.ask import ask
from cli.backtest import backtest
from cli.controls import controls, pause, resume, rollout
from cli.costs import costs
from cli.demo import demo
from cli.doctor import doctor
from cli.errors import MENDABLE
from cli.feedback import feedback
from cli.forget import forget
from cli.incidents import incidents
from cli.init import init
from cli.investigate import investigate
from cli.list_runs import list_runs
from cli.rediagnose import rediagnose
from cli.reinvestigate import reinvestigate
from cli.replay import replay
from cli.show import show

app = typer.Typer(
    name="whydesk",
    help="Every support ticket arrives already investigated.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init)
app.command("demo")(demo)
app.command("up")(run_processes.up)
app.command("worker")(run_processes.worker)
app.command("gateway")(run_processes.gateway)
app.command("codec-server")(run_processes.codec_server)
app.command("namespace")(run_processes.namespace)
app.command("doctor")(doctor)
app.command("ask")(ask)
app.command("investigate")(investigate)
app.command("show")(show)
app.command("list")(list_runs)
app.command("incidents")(incidents)
app.command("feedback")(feedback)
app.command("forget")(forget)
app.command("costs")(costs)
app.command("replay")(replay)
app.command("rediagnose")(rediagnose)
app.command("reinvestigate")(reinvestigate)
app.command("backtest")(backtest)
app.command("pause")(pause)
app.command("resume")(resume)
app.command("controls")(controls)
app.command("rollout")(rollout)
app.add_typer(eval_group.app, name="eval")
app.add_typer(worlds.app, name="world")
app.add_typer(playbooks.app, name="playbooks")
app.add_typer(audit.app, name="audit")
app.add_typer(deploy.app, name="deploy")
app.add_typer(master_keys.app, name="keys")


def run() -> int:
    """Run the command line; return its exit code: 2 for what the user can mend, with the reason and no traceback."""
    try:
        app()
    except MENDABLE as error:
        print(f"whydesk: {error}", file=sys.stderr)
        return 2
    return 0
