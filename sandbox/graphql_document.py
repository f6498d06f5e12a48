"""Reads GraphQL: from a document's text to its operations, fields and literals."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn

from pydantic import JsonValue

TOKEN = re.compile(
    r"""(?P<skip>[\s,\ufeff]+|\#[^\n]*)
    |(?P<punctuation>\.\.\.|[!$&()\[\]{}:=@|])
    |(?P<name>[A-Za-z_]\w*)
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<block>\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\")
    |(?P<string>"(?:[^"\\\n]|\\.)*")""",
    re.VERBOSE,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class GraphqlError(Exception):
    """The document is wrong; `code` is the vendor's class of the error."""

    def __init__(self, message: str, code: str = "GRAPHQL_VALIDATION_FAILED") -> None:
        """Keep the class for the answer's extensions."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name` in the place of a value."""

    name: str


Literal = Variable | JsonValue | list["Literal"] | dict[str, "Literal"]


@dataclass(frozen=True, slots=True)
class Selection:
    """A field, or a fragment (`name` empty) with the type it is on."""

    name: str
    alias: str = ""
    arguments: dict[str, Literal] = field(default_factory=dict)
    selections: tuple["Selection", ...] = ()
    spread: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """A query, mutation or subscription."""

    kind: str
    name: str
    required: frozenset[str]
    """Variables that must be given: `!` and no default."""
    defaults: dict[str, Literal]
    declared: frozenset[str]
    selections: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """All that one request text defines."""

    operations: tuple[Operation, ...]
    fragments: dict[str, tuple[Selection, ...]]


class _Reader:
    """Recursive descent over the tokens of one document."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def document(self) -> Document:
        operations: list[Operation] = []
        fragments: dict[str, tuple[Selection, ...]] = {}
        while self._at < len(self._tokens):
            word = self._peek()
            if word == "fragment":
                self._at += 1
                name = self._name()
                self._expect("on")
                self._name()
                fragments[name] = self._selections()
            elif word in ("query", "mutation", "subscription"):
                self._at += 1
                operations.append(self._operation(word))
            elif word == "{":
                operations.append(Operation("query", "", frozenset(), {}, frozenset(), self._selections()))
            else:
                self._fail()
        return Document(tuple(operations), fragments)

    def _operation(self, kind: str) -> Operation:
        name = self._name() if self._peek() not in ("(", "{", "@") else ""
        declared: set[str] = set()
        required: set[str] = set()
        defaults: dict[str, Literal] = {}
        if self._take("("):
            while not self._take(")"):
                self._expect("$")
                variable = self._name()
                self._expect(":")
                declared.add(variable)
                must = self._type()
                if self._take("="):
                    defaults[variable] = self._value()
                elif must:
                    required.add(variable)
        self._directives()
        return Operation(kind, name, frozenset(required), defaults, frozenset(declared), self._selections())

    def _type(self) -> bool:
        """Read a type and return whether it ends in `!`."""
        if self._take("["):
            self._type()
            self._expect("]")
        else:
            self._name()
        return self._take("!")

    def _selections(self) -> tuple[Selection, ...]:
        self._expect("{")
        found: list[Selection] = []
        while not self._take("}"):
            found.append(self._fragment() if self._take("...") else self._field())
        if not found:
            raise GraphqlError("Syntax Error: Expected Name, found '}'.", "GRAPHQL_PARSE_FAILED")
        return tuple(found)

    def _fragment(self) -> Selection:
        if self._peek() in ("{", "@", "on"):
            if self._take("on"):
                self._name()
            self._directives()
            return Selection("", selections=self._selections())
        spread = self._name()
        self._directives()
        return Selection("", spread=spread)

    def _field(self) -> Selection:
        name = self._name()
        alias = ""
        if self._take(":"):
            alias, name = name, self._name()
        arguments: dict[str, Literal] = {}
        if self._take("("):
            while not self._take(")"):
                argument = self._name()
                self._expect(":")
                arguments[argument] = self._value()
        self._directives()
        selections = self._selections() if self._peek() == "{" else ()
        return Selection(name, alias or name, arguments, selections)

    def _directives(self) -> None:
        if self._peek() == "@":
            raise GraphqlError("Directives are not known to this server; leave the field out.")

    def _value(self) -> Literal:
        if self._take("$"):
            return Variable(self._name())
        if self._take("["):
            values: list[Literal] = []
            while not self._take("]"):
                values.append(self._value())
            return values
        if self._take("{"):
            entries: dict[str, Literal] = {}
            while not self._take("}"):
                name = self._name()
                self._expect(":")
                entries[name] = self._value()
            return entries
        return self._scalar()

    def _scalar(self) -> JsonValue:
        if self._at >= len(self._tokens):
            self._fail()
        kind, text = self._tokens[self._at]
        if kind == "punctuation":
            self._fail()
        self._at += 1
        match kind:
            case "number":
                return float(text) if re.search(r"[.eE]", text) else int(text)
            case "string":
                return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", _unescape, text[1:-1])
            case "block":
                return text[3:-3].replace('\\"""', '"""').strip()
            case _:
                return {"true": True, "false": False, "null": None}.get(text, text)

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, text: str) -> bool:
        if self._peek() != text:
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._fail()

    def _name(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != "name":
            self._fail()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _fail(self) -> NoReturn:
        raise GraphqlError(f'Syntax Error: Unexpected "{self._peek() or "<EOF>"}".', "GRAPHQL_PARSE_FAILED")


@lru_cache(maxsize=64)
def parse(text: str) -> Document:
    """Read a document; those of a client that stores its documents are read once.

    Raises:
        GraphqlError: it is no GraphQL, or more than this server reads.
    """
    return _Reader(text).document()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise GraphqlError(f'Syntax Error: Unexpected character: "{text[at]}".', "GRAPHQL_PARSE_FAILED")
        at = match.end()
        if match.lastgroup != "skip":
            yield str(match.lastgroup), match.group()


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    return chr(int(code[1:], 16)) if len(code) == 5 else ESCAPES.get(code, code)
