"""The choice of the playbook: by signals, the same way every time."""

import pytest

from models.playbook import AppliesWhen, Playbook
from reasoning.anchors import find_anchors
from reasoning.select import MARGIN, second_playbook, select_playbook, tied_playbooks
from tests.reasoning.case import PLAYBOOK
from tests.reasoning.tickets import NOW, ticket


def playbook(name: str, version: int = 1, **applies: object) -> Playbook:
    return PLAYBOOK.model_copy(
        update={"id": name, "version": version, "applies_when": AppliesWhen.model_validate(applies)}
    )


GENERAL = playbook("general", fallback=True)
ERRORS = playbook("errors", symptoms={"rate-limited": 3}, terms={"api": 1})
BILLING = playbook("billing", terms={"invoice": 3, "billed twice": 5}, fields={"area": ["Billing"]})
ALL = [GENERAL, ERRORS, BILLING]


def choose(
    subject: str, *texts: str, books: list[Playbook] | None = None, fields: dict[str, str] | None = None
) -> tuple[str, str]:
    case = ticket(subject, *texts, fields=fields)
    chosen, reason = select_playbook(case, find_anchors(case, None, "", NOW), ALL if books is None else books)
    return f"{chosen.id}@{chosen.version}", reason


def test_the_highest_sum_wins_and_says_why() -> None:
    assert choose("Invoice", "the API gives 429") == ("errors@1", "api (1), rate-limited (3)")
    assert choose("Billed twice", "on this invoice; the API gives 429")[0] == "billing@1"


def test_terms_are_whole_words_in_any_case_and_spacing() -> None:
    assert choose("We were BILLED\n  TWICE", "")[0] == "billing@1"
    assert choose("rapid invoices", "capital")[0] == "general@1"


@pytest.mark.parametrize(
    ("term", "text", "says"),
    [
        ("schlüssel", "Unser SCHLUSSEL geht nicht", True),
        ("schlussel", "der Schlüssel", True),
        ("klucz*", "z kluczem", True),
        ("klucz*", "wykluczone", False),
        ("klucz", "z kluczem", False),
        ("請求書", "5月の請求書について", True),
        ("キー", "このAPIキーで", True),
        ("api キー", "api  キーが無効", True),
    ],
)
def test_terms_are_read_in_other_languages(term: str, text: str, says: bool) -> None:
    book = playbook("abroad", terms={term: 3})
    assert (choose("?", text, books=[GENERAL, book])[0] == "abroad@1") is says


def test_a_field_settles_it() -> None:
    chosen, reason = choose("429 from the API", "", fields={"area": "billing"})
    assert chosen == "billing@1"
    assert "area" in reason


def test_nothing_means_the_fallback() -> None:
    assert choose("Hello", "a question") == ("general@1", "nothing speaks for another")


def test_the_newest_version_and_no_order_matter() -> None:
    newer = playbook("errors", version=2, symptoms={"rate-limited": 3})
    for books in ([GENERAL, ERRORS, newer], [newer, GENERAL, ERRORS]):
        assert choose("429", "", books=books)[0] == "errors@2"


def test_ties_are_settled_by_signals_then_by_name() -> None:
    two = playbook("zeta", terms={"api": 1, "down": 1})
    one = playbook("beta", terms={"api": 2})
    same = playbook("alpha", terms={"down": 2})
    assert choose("api down", "", books=[one, two, GENERAL])[0] == "zeta@1"
    assert choose("api down", "", books=[one, same, GENERAL])[0] == "alpha@1"


def test_weights_may_speak_against() -> None:
    assert choose("invoice api", "", books=[GENERAL, playbook("x", terms={"api": 1, "invoice": -5})])[0] == "general@1"


def test_without_a_fallback_it_says_what_to_do() -> None:
    with pytest.raises(LookupError, match="fallback"):
        choose("Hello", "", books=[ERRORS])


def tied(subject: str, *books: Playbook, fields: dict[str, str] | None = None) -> list[str]:
    case = ticket(subject, "", fields=fields)
    anchors = find_anchors(case, None, "", NOW)
    found = tied_playbooks(case, anchors, [GENERAL, *books])
    if found:
        assert found[0].playbook == select_playbook(case, anchors, [GENERAL, *books])[0]
    return [each.playbook.id for each in found]


def test_equal_sums_are_a_tie_in_codes_own_order() -> None:
    one, other = playbook("zeta", terms={"api": 1, "down": 1}), playbook("beta", terms={"api": 2})
    assert tied("api down", one, other) == ["zeta", "beta"]


def test_sums_within_the_margin_are_a_tie_and_beyond_it_are_none() -> None:
    strong = playbook("strong", terms={"api": 5})
    assert tied("api down", strong, playbook("near", terms={"down": 5 - MARGIN})) == ["strong", "near"]
    assert tied("api down", strong, playbook("far", terms={"down": 4 - MARGIN})) == []


def test_what_speaks_for_nothing_is_no_part_of_a_tie() -> None:
    against = playbook("against", terms={"down": 1, "api": -1})
    assert tied("api down", playbook("weak", terms={"api": 1}), against) == []
    assert tied("hello", playbook("weak", terms={"api": 1}), against) == []


def test_a_field_leaves_no_tie() -> None:
    books = playbook("beta", terms={"api": 2}), playbook("zeta", terms={"api": 2}, fields={"area": ["Billing"]})
    assert tied("api", *books) == ["beta", "zeta"]
    assert tied("api", *books, fields={"area": "billing"}) == []


HOOKS = playbook("hooks", symptoms={"webhook-missing": 6})
BOTH = [*ALL, HOOKS]


def second(first: str, subject: str, *texts: str) -> tuple[str, str] | None:
    case = ticket(subject, *texts)
    chosen = next(each for each in BOTH if each.id == first)
    found = second_playbook(case, find_anchors(case, None, "", NOW), BOTH, chosen)
    return (found[0].id, found[1]) if found else None


def test_a_line_of_its_own_makes_a_second_playbook() -> None:
    told = "We get 429 on /v1/search.\nAnd another thing: no webhooks arrive any more."
    assert second("errors", "API", told) == ("hooks", "webhook-missing (6)")
    assert second("hooks", "API", told) == ("errors", "rate-limited (3)")


def test_one_trouble_in_one_line_makes_no_second() -> None:
    assert second("errors", "API", "We get 429, so no webhooks arrive.") is None
    assert second("errors", "429 on /v1/search", "We get 429 on /v1/search.\nPlease look.") is None


def test_a_guess_that_names_nothing_makes_no_second() -> None:
    """What cannot be looked up must be said in so many words."""
    assert second("hooks", "No webhooks arrive", "Is it a rate limit?") is None
    assert second("hooks", "No webhooks arrive", "We see 429 on /v1/search.") == ("errors", "rate-limited (3)")


def test_the_first_needs_a_line_of_its_own_and_is_no_fallback() -> None:
    told = "We get 429 on /v1/search.\nNo webhooks arrive."
    assert second("billing", "Invoice", told) is None
    assert second("general", "Hello", told) is None
