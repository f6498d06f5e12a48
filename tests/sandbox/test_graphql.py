"""The small GraphQL server on its own."""

import pytest

from sandbox.graphql import DEPTH_CAP, Arguments, Execution, Field, GraphqlError, Outline, parse

OUTLINE: Outline = {
    "Query": {
        "thing": Field("Thing", required=frozenset({"id"})),
        "things": Field("Thing", True, frozenset({"first", "filter"})),
    },
    "Thing": {"name": Field(), "child": Field("Thing"), "echo": Field("", False, frozenset({"value"}))},
}


def run(text: str, variables: Arguments | None = None) -> object:
    document = parse(text)
    leaf = {"name": "leaf", "child": None, "echo": lambda arguments: arguments.get("value")}
    root = {
        "thing": lambda arguments: {"name": arguments["id"], "child": leaf},
        "things": lambda arguments: [leaf] * int(str(arguments.get("first") or 2)),
    }
    return Execution(OUTLINE, document, document.operations[-1], variables or {}).run(root)


def test_only_what_was_asked_comes_back_under_its_alias() -> None:
    assert run('{ a: thing(id: "x") { child { name child { name } } } }') == {
        "a": {"child": {"name": "leaf", "child": None}}
    }


def test_fragments_both_ways() -> None:
    text = "query { things(first: 1) { ...F ... on Thing { name } } } fragment F on Thing { n: name }"
    assert run(text) == {"things": [{"n": "leaf", "name": "leaf"}]}


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("1", 1),
        ("-1.5e2", -150.0),
        ("true", True),
        ("null", None),
        ("ENUM", "ENUM"),
        (r'"a \"b\" é \n"', 'a "b" é \n'),
        ('"""block "quoted" text"""', 'block "quoted" text'),
        ("[1, [2], {a: $v}]", [1, [2], {"a": "given"}]),
        ('{a: {in: ["x"]}}', {"a": {"in": ["x"]}}),
    ],
)
def test_literals(literal: str, value: object) -> None:
    text = f'query Q($v: String = "unused") {{ things(first: 1) {{ echo(value: {literal}) }} }} # the end'
    assert run(text, {"v": "given"}) == {"things": [{"echo": value}]}


def test_defaults_and_required_variables() -> None:
    assert run("query($n: Int = 3) { things(first: $n) { name } }") == {"things": [{"name": "leaf"}] * 3}
    with pytest.raises(GraphqlError, match=r"\$n"):
        run("query($n: Int!) { things(first: $n) { name } }")
    assert run("query($n: [Int!]! = [1]) { things { name } }") == {"things": [{"name": "leaf"}] * 2}


@pytest.mark.parametrize(
    "text",
    [
        "{ things { name @skip(if: true) } }",
        "{ things { ...Nowhere } }",
        "{ things { echo(value: $unknown) } }",
        "{ thing { name } }",
        "{ things { name",
        "{ }",
        "{ things { name } } }",
        "{ things(first: }) { name } }",
        "query ~ { things { name } }",
        "{ things { " + "child { " * (DEPTH_CAP + 2) + "name" + " }" * (DEPTH_CAP + 2) + " } }",
        "fragment A on Thing { ...A } query { things { ...A } }",
    ],
)
def test_what_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(GraphqlError):
        run(text)
