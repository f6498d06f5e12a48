"""Finds a source's plugin: the module of `connectors` that has the source's name, loaded when it is first asked for."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from connectors.base import Operation, Plugin
from models.vocabulary import Scope, Source

SOURCES = tuple(source for source in Source if source is not Source.HELPDESK)
"""All that a tenant can connect."""


@cache
def plugin(source: Source) -> Plugin:
    """Return a source's plugin. Only what is asked for is loaded, so a process has only the SDKs that it uses.

    Raises:
        TypeError: the source's module declares none: our bug.
    """
    found = import_module(f"connectors.{source.value}").PLUGIN
    if not isinstance(found, Plugin):
        raise TypeError(f"connectors.{source.value}.PLUGIN is {type(found).__name__}, not a Plugin")
    return found


def operations_of(source: Source) -> Mapping[str, Operation]:
    """Return what a source can be asked; nothing for the helpdesk, which is the ticket itself, and for free text."""
    return plugin(source).operations if source in SOURCES else {}


def scopes_of(source: Source) -> frozenset[Scope]:
    """Return the scopes that a question to a source may have."""
    return plugin(source).scopes if source in SOURCES else frozenset()
