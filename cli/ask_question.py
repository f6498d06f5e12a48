"""From the words of `whydesk ask` to a playbook's query: which one, with which parameters, over which window."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import JsonValue, TypeAdapter, ValidationError

from cli.errors import UsageProblem, no_such
from cli.moments import moment
from connectors.base import Operation
from connectors.registry import operations_of, scopes_of
from models.customer import Anchors, Customer, Window
from models.playbook import Playbook, Query, SpanAround
from models.tenant import Tenant
from models.vocabulary import Scope, Source
from reasoning.queries import check_reference, references_in


def find_source(tenant: Tenant, name: str) -> Source:
    """Return the source of that name.

    Raises:
        UsageProblem: the tenant has not connected it; names those that it has.
    """
    connected = [source.value for source in tenant.connectors]
    if name not in connected:
        raise no_such(f"source connected by {tenant.id!r} named", name, connected)
    return Source(name)


def find_query(
    books: Sequence[Playbook], source: Source, name: str, playbook: str | None, with_customer: bool
) -> tuple[Query, str]:
    """Return the query of that id, or one made of the operation of that name, and where it is from.

    Args:
        books: The tenant's playbooks.
        source: Whom to ask.
        name: A query's id, or else an operation's name.
        playbook: The id of the playbook that is meant, where several have that query.
        with_customer: Whether a customer is named; an operation is then bound to it where the source knows customers.

    Raises:
        UsageProblem: unknown, or several playbooks ask differently under that id.
    """
    if playbook is not None:
        books = [book for book in books if book.id == playbook] or _no_playbook(playbook, books)
    found = {f"{book.id}@{book.version}": query for book in books if (query := _of(book, source, name)) is not None}
    if found:
        if len({query.model_dump_json() for query in map(_substance, found.values())}) > 1:
            each = ", ".join(sorted(label.partition("@")[0] for label in found))
            raise UsageProblem(f"{name!r} is asked differently by {each}: choose one with --playbook")
        label = min(found)
        return found[label], label
    operations = operations_of(source)
    if name in operations:
        return _by_hand(source, name, operations[name], with_customer), "an operation by hand"
    known = sorted({query.id for book in books for query in book.queries if query.source is source} | set(operations))
    raise no_such(f"query or operation of {source.title}", name, known)


def _of(book: Playbook, source: Source, name: str) -> Query | None:
    query = book.query(name)
    return query if query is not None and query.source is source else None


def _substance(query: Query) -> Query:
    """What is asked, without how it is told."""
    return query.model_copy(
        update={"title": "", "row_sentence": "", "absent_sentence": "", "follow_up": False, "ask_when": []}
    )


def _no_playbook(name: str, books: Sequence[Playbook]) -> list[Playbook]:
    raise no_such("playbook", name, [book.id for book in books])


def _by_hand(source: Source, name: str, operation: Operation, with_customer: bool) -> Query:
    scopes = scopes_of(source)
    bound = Scope.CUSTOMER in scopes and (with_customer or scopes == {Scope.CUSTOMER})
    scope = Scope.CUSTOMER if bound else min(scopes - {Scope.CUSTOMER}, key=list(Scope).index)
    needed = {"billing_id": "$customer.billing_id", "customer_id": "$customer.id"}
    given: dict[str, JsonValue] = {one: text for one, text in needed.items() if bound and one in operation.names}
    return Query(id=name, source=source, title=f"{name} by hand", scope=scope, operation=name, parameters=given)


def with_parameters(query: Query, given: Sequence[str]) -> Query:
    """Return the query with parameters of the command line, `name=value`, in place of its own.

    A name given several times makes a list. A value is read as the operation's parameter wants it; `$customer.billing_id`
    and the other references of playbooks work here, too.

    Raises:
        UsageProblem: not of that form, an unknown parameter, an unknown reference, or a required one is missing.
    """
    operation = operations_of(query.source).get(query.operation)
    names = operation.names if operation else frozenset(query.parameters)
    texts: dict[str, list[str]] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise UsageProblem(f"--param {one!r}: write NAME=VALUE")
        if name not in names:
            raise no_such(f"parameter of {query.operation!r} named", name, names)
        texts.setdefault(name, []).append(text)
    changed = dict(query.parameters) | {name: _value(name, values, operation) for name, values in texts.items()}
    for reference in (name for value in changed.values() for name in references_in(value)):
        # Facts come from evidence that was weighed; here is none, and the query says so by being skipped.
        problem = "" if reference.startswith("facts.") else check_reference(reference, {})
        if problem:
            raise UsageProblem(f"--param: {problem}")
    missing = sorted(operation.required - changed.keys()) if operation else []
    if missing:
        raise UsageProblem(f"{query.operation!r} needs {', '.join(f'--param {name}=…' for name in missing)}")
    return query.model_copy(update={"parameters": changed})


def _value(name: str, texts: Sequence[str], operation: Operation | None) -> JsonValue:
    if len(texts) > 1:
        return list(texts)
    [text] = texts
    if text.startswith("$"):
        return text
    readings: list[JsonValue] = [text]
    try:
        parsed: JsonValue = json.loads(text)
        readings.append(parsed)
    except ValueError:
        pass
    if operation is None:
        return readings[-1]
    wanted = TypeAdapter[object](operation.parameters.model_fields[name].annotation or object)
    several: list[JsonValue] = [text]
    for reading in (*readings, several):
        try:
            wanted.validate_python(reading, strict=True)
        except ValidationError:
            continue
        return reading
    return readings[-1]


def needs_lookup(query: Query) -> bool:
    """Whether the query names more of the customer than the id."""
    named = [name for value in query.parameters.values() for name in references_in(value)]
    return any(name.startswith("customer.") and name != "customer.id" for name in named)


def over_window(query: Query, since: str | None, until: str | None, now: datetime) -> tuple[Query, dict[str, datetime]]:
    """Return the query with its window, and the anchors' times that put it there.

    Without `since` the window reaches as far back as the playbook says, counted from `until`, which is now if left out.

    Raises:
        UsageProblem: not a time, or the start is not before the end.
    """
    end = moment("--until", until, now) if until else now
    at = {"reported_at": end, "symptom_at": end}
    if since is None:
        return query, at
    start = moment("--since", since, now)
    if start >= end:
        raise UsageProblem(f"--since {since!r} is not before --until {until or 'now'!r}")
    return query.model_copy(update={"window": SpanAround(before=end - start, after=timedelta())}), at


def anchors_at(times: Mapping[str, datetime], customer: Customer | None, problem: str) -> Anchors:
    """Return anchors that hold nothing but the customer and the times."""
    reported, symptom = times["reported_at"], times["symptom_at"]
    window = Window(start=symptom, end=reported)
    return Anchors(reported_at=reported, symptom_at=symptom, window=window, customer=customer, customer_problem=problem)
