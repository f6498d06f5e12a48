"""What pydantic finds wrong in a file, said as its author would want it: the field, what stands there, what to write."""

import re
import types
import typing
from collections.abc import Mapping
from enum import Enum

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from models.vocabulary import CauseClass, EvidenceStatus
from playbooks.fact_checks import did_you_mean, unknown
from playbooks.yaml_source import Field, Problem, YamlSource

_KINDS: Mapping[str, str] = {CauseClass.__name__: "cause class", EvidenceStatus.__name__: "status"}
"""What people call the values of an enum whose own name does not say it."""
_REMEDIES: Mapping[str, str] = {
    "list_type": "a list is expected here: write [one, two], or one item per line after a dash",
    "dict_type": "a mapping is expected here: write key: value, one per line and indented",
    "model_type": "a mapping is expected here: write key: value, one per line and indented",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "date_from_datetime_parsing": "write a day as 2026-12-31",
    "date_parsing": "write a day as 2026-12-31",
    "date_type": "write a day as 2026-12-31",
    "datetime_parsing": "write a time as 2026-03-04T10:00:00Z",
    "datetime_from_date_parsing": "write a time as 2026-03-04T10:00:00Z",
    "datetime_type": "write a time as 2026-03-04T10:00:00Z",
}
_SENTENCE_IN_BRACES = (
    "YAML read a mapping here: put the sentence in quotes, since a brace at its start begins a mapping"
)


def shape_problems(source: YamlSource, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    """Return one problem for each thing that pydantic found in a file of that model."""
    problems = [_problem(source, model, each) for each in error.errors(include_url=False)]
    # A required field that was misspelt is one mistake, not two.
    meant = {
        (*problem.field[:-1], name)
        for problem in problems
        for name in re.findall(r"^no such field; did you mean '(\w+)'", problem.message)
    }
    return [problem for problem in problems if problem.field not in meant or " is missing" not in problem.message]


def _problem(source: YamlSource, model: type[BaseModel], found: ErrorDetails) -> Problem:
    place: Field = tuple(part for part in found["loc"] if part != "[key]")
    return source.problem(place, _message(found, place, model))


def _message(found: ErrorDetails, place: Field, model: type[BaseModel]) -> str:
    kind, value, context = found["type"], found["input"], found.get("ctx", {})
    owner, hint = _hint_at(model, place[:-1]), _hint_at(model, place)
    fields = owner.model_fields if isinstance(owner, type) and issubclass(owner, BaseModel) else {}
    name = str(place[-1]) if place else ""
    if kind == "extra_forbidden":
        return f"no such field{did_you_mean(name, fields)}"
    if kind == "missing":
        about = fields[name].description if name in fields else None
        return f"{name!r} is missing{_about(about)}"
    if value is None:
        return "nothing stands here; give it a value, or leave the line out"
    if isinstance(hint, type) and issubclass(hint, Enum):
        what = _KINDS.get(hint.__name__, hint.__name__.lower())
        return unknown(what, str(value), [str(member.value) for member in hint])
    return _about_value(kind, value, context, found["msg"])


def _about_value(kind: str, value: object, context: Mapping[str, object], message: str) -> str:
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        return _not_a_name(str(value), str(context.get("pattern")))
    if kind == "string_type":
        return _SENTENCE_IN_BRACES if isinstance(value, dict) else f"{_shown(value)} is not text; write it in quotes"
    limits = {"greater_than_equal": ("ge", "more"), "less_than_equal": ("le", "less")}
    if kind in limits:
        bound, way = limits[kind]
        return f"{_shown(value)}: write {context[bound]} or {way}"
    if kind == "literal_error":
        return f"{_shown(value)}: write {context['expected']}"
    remedy = _REMEDIES.get(kind, f"{message[:1].lower()}{message[1:]}")
    return f"{_shown(value)}: {remedy}"


def _not_a_name(value: str, pattern: str) -> str:
    hyphen = "-" in pattern.removeprefix("^[a-z][a-z0-9").removesuffix("]*$")
    mark = "-" if hyphen else "_"
    meant = "".join(char if char.isalnum() else mark for char in value.lower()).strip("-_0123456789")
    allowed = "lower-case letters, digits, _ and -" if hyphen else "lower-case letters, digits and _"
    return f"{value!r} is not a name; write {allowed}, a letter first" + (f"; did you mean {meant!r}?" if meant else "")


def _about(description: str | None) -> str:
    if not description:
        return "; it is required"
    sentence = " ".join(description.split()).partition(". ")[0].rstrip(".")
    return f": {sentence[:1].lower()}{sentence[1:]}"


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping stands here" if isinstance(value, dict) else "a list stands here"
    return repr(value) if isinstance(value, bool | int | float) else repr(str(value)[:80])


def _hint_at(model: type[BaseModel], place: Field) -> object:
    """Follow the fields of the models as the file nests them; None beyond a value that no model describes."""
    hint: object = model
    for part in place:
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            field = hint.model_fields.get(str(part))
            hint = _bare(field.annotation) if field else None
        else:
            arguments = typing.get_args(hint)
            hint = _bare(arguments[-1]) if arguments else None
    return hint


def _bare(hint: object) -> object:
    """The type without `| None` and without annotations."""
    while typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else None
    return hint
