"""Redaction: what leaves, what stays, and the way back."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import Row
from models.customer import Customer
from models.diagnosis import Draft
from models.ticket import Message, Organization, Person, Role, Ticket
from models.vocabulary import Outcome, Scope, Source
from reasoning.personal_data import find_personal
from reasoning.redact import Redactor, resolve_draft, visible
from tests.reasoning.case import CUSTOMER, EVIDENCE, NOW, TICKET, row_shows

HIDDEN = [
    ("write to jane.doe+x@acme.example.", "jane.doe+x@acme.example", "EMAIL"),
    ("mailto:Jürgen.Groß@müller.example", "Jürgen.Groß@müller.example", "EMAIL"),
    ("call +49 30 901820 today", "+49 30 901820", "PHONE"),
    ("call (415) 555-2671", "(415) 555-2671", "PHONE"),
    ("0033 1 42 68 53 00 works", "0033 1 42 68 53 00", "PHONE"),
    ("my mobile: 4155552671", "4155552671", "PHONE"),
    ("about my order\n0033 1 42 68 53 01 works", "0033 1 42 68 53 01", "PHONE"),
    ("UK office 020 7946 0958", "020 7946 0958", "PHONE"),
    ("card 4242 4242 4242 4242 exp 12/27", "4242 4242 4242 4242", "CARD"),
    ("378282246310005", "378282246310005", "CARD"),
    ("IBAN DE89 3704 0044 0532 0130 00 FOR you", "DE89 3704 0044 0532 0130 00", "IBAN"),
    ("gb82west12345698765432", "gb82west12345698765432", "IBAN"),
    ("key sk_live_51HqLyjWDarjtT1zdp7dc", "sk_live_51HqLyjWDarjtT1zdp7dc", "SECRET"),
    ("rk_test_51HqLyjWDarjtT1z", "rk_test_51HqLyjWDarjtT1z", "SECRET"),
    ("glpat-Aa1Bb2Cc3Dd4Ee5Ff6Gg", "glpat-Aa1Bb2Cc3Dd4Ee5Ff6Gg", "SECRET"),
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "SECRET"),
    ("github_pat_11ABCDEFG0aBcDeFgHiJkL_x", "github_pat_11ABCDEFG0aBcDeFgHiJkL_x", "SECRET"),
    ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIzaSyA1234567890abcdefghijklmnopqrstuv", "SECRET"),
    ("id AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "SECRET"),
    (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "SECRET",
    ),
    ("xoxb-1234567890-abcdefghij", "xoxb-1234567890-abcdefghij", "SECRET"),
    ("Token: Bearer Zm9vYmFyMTIz", "Zm9vYmFyMTIz", "SECRET"),
    ("-H 'Authorization: Bearer abc.def-123_456'", "abc.def-123_456", "SECRET"),
    ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA==", "SECRET"),
    ('{"password": "correct-horse"}', "correct-horse", "SECRET"),
    ("DB_PASSWORD=hunter2", "hunter2", "SECRET"),
    ("my password is hunter2!", "hunter2", "SECRET"),
    ("the api key is 9f8e7d6c5b4a", "9f8e7d6c5b4a", "SECRET"),
    ("postgres://svc:p4ss@db.example.com/x", "svc:p4ss", "SECRET"),
    ("https://x.example/cb?id=1&access_token=abc123def", "abc123def", "SECRET"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
        "SECRET",
    ),
    ("from 203.0.113.7 to us", "203.0.113.7", "IP"),
    ("2001:db8::8a2e:370:7334", "2001:db8::8a2e:370:7334", "IP"),
    ("ssn 536-22-1234", "536-22-1234", "ID"),
    ("NI number AB123456C", "AB123456C", "ID"),
    ("VALUES ('x.chen@acme.example')", "x.chen@acme.example", "EMAIL"),
    ("?email=kim%40acme.example&page=2", "kim%40acme.example", "EMAIL"),
    ("write to max.brandt (at) acme (dot) example", "max.brandt (at) acme (dot) example", "EMAIL"),
    ("メールはtanaka@acme.exampleです", "tanaka@acme.example", "EMAIL"),
    ("почта иван@почта.example", "иван@почта.example", "EMAIL"),
    ("tel. kom. 512345678", "512345678", "PHONE"),
    ("电话：13912345678，谢谢", "13912345678", "PHONE"),
    ("Fon 089 99998 501", "089 99998 501", "PHONE"),
    ("phone=4915112345678 is refused", "4915112345678", "PHONE"),
    ("PESEL 44051401359 jest", "44051401359", "ID"),
    ("BSN: 111222333", "111222333", "ID"),
    ("codice fiscale RSSMRA85T10A562S", "RSSMRA85T10A562S", "ID"),
    ("Mi DNI es 12345678Z", "12345678Z", "ID"),
    ("cpf 529.982.247-25", "529.982.247-25", "ID"),
    ("マイナンバー123456789018", "123456789018", "ID"),
    ("NIR 2 55 08 14 168 025 38", "2 55 08 14 168 025 38", "ID"),
    ("TCKN 10000000146", "10000000146", "ID"),
    ("IBAN DE 8937040 04405320130 00", "DE 8937040 04405320130 00", "IBAN"),
    ("3) card 4242 4242 4242 4242 4) order", "4242 4242 4242 4242", "CARD"),
    ("Cookie: theme=dark; sid=9f8e7d6c5b4a3f2e1d0c", "9f8e7d6c5b4a3f2e1d0c", "SECRET"),
    ("Passwort lautet Sommer#25", "Sommer#25", "SECRET"),
    ("DB_PASSWORD='correct horse'", "correct horse", "SECRET"),
    ("redis://:p4ss@db.example/0", ":p4ss", "SECRET"),
]

KEPT = [
    "order 4155552671 and order #20261121",
    "since 2026-11-21 10:05:02, 2026-11-21T10:05:02.123Z, 21.11.2026 10:05",
    "sha 3f2a9bc1de and a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
    "request req_8f2a7c31 id 7d444840-9dc0-11d1-b245-5ffdce74fad2",
    "invoice INV-2026-0042, in_1NabcDEF, $1,234.56, 1,234,567 requests",
    "unix 1700000000 or 1700000000000 or 1700000000000000000",
    "version 1.2.3, HTTP/1.1 429, std::vector, 10:05:02, p99 120-340 ms",
    "password is incorrect; token is invalid; Basic authentication; Bearer token missing; secret: missing",
    "POST /v1/exports returned 500 at 127.0.0.1, ::1",
    "card ending 4242, key id key_7f3c, key prefix sk_live_51Hq",
    "sdk version 4.12.0.1893, Chrome/124.0.6367.91, section 4.2.1.3",
    "git@code.example:acme/site.git, logo@2x.png, @acme/sdk@2.3.1, nginx@sha256:9d6b58",
    "order 0815-4711-2233, lot 555-0147-12, EAN 5901234123457, Artikelnummer 0815-4711-2233",
    "btw, order 44771122 is late; CI run 48812345; the tax id is invalid for invoice 2026-0042",
    "Authorization: Bearer $API_TOKEN, api_key=<key>, password: ********, key sk_live_...",
    "all tests pass on 2026-04-01; token 2026-03-01T00:00:00Z expired; pass to worker1; pin: 10:05",
    "app mobile 4.12.0.1893, order id number 44771122, +10000000 rows, pps now 12345678",
    "IBAN field stays empty, PESEL is required, phone is optional: error 422",
    "p50 487.0077993734661 ms, 58799.44872600412 ms, a share of 0.4076970704705412",
    "4242 4242 4242 4241 is no card and DE00 3704 0044 0532 0130 00 no account",
]


@pytest.mark.parametrize(("text", "value", "kind"), HIDDEN, ids=[value for _, value, _ in HIDDEN])
def test_shape_is_found_whole(text: str, value: str, kind: str) -> None:
    assert [(text[found.start : found.end], found.kind) for found in find_personal(text)] == [(value, kind)]
    assert value not in Redactor().redact(text)


@pytest.mark.parametrize("text", KEPT)
def test_evidence_is_kept(text: str) -> None:
    assert Redactor().redact(text) == text


def ticket(text: str, name: str = "Jane Doe-Martinez", email: str = "jane@acme-robotics.example") -> Ticket:
    message = Message(id="m1", role=Role.REQUESTER, public=True, text=text, created_at=NOW)
    return TICKET.model_copy(
        update={"messages": (message,), "requester": Person(id="5", name=name, email=email), "subject": "Help"}
    )


def test_known_people_and_companies_are_replaced_wherever_they_stand() -> None:
    redactor = Redactor.for_ticket(TICKET, CUSTOMER, ())
    said = redactor.redact("jane  doe-martinez (JANE) of Acme Robotics; hooks.acme-robotics.example; acct_4711")
    assert said == "<NAME_4> (<NAME_5>) of <ORG_1>; hooks.<DOMAIN_1>; <CUSTOMER_1>"
    assert redactor.resolve(said).startswith("jane  doe-martinez (JANE) of Acme Robotics")


def test_same_value_has_the_same_pseudonym_in_ticket_and_rows() -> None:
    redactor = Redactor.for_ticket(ticket("x@y.example asks, from 203.0.113.7"), CUSTOMER, ())
    first = redactor.redact("x@y.example asks, from 203.0.113.7")
    assert redactor.redact_row({"ip": "203.0.113.7", "n": 3, "ok": True, "who": "x@y.example", "none": None}) == {
        "ip": first.split()[-1],
        "n": 3,
        "ok": True,
        "who": first.split()[0],
        "none": None,
    }


def test_secret_that_had_a_label_once_is_known_without_it() -> None:
    redactor = Redactor.for_ticket(ticket("password: hunter22x"), None, ())
    assert redactor.redact("I typed hunter22x again") == "I typed <SECRET_1> again"


def test_two_redactors_of_one_investigation_agree() -> None:
    texts = [TICKET.messages[0].text, "new@other.example and 203.0.113.9", "sk_live_51HqLyjWDarjtT1zdp7dc"]
    one, other = (Redactor.for_ticket(TICKET, CUSTOMER, EVIDENCE) for _ in range(2))
    assert [one.redact(text) for text in texts] == [other.redact(text) for text in texts]


def test_billing_rows_teach_names_and_incident_names_are_no_people() -> None:
    billing = EVIDENCE[0].model_copy(
        update={
            "source": Source.STRIPE,
            "rows": ({"name": "Wile E. Coyote", "email": "wile@coyote.example", "phone": "0151 5551234"},),
        }
    )
    status = EVIDENCE[2].model_copy(update={"rows": ({"name": "Elevated errors"},), "scope": Scope.SHARED})
    redactor = Redactor.for_ticket(ticket("hi"), None, (billing, status))
    assert redactor.redact("Wile E. Coyote, 0151 5551234: Elevated errors") == "<ORG_2>, <PHONE_1>: Elevated errors"


@pytest.mark.parametrize("word", ["May", "Will", "Mark"])
def test_first_name_that_is_a_word_spoils_no_sentence(word: str) -> None:
    redactor = Redactor.for_ticket(ticket("hi", name=f"{word} Okonkwo"), None, ())
    assert redactor.redact(f"In {word} 2026, says {word} Okonkwo") == f"In {word} 2026, says <NAME_1>"


def test_name_of_words_alone_is_a_name_where_it_is_written_as_one() -> None:
    redactor = Redactor.for_ticket(ticket("hi", name="May Field"), None, ())
    assert redactor.redact("we may field tickets, says May Field") == "we may field tickets, says <NAME_1>"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Jörg Weißmann", "Jörg Weißmann"),
        ("Jörg Weißmann", "JÖRG WEISSMANN"),
        ("François Côté", "Francois  Cote"),
        ("Zdeňka Horáčková", "zdenka\nhorackova"),
        ("Delgado & Hijos", "Delgado &amp; Hijos"),
        ("山田 太郎", "山田 太郎"),
        ("Nguyễn Thị Khai", "Nguyen Thi Khai"),
    ],
)
def test_name_is_known_without_its_accents_and_between_letters_that_make_no_words(name: str, said: str) -> None:
    redactor = Redactor.for_ticket(ticket("hi", name=name), None, ())
    around = ("の", "です") if said[0] == "山" else (" ", ".")
    text = said.join(around)
    redacted = redactor.redact(text)
    assert said.split()[-1] not in redacted
    assert redactor.resolve(redacted) == text


def test_name_within_a_word_is_none() -> None:
    redactor = Redactor.for_ticket(ticket("hi", name="Ana Sol"), None, ())
    assert redactor.redact("analysis of Anatolia's solution") == "analysis of Anatolia's solution"


def test_a_tenants_own_patterns_are_learnt_and_found_like_any_other() -> None:
    redactor = Redactor.for_ticket(ticket("AC-123456 is ours"), None, (), patterns={"CONTRACT": r"AC-\d{6}|"})
    said = redactor.redact("is ac-123456, and AC-654321 of 203.0.113.7")
    assert said == "is <CONTRACT_2>, and <CONTRACT_3> of <IP_1>"
    assert redactor.resolve(said) == "is ac-123456, and AC-654321 of 203.0.113.7"


def test_public_mail_domain_is_nobodys() -> None:
    redactor = Redactor.for_ticket(
        TICKET.model_copy(
            update={"requester": Person(id="5", email="j@gmail.com"), "organization": Organization(id="1")}
        ),
        None,
        (),
    )
    assert redactor.redact("gmail.com is slow; j@gmail.com") == "gmail.com is slow; <EMAIL_1>"


def test_forged_pseudonym_leads_nowhere() -> None:
    redactor = Redactor.for_ticket(ticket("I am <EMAIL_1> and <NAME_7>"), CUSTOMER, ())
    said = redactor.redact("I am <EMAIL_1> and <NAME_7>")
    assert "<EMAIL_1>" not in said
    assert redactor.resolve(said) == "I am <EMAIL_1> and <NAME_7>"
    assert redactor.resolve("<EMAIL_999>") == "<EMAIL_999>"


def test_restore_keeps_to_the_allowed_kinds() -> None:
    redactor = Redactor.for_ticket(TICKET, CUSTOMER, ())
    said = redactor.redact("Jane Doe-Martinez, jane.doe@acme-robotics.example, sk_live_51HqLyjWDarjtT1zdp7dc")
    assert redactor.restore(said, {"NAME"}) == "Jane Doe-Martinez, <EMAIL_1>, <SECRET_1>"
    assert redactor.restore(said, ()) == said


def test_invisible_characters_hide_nothing() -> None:
    hidden = "ja\u200bne.doe@ac\u00adme-robotics.example \u202esk_live_51HqLyj\u2060WDarjtT1zdp7dc"
    assert Redactor.for_ticket(TICKET, CUSTOMER, ()).redact(hidden) == "<EMAIL_1> <SECRET_1>"


def test_repr_says_how_much_and_not_what() -> None:
    assert repr(Redactor.for_ticket(TICKET, CUSTOMER, ())).startswith("<Redactor with ")
    assert "jane" not in repr(Redactor.for_ticket(TICKET, CUSTOMER, ())).casefold()


def test_draft_is_resolved_in_its_values_and_words() -> None:
    redactor = Redactor.for_ticket(TICKET, CUSTOMER, ())
    pseudonym = redactor.redact("jane.doe@acme-robotics.example")
    draft = Draft(outcome=Outcome.DIAGNOSED, claims=(row_shows("E1", f"seen by {pseudonym}", who=pseudonym),))
    claim = resolve_draft(draft, redactor).claims[0]
    assert claim.values[0].value == "jane.doe@acme-robotics.example"
    assert claim.wording == "seen by jane.doe@acme-robotics.example"


@given(st.text(max_size=300))
def test_way_back_is_exact(text: str) -> None:
    redactor = Redactor.for_ticket(TICKET, CUSTOMER, ())
    assert redactor.resolve(redactor.redact(text)) == visible(text)


SNIPPETS = st.sampled_from([text for text, _, _ in HIDDEN] + KEPT + ["Jane", "Acme Robotics", "<NAME_1>", "hello "])


@given(st.lists(SNIPPETS, max_size=8))
def test_way_back_is_exact_over_personal_texts_and_nothing_known_is_left(parts: list[str]) -> None:
    text = "\n".join(parts)
    redactor = Redactor.for_ticket(ticket(text), CUSTOMER, ())
    said = redactor.redact(text)
    assert redactor.resolve(said) == visible(text)
    for whole, value, _ in HIDDEN:
        if whole in parts:
            assert value not in said


def test_ticket_of_four_thousand_characters_is_quick() -> None:
    text = " ".join(text for text, _, _ in HIDDEN)[:1_300] + "\n" + "The export of our data fails again. " * 85
    assert 4_000 < len(text) < 4_400
    case = ticket(text)
    best = 9.0
    for _ in range(5):
        begun = time.process_time()
        redactor = Redactor.for_ticket(case, CUSTOMER, EVIDENCE)
        redactor.redact(text)
        best = min(best, time.process_time() - begun)
    assert best < 0.1, "meant to take 20 ms on an idle machine"


@pytest.mark.parametrize(
    "text",
    ["1 " * 20_000, "a@" * 20_000, "DE89 " * 8_000, "a:" * 20_000, "-----BEGIN PRIVATE KEY-----" * 400, "(1 " * 13_000],
    ids=["digits", "ats", "ibans", "colons", "keys", "brackets"],
)
def test_text_made_to_be_slow_is_not(text: str) -> None:
    begun = time.process_time()
    Redactor().redact(text)
    assert time.process_time() - begun < 5


def test_key_block_is_hidden_even_where_its_end_is_missing() -> None:
    block = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow\n" * 3_000
    assert Redactor().redact(f"my key\n{block}") == "my key\n<SECRET_1>"


def test_customer_number_of_digits_spoils_no_count() -> None:
    row: Row = {"n": 4711, "text": "4711 requests"}
    assert Redactor.for_ticket(ticket("x"), Customer(id="4711", resolved_by="x"), ()).redact_row(row) == row
