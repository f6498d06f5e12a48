"""The documentation says what is true of the code: links, examples, settings, classes, commands, promises."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import application
from cli.reference_keys import CONFIGURATION
from models.tables import LOGICAL_TABLES
from models.vocabulary import CauseClass, EvidenceStatus, Outcome
from reasoning.sql import check_mapping
from settings import Settings
from workflows.naming import SEARCH_ATTRIBUTES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PROMISES = DOCS / "promises.md"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"`(?:WHYDESK_\w+=\S+ )?(?:\.venv/bin/)?whydesk ([a-z][^`\n]*)`")
_TEST = re.compile(r"`((?:tests|conformance)/[a-z_/]+\.py)::(test_[a-z0-9_]+)`")
APP = application()
_GROUPS = tuple(group.name or "" for group in APP.registered_groups)
"""Commands that have commands."""
_CODE_PATH = re.compile(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|yaml|json|md|txt))`")


def pages() -> list[Path]:
    return [page for page in PAGES if page.exists()]


def sources() -> str:
    """All code of the product as one text, with strings that go over several lines joined."""
    folders = (
        "activities",
        "cli",
        "connectors",
        "gateway",
        "helpdesks",
        "keys",
        "ledger",
        "payloads",
        "playbooks",
        "reasoning",
        "workflows",
    )
    files = [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(files))
    return re.sub(r'"\s*\n\s*f?"', "", text)


def each(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    """The text without code fences, whose brackets are no links."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+)$", prose(page), re.MULTILINE):
        bare = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", bare).replace(" ", "-")
        number = sum(name == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", name) is not None for name in found)
        found.add(slug if not number else f"{slug}-{number}")
    return found


def example() -> str:
    """The one complete example of docs/configuration.md."""
    _, opened, rest = CONFIGURATION.read_text(encoding="utf-8").partition("<!-- example:")
    body, closed, _ = rest.partition("<!-- end example -->")
    assert opened
    assert closed
    (found,) = _FENCE.findall(body)
    return str(found[1])


def commands() -> Iterator[tuple[str, str]]:
    """Every `whydesk …` that stands in a page, without its arguments: page and the words of the command."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        shell = "\n".join(body for kind, body in _FENCE.findall(text) if kind in ("sh", "shell", "bash", "console"))
        listed = re.findall(r"(?:^|[ /])whydesk ([a-z][^\n#&|;]*)", shell)
        indented = re.findall(r"^    (?:WHYDESK_\w+=\S+ )?(?:\.venv/bin/)?whydesk ([a-z][^\n#]*)", text, re.MULTILINE)
        for found in [*_COMMAND.findall(text), *listed, *indented]:
            yield each(page), command_of(found)


def command_of(line: str) -> str:
    """The words of the command at a line's beginning; a group may do something by itself, and has options then."""
    words = line.split()
    return " ".join(words[:2] if words[0] in _GROUPS and words[1:] and not words[1].startswith("-") else words[:1])


def options() -> Iterator[tuple[str, str, str]]:
    """Every option of a `whydesk …` in a page: page, words of the command, the option."""
    for page in pages():
        for found in _COMMAND.findall(page.read_text(encoding="utf-8")):
            command = command_of(found)
            for option in re.findall(r"(?<!\S)(--[a-z][a-z-]*)", found):
                yield each(page), command, option


@pytest.mark.parametrize("page", pages(), ids=each)
def test_links_lead_somewhere(page: Path) -> None:
    problems = []
    for target in _LINK.findall(prose(page)):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            problems.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            problems.append(f"{target}: no such heading; there are {sorted(anchors(file))}")
    assert problems == []


@pytest.mark.parametrize("page", pages(), ids=each)
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(_CODE_PATH.findall(prose(page)))
    places = (ROOT, DOCS, page.parent)
    lost = sorted(name for name in named if not any((place / name).exists() for place in places))
    assert lost == []


@pytest.mark.parametrize("page", pages(), ids=each)
def test_examples_parse(page: Path) -> None:
    for kind, body in _FENCE.findall(page.read_text(encoding="utf-8")):
        if kind in ("yaml", "yml"):
            assert list(yaml.safe_load_all(body)), body
        if kind == "json":
            assert json.loads(body)


def test_messages_are_the_codes_own() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)
    quoted = [message for cell in first_cells for message in re.findall(r"`([^`]+ [^`]+)`", cell)]
    code = sources()
    lost = [message for message in quoted if not all(part in code for part in _parts(message))]
    assert len(quoted) > 50
    assert lost == []


def _parts(message: str) -> list[str]:
    """The words of a message between the places where a name or a number stands."""
    return [part.strip(" :()") for part in message.split("…") if len(part.strip(" :()")) > 3]


def test_a_heading_is_found_by_its_address(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `ticket` over time\n\n## A, B & C\n\n## Again\n\n## Again\n\n```\n# no heading\n```\n")
    assert anchors(page) == {"one-ticket-over-time", "a-b--c", "again", "again-1"}


def test_the_example_configuration_loads(tmp_path: Path) -> None:
    text = example()
    path = tmp_path / "whydesk.yaml"
    path.write_text(text, encoding="utf-8")
    secrets = dict.fromkeys(re.findall(r"env:(\w+)", text), "d2h5ZGVzaw==")
    settings = Settings.load(secrets, path)
    tenant = settings.tenants["acme"]
    assert set(tenant.helpdesks) == {"zendesk", "portal"}
    assert len(tenant.connectors) >= 6
    for name, mapping in tenant.tables.items():
        check_mapping(name, mapping)


def promised() -> list[tuple[str, str]]:
    """Every test that docs/promises.md names: file and function."""
    return sorted(set(_TEST.findall(PROMISES.read_text(encoding="utf-8"))))


def defined_in(file: Path) -> set[str]:
    """The tests that a file defines itself, so that pytest collects them under this name."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("file", sorted({file for file, _ in promised()}))
def test_the_tests_that_prove_a_promise_exist(file: str) -> None:
    assert (ROOT / file).is_file(), f"docs/promises.md names {file}, which is not there"
    named = {name for other, name in promised() if other == file}
    assert named - defined_in(ROOT / file) == set(), (
        f"docs/promises.md names them in {file}; say which test proves it now"
    )


def test_every_promise_has_its_proof_or_says_that_it_has_none() -> None:
    rows = re.findall(
        r"^\| (?!what must|number |---)(.+) \| (.+) \|$", PROMISES.read_text(encoding="utf-8"), re.MULTILINE
    )
    bare = [
        promise for promise, proof in rows if not (_TEST.search(proof) or "not proven" in proof or "[above]" in proof)
    ]
    assert len(rows) > 40
    assert bare == []


def test_no_test_that_proves_a_promise_is_named_otherwise() -> None:
    """A name that the pattern would pass over is not checked."""
    text = PROMISES.read_text(encoding="utf-8")
    assert text.count("::") == len(_TEST.findall(text)) + text.count("-n 0 tests/")


def test_every_cause_class_is_defined_once() -> None:
    text = (DOCS / "cause-classes.md").read_text(encoding="utf-8")
    defined = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(defined) == sorted(CauseClass)


def test_concepts_name_every_status_and_outcome() -> None:
    text = (DOCS / "concepts.md").read_text(encoding="utf-8")
    missing = [word for word in (*EvidenceStatus, *Outcome) if f"`{word.value}`" not in text]
    assert missing == []


def test_operations_name_every_search_attribute() -> None:
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert [key.name for key in SEARCH_ATTRIBUTES if f"`{key.name}`" not in text] == []


def test_every_logical_table_is_named() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert [name for name in LOGICAL_TABLES if f"`{name}`" not in text] == []


@pytest.mark.parametrize("command", sorted({command for _, command in commands()}))
def test_commands_exist(command: str) -> None:
    result = CliRunner().invoke(APP, [*command.split(), "--help"])
    assert result.exit_code == 0, f"whydesk {command}: {result.output}; named in {_named_in(command)}"


def test_options_exist() -> None:
    lost = []
    for page, command, option in sorted(set(options())):
        said = CliRunner().invoke(APP, [*command.split(), "--help"], terminal_width=200).output
        if not re.search(rf"{re.escape(option)}\b", said):
            lost.append(f"{page}: whydesk {command} has no {option}")
    assert lost == []


def test_commands_are_found_in_the_pages() -> None:
    assert {"up", "worker", "gateway", "namespace", "show", "list", "demo"} <= {command for _, command in commands()}


def _named_in(command: str) -> list[str]:
    return sorted({page for page, found in commands() if found == command})
