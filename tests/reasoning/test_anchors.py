"""Anchors: what is found in a ticket, what is not, and what changes the fingerprint."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.customer import Anchors, Customer
from models.ticket import Message, Role, Ticket
from reasoning.anchors import find_anchors, fingerprint
from reasoning.symptoms import OF_ERROR_CODE, OF_STATUS, SYMPTOMS
from tests.reasoning.tickets import NOW, WRITTEN, ticket


def read(subject: str, *texts: str) -> Anchors:
    return find_anchors(ticket(subject, *texts), None, "no match", NOW)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("since 14:00 UTC all fails", at(12, 14)),
        ("since 2pm UTC", at(12, 14)),
        ("since 14:00", at(12, 14)),
        ("around 3pm CET", at(12, 14)),
        ("at 14:05 +02:00", at(12, 12, 5)),
        ("it broke at 2026-03-12T13:05:22Z", at(12, 13, 5)),
        ("2026-03-11 09:30 UTC", at(11, 9, 30)),
        ("since 23:30", at(11, 23, 30)),
        ("yesterday at 18:00 UTC", at(11, 18)),
        ("yesterday", at(11, 8)),
        ("since yesterday evening", at(11, 15)),
        ("since this morning", at(12, 7)),
        ("last night", at(11, 21)),
        ("30 minutes ago", at(12, 14, 30)),
        ("half an hour ago", at(12, 14, 30)),
        ("an hour ago", at(12, 14)),
        ("a couple of hours ago", at(12, 13)),
        ("for the last 3 hours", at(12, 12)),
        ("in the past 2 days", at(10, 15)),
        ("for 2 hours now", at(12, 13)),
        ("since Monday", at(9, 8)),
        ("since March 10", at(10, 0)),
        ("on 10 March at 16:20 UTC", at(10, 16, 20)),
        ("it broke at 13:00 and at 14:00", at(12, 13)),
        # Not the start of anything:
        ("it takes 30 minutes", WRITTEN),
        ("we meet in 2 hours", WRITTEN),
        ("2026-03-12T19:00:00Z is our launch", WRITTEN),
        ("the contract of 2024-01-01", WRITTEN),
        ("version 12:99 of 45:00", WRITTEN),
        ("2026-13-45 is no date", WRITTEN),
        ("we call it 24/7", WRITTEN),
    ],
)
def test_when_the_trouble_started(text: str, moment: datetime) -> None:
    assert read("Trouble", text).symptom_at == moment


def test_no_time_lies_after_now() -> None:
    early = WRITTEN - timedelta(hours=3)
    anchors = find_anchors(ticket("x", "since 14:00 UTC"), None, "", early)
    assert anchors.reported_at == early
    assert anchors.symptom_at <= early
    assert anchors.window.start < anchors.window.end <= early


def test_ids_codes_and_routes() -> None:
    anchors = read(
        "429 on search",
        'POST /v1/search/9912 answers {"error": "rate_limited"}; request id: req_8fK2abc, trace id 4bf92f3577b34da6. '
        "Key pk_live_abcdef123456789 in eu-west-1. Also https://api.example.com/v1/exports?page=2 with HTTP 503.",
    )
    assert anchors.status_codes == (429, 503)
    assert anchors.error_codes == ("rate_limited",)
    assert anchors.routes == ("/v1/search/{id}", "/v1/exports")
    assert anchors.request_ids == ("req_8fK2abc", "4bf92f3577b34da6")
    assert anchors.key_ids == ("pk_live_abcdef12",)
    assert anchors.regions == ("eu-west-1",)
    assert "rate-limited" in anchors.symptoms
    assert "server-errors" in anchors.symptoms


def test_a_secret_key_is_never_kept_whole() -> None:
    secret = "sk_live_" + "9aZ" * 12
    assert secret not in read("Key", f"our key {secret} fails").model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        "we sent 500 requests",
        "it costs $429",
        "404 customers",
        "ticket #502",
        "took 503 ms",
        "400 users",
        "a 4.29 rise",
    ],
)
def test_numbers_that_are_no_status(text: str) -> None:
    assert read("Numbers", text).status_codes == ()


@pytest.mark.parametrize(
    ("text", "invoices"),
    [
        ("invoice INV-2026-0312 is wrong", ("INV-2026-0312",)),
        ("see in_1NabcDEF12345", ("in_1NabcDEF12345",)),
        ("invoice number A1B2C3D4-0007", ("A1B2C3D4-0007",)),
        ("invoice #20931", ("20931",)),
        ("our invoice for March is wrong", ()),
        ("invoice NOR-20931 is wrong", ("NOR-20931",)),
        ("invoice no. NOR-20931 and invoice ID: NUM-20932", ("NOR-20931", "NUM-20932")),
        ("Invoice is 219.79 USD", ()),
        ("Rechnung BIR-20163 passt nicht", ("BIR-20163",)),
        ("Rechnung Nr. 20931 vom 3.2.2026", ("20931",)),
        ("La factura n.º 2026 son 238.83", ()),
        ("la facture CAL-20179 s'élève à 318.60", ("CAL-20179",)),
        ("Faktura HAR-20595 opiewa na 257.22", ("HAR-20595",)),
        ("請求書 BIR-20247 は 311.93 です", ("BIR-20247",)),
        ("CAL-20137 faturası 238.83, oysa Pro 233.00", ("CAL-20137",)),
        ("Why is LUN-20518 361.66 USD?", ("LUN-20518",)),
        ("LUN-205 took 361.66 seconds", ()),
    ],
)
def test_invoices(text: str, invoices: tuple[str, ...]) -> None:
    assert read("Billing", text).invoices == invoices


@pytest.mark.parametrize(
    ("text", "symptom"),
    [
        ("You charged us twice this month", "charged-twice"),
        ("The invoice is much higher than expected", "invoice-too-high"),
        ("our card was declined", "payment-failed"),
        ("Webhooks are not arriving", "webhook-missing"),
        ("requests are timing out", "timeouts"),
        ("The API key was revoked", "unauthorized"),
        ("Search has been slow", "slow"),
        ("A render takes about 40 seconds since Monday", "slow"),
        ("report cards that took half a second need three or four seconds now", "slow"),
        ("Every call takes much longer than last week", "slow"),
        ("Response times tripled", "slow"),
        ("our p95 went up", "slow"),
        ("jobs are stuck in the queue", "slow"),
        ("the API is laggy today", "slow"),
        ("seit einigen Stunden antwortet Ihre API extrem langsam", "slow"),
        ("votre API est très lente", "slow"),
        ("todo va muy lento", "slow"),
        ("we see 5xx", "server-errors"),
        ("getting 403 from the API", "forbidden"),
        ("Our token suddenly stopped working", "unauthorized"),
        ("The keys are no longer accepted", "unauthorized"),
        ("We cannot log in since noon", "unauthorized"),
        ("Has somebody taken the rights away?", "forbidden"),
        ('The API answers "402" to everything', "payment-required"),
        ("The upload answers 413", "bad-request"),
        ("It says that the file is too large", "bad-request"),
        ("too many requests", "rate-limited"),
    ],
)
def test_symptoms(text: str, symptom: str) -> None:
    assert symptom in read("Help", text).symptoms


@pytest.mark.parametrize(
    "text",
    [
        "the request times out",
        "the function no longer works",
        "it fails 30 seconds after the start",
        "our plan allows 300 requests a minute",
        "we took the example from your documentation",
        "please take a look within ten minutes",
    ],
)
def test_what_is_not_called_slow(text: str) -> None:
    assert "slow" not in read("Help", text).symptoms


def test_what_codes_say_is_on_the_list() -> None:
    assert {*OF_STATUS.values(), *OF_ERROR_CODE.values()} <= set(SYMPTOMS)


def test_only_the_requesters_public_words_count() -> None:
    original = ticket("Help", "it fails with 502")
    others = tuple(
        Message(id=name, role=role, public=public, text="429 /v1/other", created_at=WRITTEN)
        for name, role, public in (("a", Role.AGENT, True), ("b", Role.REQUESTER, False), ("c", Role.OWN, True))
    )
    loud = original.model_copy(update={"messages": (*original.messages, *others)})
    assert find_anchors(loud, None, "", NOW) == find_anchors(original, None, "", NOW)


def test_quotes_and_signatures_do_not_count() -> None:
    anchors = read("Help", "We get 502.\n> earlier: 429 on /v1/old\n--\nCall 503 for support, Acme")
    assert anchors.status_codes == (502,)
    assert anchors.routes == ()


def test_terms_hold_no_person_no_id_and_are_few() -> None:
    anchors = read(
        "Export columns",
        "Ada Byron, ada@example.com, order 12345: " + " ".join(f"word{chr(97 + n)}" for n in range(26)),
    )
    assert anchors.terms[:2] == ("export", "columns")
    assert len(anchors.terms) == 12
    assert not {"ada", "byron", "example", "12345"} & set(anchors.terms)


def test_reopened_is_told_by_a_later_message() -> None:
    assert "reopened" not in read("x", "it is still failing").symptoms
    assert "reopened" in read("x", "it fails", "it is still failing").symptoms


def test_after_a_long_silence_the_report_is_a_new_one() -> None:
    late = ticket("x", "it fails since 14:00 UTC", "again: 30 minutes ago it started", gap=timedelta(days=9))
    anchors = find_anchors(late, None, "", WRITTEN + timedelta(days=10))
    assert anchors.reported_at == WRITTEN + timedelta(days=9)
    assert anchors.symptom_at == WRITTEN + timedelta(days=9, minutes=-30)


def prints(*texts: str, customer: Customer | None = None) -> str:
    case = ticket("Search fails", *texts)
    return fingerprint(case, find_anchors(case, customer, "", NOW))


def test_fingerprint_knows_news_from_courtesy() -> None:
    first = prints("we get 429 on /v1/search")
    assert prints("we get 429 on /v1/search", "Thanks!") == first
    assert prints("we get 429 on /v1/search", "Thank you, that works. Have a nice day") == first
    still = prints("we get 429 on /v1/search", "it is still happening")
    news = {
        first,
        still,
        prints("we get 429 on /v1/search", "request id req_12345678"),
        prints("we get 429 on /v1/search", "now /v1/items too"),
        prints("we get 429 on /v1/search", "and it is slow"),
        prints("we get 429 on /v1/search", customer=Customer(id="c", resolved_by="helpdesk-field")),
        prints("we get 429 on /v1/search", "it is still happening", "it is still happening"),
    }
    assert len(news) == 7


def test_fingerprint_does_not_depend_on_the_clock() -> None:
    case = ticket("Search fails", "we get 429 since this morning")
    later = find_anchors(case, None, "", NOW + timedelta(days=30))
    assert fingerprint(case, later) == fingerprint(case, find_anchors(case, None, "", NOW))


@given(st.text(max_size=300), st.text(max_size=60))
def test_no_text_breaks_it(text: str, subject: str) -> None:
    case: Ticket = ticket(subject, text)
    anchors = find_anchors(case, None, "", NOW)
    assert anchors.symptom_at <= anchors.reported_at <= NOW
    assert len(fingerprint(case, anchors)) == 64


@pytest.mark.parametrize(
    "piece", ["a", "/v1", "/v1/", "req_", "1 ", "invoice ", "12:30 ", "a.", "a-", " ", "\n", "- ", "!"]
)
def test_hostile_text_is_read_in_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    begun = time.process_time()
    find_anchors(ticket(text[:200], text), None, "", NOW)
    # About 0.3 s of the processor; where each character is tried against all that follow, 3 to 60.
    assert time.process_time() - begun < 2.5


def test_a_void_hides_nothing() -> None:
    found = find_anchors(ticket("Search fails", f"/v1/search{' ' * 500}503\n{' ' * 90}\nreq_abcd1234"), None, "", NOW)
    assert (found.routes, found.status_codes, found.request_ids) == (("/v1/search",), (503,), ("req_abcd1234",))
    quoted = find_anchors(ticket("Search fails", f"It fails.{' ' * 90}\n{' ' * 90}> we get 429"), None, "", NOW)
    assert quoted.status_codes == ()


@pytest.mark.parametrize(
    ("text", "back", "slack"),
    [
        ("Fails since two hours ago.", 120, 30),
        ("Since about five hours, I would say.", 300, 75),
        ("Since some hours all requests are slow.", 180, 45),
        ("It began after last week's release.", 10080, 5040),
        ("Limits broken yesterday? It worked fine last week.", 31 * 60, 480),
        ("429 since this morning, worked yesterday.", 8 * 60, 420),
        ("It was fine until yesterday.", 31 * 60, 480),
    ],
)
def test_a_vague_start_has_slack_and_a_good_time_is_no_start(text: str, back: int, slack: int) -> None:
    anchors = read("x", text)
    assert (anchors.reported_at - anchors.symptom_at).total_seconds() / 60 == back
    assert anchors.symptom_slack_minutes == slack


def test_words_for_searches_come_from_the_symptoms() -> None:
    anchors = read("API returning 429", "E_LIMIT on every request, please fix our integration")
    assert anchors.vocabulary == ("rate limit", "limiter", "throttle")
    assert anchors.error_codes == ("E_LIMIT",)
    assert not {"api", "request", "every"} & set(anchors.terms)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("Nothing arrives at hooks.acme-labs.example, others do.", ("hooks.acme-labs.example",)),
        ("POST https://Hooks.acme.example:8443/in fails", ("hooks.acme.example",)),
        ("hooks.acme.exampleに届きません", ("hooks.acme.example",)),
        ("Write to jo@acme.example or v7.4.0, 3.5 s. Thanks", ()),
    ],
)
def test_hosts_are_read_as_the_ticket_names_them(text: str, hosts: tuple[str, ...]) -> None:
    assert read("x", text).hosts == hosts


def test_a_company_region_in_the_ticket_is_an_anchor() -> None:
    anchors = find_anchors(ticket("slow in Ashford", "all is slow"), None, "", NOW, ("ashford", "westbay"))
    assert (anchors.regions, anchors.company_regions) == (("ashford",), ("ashford", "westbay"))


def test_terms_are_whole_words_in_any_language_without_function_words_and_names() -> None:
    anchors = find_anchors(ticket("Escritório", "Olá, não conseguimos exportar relatórios, não é?"), None, "", NOW)
    assert anchors.terms == ("escritorio", "conseguimos", "exportar", "relatorios")
    named = ticket("webhookが届きません", "Grüße vom Büro, Ada")
    assert find_anchors(named, None, "", NOW).terms == ("webhook", "buro")


@pytest.mark.parametrize(
    ("text", "symptoms"),
    [
        ("We are forbidden to call /v1/exports: 403. Looks like a full outage to me.", ("forbidden",)),
        ("An outage? Some calls give 403 and some an internal server error.", ("errors", "server-errors", "forbidden")),
        ("403 on /v1/exports and 503 on /v1/files, a full outage", ("server-errors", "forbidden")),
        ("Looks like a full outage to me.", ("server-errors",)),
        ("Why is LUN-20518 361.66 USD? We expected 241.00.", ("invoice-too-high",)),
        ("Key pk_live_m422vP gets 401", ("unauthorized",)),
        ("Some calls to /v3/files come back as 400 invalidInput.", ("bad-request",)),
        ("Aufrufe von /v3/files enden mit 400 X-invalidInput", ("bad-request",)),
    ],
)
def test_a_named_code_tells_more_than_a_guess(text: str, symptoms: tuple[str, ...]) -> None:
    assert set(symptoms) == set(read("Question", text).symptoms)
