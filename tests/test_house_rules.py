"""The house's rules that neither the linter nor the import contracts can hold: read from the tree as it is committed."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from cli.main import COMMANDS
from settings import SETTINGS, env_example
from tests.conftest import LONG
from workflows import naming

ROOT = Path(__file__).parent.parent
GENERATED = ("ledger/migrations/versions/",)
VENDORS: dict[str, str | tuple[str, ...]] = {
    "stripe": "connectors/stripe",
    "github": "connectors/github",
    "clickhouse_connect": "connectors/clickhouse",
    "anthropic": "reasoning/providers/anthropic",
    "httpx2": "reasoning/providers/anthropic",
    "sqlalchemy": "ledger/",
    "alembic": "ledger/",
    "chdb": "sandbox/",
    "cryptography": "keys/",
    "fastapi": ("gateway/", "payloads/"),
    "jwt": "payloads/",
    "standardwebhooks": ("helpdesks/standard", "sandbox/"),
    "sqlglot": "reasoning/sql",
}
"""A dependency and the start of the only paths that may import it; the sandbox and tests may play its other end."""
ROOT_MODULES = {
    "settings": ("worker.py", "cli/", "gateway/"),
    "telemetry": ("worker.py", "cli/", "gateway/"),
    "metrics": ("telemetry.py", "cli/", "activities/"),
    "worker": ("cli/",),
    "scrubbing": ("telemetry.py", "ledger/", "activities/"),
    "located_yaml": ("settings.py", "secret_references.py"),
    "secret_references": ("settings.py",),
}
"""A module of the root, which import-linter cannot take, and who may import it, besides tests."""
KNOWN_BY_ROOT = {
    "settings": {"connectors", "keys", "models", "located_yaml", "reasoning", "secret_references"},
    "telemetry": {"metrics", "models", "scrubbing"},
    "metrics": {"models"},
    "scrubbing": set(),
    "located_yaml": set(),
    "secret_references": {"models", "located_yaml"},
}
"""What a module of the root may import of ours; worker.py wires everything."""
OURS = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} | {
    path.stem for path in ROOT.glob("*.py")
}


CHECKS = ("tests/", "conformance/", "benchmarks/")
"""What looks at the product from outside: it may use all that it looks at."""


@cache
def committed() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.fail("git does not list the files here: run the tests in a checkout")
    return tuple(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


def python_files() -> list[str]:
    return [name for name in committed() if name.endswith(".py") and not name.startswith(GENERATED)]


def text_files() -> Iterator[tuple[str, str]]:
    for name in committed():
        try:
            yield name, (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(), name)


@cache
def imports(name: str) -> frozenset[str]:
    """The first names of all that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def importers(module: str) -> list[str]:
    return [name for name in python_files() if not name.startswith(CHECKS) and module in imports(name)]


@pytest.mark.parametrize("module", sorted(ROOT_MODULES))
def test_modules_of_the_root_are_imported_only_where_processes_are_wired(module: str) -> None:
    allowed = ROOT_MODULES[module]
    strangers = [name for name in importers(module) if not name.startswith(allowed)]
    assert strangers == [], f"only {', '.join(allowed)} may import {module}: pass in what they need"


@pytest.mark.parametrize("module", sorted(KNOWN_BY_ROOT))
def test_modules_of_the_root_know_little_of_the_rest(module: str) -> None:
    known = imports(f"{module}.py") & OURS
    assert known <= KNOWN_BY_ROOT[module]


def test_every_module_of_the_root_has_its_rule() -> None:
    assert {Path(name).stem for name in python_files() if "/" not in name} == set(ROOT_MODULES)


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_a_vendors_sdk_is_imported_in_one_place(vendor: str) -> None:
    found = importers(vendor)
    assert found, f"nobody imports {vendor}: does the rule still say anything?"
    assert [name for name in found if not name.startswith(VENDORS[vendor])] == []


def reads_environment(name: str) -> bool:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            return any(alias.name in {"environ", "environb", "getenv"} for alias in node.names)
    return False


def test_the_environment_is_read_by_settings_which_the_command_line_hands_it_to() -> None:
    readers = {name for name in python_files() if reads_environment(name) and not name.startswith(CHECKS)}
    # settings.py takes a mapping; who has the process's own is the command line, which passes it on to it and to children.
    assert readers <= {"cli/connection.py", "cli/demo.py", "cli/init.py", "cli/run_processes.py"}


def test_no_file_of_ours_is_longer_than_400_lines() -> None:
    long = {name: len((ROOT / name).read_text().splitlines()) for name in python_files()}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_no_module_is_a_drawer() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "shared", "misc"}
    named = {part for name in python_files() for part in Path(name).with_suffix("").parts}
    assert named & drawers == set()


def test_every_module_says_its_job_in_its_first_line() -> None:
    written = [name for name in python_files() if (ROOT / name).read_text().strip()]
    first = {name: (ast.get_docstring(tree(name)) or "").partition("\n")[0] for name in written}
    assert [name for name, line in first.items() if not line.endswith((".", ":", "?"))] == []


def test_tests_mirror_the_source() -> None:
    """A folder of tests is a package of ours, or a way through several of them."""
    ways = {"whole_path", "faults", "storm", "compromised", "data"}
    folders = {Path(name).parts[1] for name in committed() if name.startswith("tests/") and name.count("/") > 1}
    assert folders <= OURS | ways
    packages = {str(Path(name).parent) for name in python_files() if name.startswith("tests/")}
    assert [name for name in sorted(packages) if not (ROOT / name / "__init__.py").exists()] == []


def test_what_tests_begin_with_is_there() -> None:
    assert [name for name in LONG if not (ROOT / name).exists()] == []


def test_env_example_is_what_settings_read() -> None:
    # What follows is for Compose alone: tests/test_production.py.
    assert (ROOT / ".env.example").read_text().startswith(env_example())


def variables_of(service: dict[str, object]) -> set[str]:
    environment = service.get("environment", {})
    assert isinstance(environment, dict)
    return set(environment)


def test_compose_and_image_set_only_what_settings_know() -> None:
    known = {setting.name for setting in SETTINGS}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    in_compose = {name for service in services.values() if "build" in service for name in variables_of(service)}
    in_image = set(re.findall(r"\b((?:WHYDESK|TEMPORAL)_\w+)=", (ROOT / "Dockerfile").read_text()))
    emptied = {"POSTGRES_PASSWORD", "LEDGER_PASSWORD", "CLICKHOUSE_ADMIN_PASSWORD"}
    assert in_compose - emptied | in_image <= known
    assert {"WHYDESK_CONFIG", "TEMPORAL_ADDRESS"} <= in_compose, "the search found what is surely there"


def test_compose_runs_commands_that_exist() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ours = {name: service["command"][0] for name, service in services.items() if "build" in service}
    assert set(ours.values()) <= set(COMMANDS)


def test_search_attributes_are_named_in_one_place() -> None:
    names = {key.name for key in naming.SEARCH_ATTRIBUTES}
    made = re.compile(r"SearchAttributeKey\.for_\w+\(")
    makers = [name for name, text in text_files() if name.endswith(".py") and made.search(text)]
    assert [name for name in makers if not name.startswith("tests/")] == ["workflows/naming.py"]
    compose = (ROOT / "docker-compose.yml").read_text()
    assert "search-attribute" not in compose, "`whydesk namespace` registers them, from naming"
    assert names, "there are some"


REQUIREMENT = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[\w,]+\])?==\S+")


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "requirements").glob("*.txt")))
def test_requirements_are_pinned_hashed_and_from_no_named_index(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text()
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|^-[ief]\b", text, re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    entries = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert entries
    assert [line for line in entries if not REQUIREMENT.match(line)] == []
    assert [line for line in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)] == []


PLACES = re.compile(
    r"(?<![\w./-])/(?:home|Users|root|work|mnt|tmp/bash_jobs)/[\w.-]+"
    r"|\b(?:files\.pythonhosted|pypi|test\.pypi)\.org\b|\bpypi\.python\.org\b|\bregistry\.npmjs\.org\b"
    r"|\.pyenv/versions"
)


def test_no_path_of_a_machine_and_no_host_of_a_registry_is_committed() -> None:
    this = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{name}: {match.group()}" for name, text in text_files() if name != this for match in PLACES.finditer(text)
    ]
    assert found == []


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def slug(heading: str) -> str:
    """A heading's anchor, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).strip().lower()).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+\s+(.*)$", FENCE.sub("", text), re.MULTILINE)}


def documents() -> list[str]:
    return [name for name in committed() if name.endswith(".md") and not name.startswith(("sandbox/worlds/", "tests/"))]


def broken_links(document: Path) -> list[str]:
    text = FENCE.sub("", document.read_text())
    broken = []
    for found in LINK.finditer(text):
        target, _, anchor = unquote(found[1] or found[2]).partition("#")
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file = (document.parent / target).resolve() if target else document
        lost = not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()))
        if lost:
            broken.append(f"{document.name}: {found[1] or found[2]}")
    return broken


def test_links_of_the_documents_lead_somewhere() -> None:
    assert [link for name in documents() for link in broken_links(ROOT / name)] == []


def test_a_broken_link_would_be_seen(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# One `two`\n[a](#one-two) [b](#three) [c](b.md) ![d](x.png)\n```\n[e](no.md)\n```\n")
    assert broken_links(document) == ["a.md: #three", "a.md: b.md", "a.md: x.png"]


def test_there_is_a_changelog_with_this_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert re.search(rf"^##? .*({re.escape(version[1])}|Unreleased)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_no_two_wheels_own_the_same_module() -> None:
    # The installer unpacks wheels side by side: whichever is last wins, and a machine differs from the next by chance.
    owners: dict[str, set[str]] = {}
    for wheel in distributions():
        # Asked for each of its files, the wheel would read its metadata each time.
        name = wheel.name
        for line in (wheel.read_text("RECORD") or "").splitlines():
            path = line.partition(",")[0]
            if path.endswith(".py"):
                owners.setdefault(path, set()).add(name)
    assert {path: names for path, names in owners.items() if len(names) > 1} == {}
