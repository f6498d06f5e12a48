"""The model ids that the installed SDK of Anthropic knows, read without loading it: loading takes seconds, for one list."""

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_ON_BEDROCK = re.compile(r"(?:[a-z]+(?:-[a-z]+)*\.)?anthropic\.(claude-[a-z0-9-]+?)(?:-v\d+(?::\d+)?)?")
"""An inference profile's geography may stand before it."""
_LIST = Path("types", "model.py")
"""Where the SDK has its own list, as one Literal."""


@cache
def known_models() -> tuple[str, ...]:
    """Return the SDK's own list, newest first; empty where the SDK has moved it."""
    spec = find_spec("anthropic")
    if spec is None or spec.origin is None:
        return ()
    path = Path(spec.origin).parent / _LIST
    if not path.is_file():
        return ()
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    literals = [node.slice for node in nodes if isinstance(node, ast.Subscript) and _name(node.value) == "Literal"]
    return tuple(
        constant.value
        for literal in literals
        for constant in ast.walk(literal)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    )


def vendor_id(model: str) -> str:
    """Return Anthropic's own id of a model as Bedrock or Vertex writes it; any other id is returned as it is.

    `eu.anthropic.claude-haiku-4-5-20251001-v1:0` and `claude-haiku-4-5@20251001` are both `claude-haiku-4-5-20251001`.
    """
    on_bedrock = _ON_BEDROCK.fullmatch(model)
    return on_bedrock[1] if on_bedrock else model.replace("@", "-")


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
