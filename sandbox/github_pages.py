"""Lists of GitHub's REST API in pages, with Link headers."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from starlette.responses import Response

from sandbox.github_shapes import Body
from sandbox.vendor import Asked, json_response

Thing = TypeVar("Thing")


def page(asked: Asked, things: Sequence[Thing], cap: int = 100) -> tuple[Sequence[Thing], dict[str, str]]:
    """Return the page that is asked for and its Link header, if there are more."""
    size, number = asked.query.get("per_page", "30" if cap == 100 else str(cap)), asked.query.get("page", "1")
    per_page = min(max(int(size), 1), cap) if size.isdigit() else 30
    number_of_page = max(int(number), 1) if number.isdigit() else 1
    last = max(1, -(-len(things) // per_page))
    links: list[tuple[int, str]] = []
    if number_of_page > 1:
        links += [(min(number_of_page - 1, last), "prev"), (1, "first")]
    if number_of_page < last:
        links += [(number_of_page + 1, "next"), (last, "last")]
    header = ", ".join(f'<{asked.query_url(page=str(target))}>; rel="{name}"' for target, name in links)
    start = (number_of_page - 1) * per_page
    return things[start : start + per_page], {"link": header} if header else {}


def paged(
    asked: Asked, things: Sequence[Thing], shape: Callable[[Thing], Body], wrapped: str = "", total: int | None = None
) -> Response:
    """Return the page that is asked for, shaped; `wrapped` in an object under that name with `total` beside it."""
    shown, link = page(asked, things)
    bodies = [shape(one) for one in shown]
    if not wrapped:
        return json_response(bodies, headers=link)
    body = {"total_count": len(things) if total is None else total, wrapped: bodies}
    return json_response(body | {"incomplete_results": False} if wrapped == "items" else body, headers=link)
