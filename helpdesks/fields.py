"""Custom fields as text."""

from pydantic import JsonValue


def field_text(value: JsonValue) -> str:
    """Return a field's value as text; empty for a field that is not set. Lists are joined with ", "."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(filter(None, map(field_text, value)))
    return str(value)
