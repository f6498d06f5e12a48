"""The SDK's own list of models, found without loading the SDK."""

import subprocess
import sys
import typing

from anthropic.types import model

from reasoning.providers.anthropic_models import known_models
from reasoning.providers.prices import shipped_prices


def test_it_is_the_list_of_the_sdk() -> None:
    literal, _ = typing.get_args(model.Model)
    assert known_models() == typing.get_args(literal)
    assert len(known_models()) > 10


def test_every_model_that_has_a_price_is_on_it() -> None:
    assert {price.model for price in shipped_prices().prices} <= set(known_models())


def test_reading_it_does_not_load_the_sdk() -> None:
    code = (
        "import sys; from reasoning.providers.anthropic_models import known_models; assert known_models(); "
        "assert 'anthropic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
