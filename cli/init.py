"""`whydesk init`: writes whydesk.yaml and .env for a team's own systems, says what to click, and runs the doctor."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.dev_server import is_free
from cli.doctor import examine
from cli.doctor_report import print_report
from cli.env_file import ENV_FILE, read_env_file
from cli.errors import UsageProblem
from cli.init_answers import (
    PUBLIC,
    Answers,
    by_questions,
    check_tenant,
    check_url,
    find_connectors,
    find_helpdesk,
    read_values,
)
from cli.init_clicks import clicks
from cli.init_files import CONFIG_FILE, Change, load_beside, plan_config, plan_env, read_if_there, write
from cli.init_merge import with_own_variables
from cli.init_parts import Part
from cli.terminal import wide_enough
from models.vocabulary import Source
from settings import Settings


def init(
    tenant: Annotated[str | None, typer.Option(help="Short name of your company.")] = None,
    helpdesk: Annotated[str | None, typer.Option(help="zendesk or standard.")] = None,
    connector: Annotated[
        list[str] | None,
        typer.Option(help="clickhouse, linear, stripe, github, docs, statuspage or sentry; several times for several."),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--set", help="PART.KEY=VALUE, such as zendesk.base_url=https://…; several times."),
    ] = None,
    gateway: Annotated[str | None, typer.Option(help="The address at which the helpdesk reaches the gateway.")] = None,
    gateway_port: Annotated[str | None, typer.Option(help="Port that the gateway listens on, for .env.")] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Where to write.")] = Path(),
    ask: Annotated[
        bool | None, typer.Option("--ask/--no-ask", help="Ask for what is open; told by whether a terminal is there.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace whydesk.yaml unasked; the old one is kept as .bak.")
    ] = False,
) -> None:
    """Write whydesk.yaml and .env for your own systems, say what to click at the helpdesk, and run the doctor."""
    asking = sys.stdin.isatty() if ask is None else ask
    port = None if gateway_port is None else _port(gateway_port)
    chosen, assigned = connector or [], assign or []
    if asking:
        answers = by_questions(tenant, helpdesk, chosen, assigned, gateway)
    else:
        answers = _by_flags(tenant, helpdesk, chosen, assigned, gateway)
    answers = with_own_variables(answers, read_if_there(folder / CONFIG_FILE))
    config = plan_config(answers, folder, os.environ)
    env = plan_env(answers, folder, port)
    _agree([config, env], asking=asking, force=force)
    for line in (*write(config), *write(env)):
        print(line)
    print(f"\n{clicks(answers)}\n")
    environ = {**read_env_file(env.path), **os.environ}
    _examine(answers, config, environ)
    _tell(answers, environ, folder)
    _tell_port(environ, port)


def _by_flags(
    tenant: str | None, helpdesk: str | None, connectors: Sequence[str], assigned: Sequence[str], gateway: str | None
) -> Answers:
    if tenant is None or helpdesk is None:
        raise UsageProblem(
            "without a terminal nothing can be asked; say --tenant and --helpdesk, such as "
            "`whydesk init --tenant acme --helpdesk zendesk --connector clickhouse`"
        )
    desk, sources = find_helpdesk(helpdesk), find_connectors(connectors)
    values = read_values((desk, *sources), assigned)
    public = check_url(gateway).rstrip("/") if gateway else PUBLIC
    return Answers(check_tenant(tenant), desk, sources, values, public)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 65536):
        raise UsageProblem(f"--gateway-port {text!r} is not a port; write a number from 1 to 65535")
    return int(text)


def _agree(changes: Sequence[Change], *, asking: bool, force: bool) -> None:
    """Show what would be replaced, and go on only if that is wanted."""
    replaced = [change for change in changes if change.replaces]
    for change in replaced:
        print(f"{change.shown}\n")
    if not replaced or force:
        return
    names = " and ".join(change.path.name for change in replaced)
    if not asking:
        raise UsageProblem(
            f"{names} would change as shown; nothing was written. --force does it, and keeps the old {CONFIG_FILE} as .bak"
        )
    if not typer.confirm(f"Change {names}? The old {CONFIG_FILE} is kept as .bak"):
        print("nothing was written")
        raise typer.Exit(1)


def _missing(answers: Answers, part: Part, environ: Mapping[str, str]) -> list[str]:
    names = [answers.variable(secret) for secret in part.secrets]
    return [name for name in names if not environ.get(name)]


def _is_whole(answers: Answers, part: Part, environ: Mapping[str, str]) -> bool:
    return not answers.open_keys(part) and not _missing(answers, part, environ)


def _examine(answers: Answers, config: Change, environ: Mapping[str, str]) -> None:
    """Examine what is filled in: a place-holder must not be sent to anybody, and would tell nothing."""
    settings: Settings = load_beside(config.path, config.after, environ)
    tenant = settings.tenants[answers.tenant]
    whole = {part.name for part in answers.parts if _is_whole(answers, part, environ)}
    tenant = tenant.model_copy(
        update={
            "helpdesks": {name: desk for name, desk in tenant.helpdesks.items() if name in whole},
            "connectors": {source: one for source, one in tenant.connectors.items() if Source(source).value in whole},
        }
    )
    console = wide_enough() if not Console().is_terminal else Console()
    print_report(console, examine(settings, [tenant]))


def _tell(answers: Answers, environ: Mapping[str, str], folder: Path) -> None:
    keys = [f"{part.name}.{key}" for part in answers.parts for key in answers.open_keys(part)]
    variables = [name for part in answers.parts for name in _missing(answers, part, environ)]
    if keys or variables:
        print("\nStill missing, and not examined until it is there:")
        print("".join(f"  {CONFIG_FILE}  {key}\n" for key in keys), end="")
        print("".join(f"  {ENV_FILE:<{len(CONFIG_FILE)}}  {name}\n" for name in variables), end="")
    else:
        print("\nNothing is missing.")
    where = "" if folder.resolve() == Path.cwd() else f"cd {shlex.quote(str(folder))} && "
    print(f"Next: {where}whydesk doctor, then whydesk up. The mode is shadow: nothing is posted.")


def _tell_port(environ: Mapping[str, str], port: int | None) -> None:
    if port is None:
        return
    kept = environ.get("WHYDESK_GATEWAY_PORT")
    if kept != str(port):
        print(f"WHYDESK_GATEWAY_PORT stays {kept}: it was set already; change it in {ENV_FILE} or where it is set.")
    elif not is_free("127.0.0.1", port):
        print(f"Port {port} is in use on this machine now; choose another WHYDESK_GATEWAY_PORT before `whydesk up`.")
