"""What takes long over all that there is: a share of it in `make test`, the whole of it in `make conformance`."""

import pytest

EVERY = pytest.mark.parametrize(
    "every", [pytest.param(3, id="third"), pytest.param(1, id="all", marks=pytest.mark.slow)]
)
"""Gives a test `every`: look at each so many-th."""
