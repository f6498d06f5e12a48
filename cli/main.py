"""The `whydesk` command: its groups, and how errors that people can mend are shown."""

import sys
from importlib import import_module

import typer

from cli.loading import loading

COMMANDS = {
    "init": "cli.init:init",
    "demo": "cli.demo:demo",
    "up": "cli.run_processes:up",
    "worker": "cli.services:worker",
    "gateway": "cli.services:gateway",
    "codec-server": "cli.services:codec_server",
    "namespace": "cli.services:namespace",
    "doctor": "cli.doctor:doctor",
    "ask": "cli.ask:ask",
    "investigate": "cli.investigate:investigate",
    "show": "cli.show:show",
    "list": "cli.list_runs:list_runs",
    "incidents": "cli.incidents:incidents",
    "feedback": "cli.feedback:feedback",
    "forget": "cli.forget:forget",
    "costs": "cli.costs:costs",
    "replay": "cli.replay:replay",
    "rediagnose": "cli.rediagnose:rediagnose",
    "reinvestigate": "cli.reinvestigate:reinvestigate",
    "backtest": "cli.backtest:backtest",
    "pause": "cli.controls:pause",
    "resume": "cli.controls:resume",
    "controls": "cli.controls:controls",
    "rollout": "cli.controls:rollout",
    "eval": "cli.eval_group:app",
    "world": "cli.worlds:app",
    "playbooks": "cli.playbooks:app",
    "audit": "cli.audit:app",
    "deploy": "cli.deploy:app",
    "keys": "cli.master_keys:app",
}
"""Where each command is, in the order of the help. All of them take seconds to load, so a named one is loaded alone."""


def application(*names: str) -> typer.Typer:
    """Return the command line with these commands, with all if none is named."""
    app = typer.Typer(
        name="whydesk",
        help="Every support ticket arrives already investigated.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # Without it, one command alone would be taken for the whole.
    app.callback()(_whydesk)
    for name in names or COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def run() -> int:
    """Run the command line; return its exit code: 2 for what the user can mend, with the reason and no traceback."""
    with loading():
        app = application(*(name for name in sys.argv[1:2] if name in COMMANDS))
    try:
        app()
    except Exception as error:
        from cli.mendable import MENDABLE

        if not isinstance(error, MENDABLE):
            raise
        print(f"whydesk: {error}", file=sys.stderr)
        return 2
    return 0


def _whydesk() -> None:
    """Do nothing before the command."""
