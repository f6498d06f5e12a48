"""Status codes in the words of many languages, and numbers that are none."""

import pytest

from reasoning.status_codes import codes_beside


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Der Abruf antwortet mit 500.", {500}),
        ("Wir bekommen 404 auf einigen Seiten", {404}),
        ("Fehler 409 beim Anlegen", {409}),
        ("nos devuelve 500 en todas", {500}),
        ("Error: código 400", {400}),
        ("l'appel renvoie 500, rien d'autre", {500}),
        ("Erreur 404", {404}),
        ("A chamada retorna 500.", {500}),
        ("la chiamata risponde con 500", {500}),
        ("De aanroep geeft 400.", {400}),
        ("foutcode 500", {500}),
        ("Serwer zwraca 500, pomocy", {500}),
        ("Her seferinde 500 dönüyor", {500}),
        ("500 hatası alıyoruz", {500}),
        ("呼び出すと500エラーになります", {500}),
        ("500 が返ります", {500}),
        ("ステータス 404 です", {404}),
        ("it ends with 500 E_INTERNAL on Mondays", {500}),
        ("400 (BAD-THING)", {400}),
        ("we had 500 for some time, then it went away", {500}),
        ("yesterday we saw 404 on all lists", {404}),
        ("500 E_cacheLost", {500}),
        ("500 sur /v1/exports", {500}),
        ("/v1/exports/{id} yields 500", {500}),
        ("500 on /v2/orders", {500}),
    ],
)
def test_a_code_is_read_in_each_language(text: str, codes: set[int]) -> None:
    assert {*codes_beside(text)} == codes


@pytest.mark.parametrize(
    "text",
    [
        "Wir sind eine Firma mit 500 Kunden",
        "con 400 clientes en España",
        "Nous avons 500 clients, avec 400 appels",
        "com 500 usuários ativos",
        "met 500 klanten",
        "z 400 klientami",
        "Er dauert mit 500 ms zu lang",
        "/v1/orders holds 500 orders",
        "Wir bekommen 480 auf der Anzeige",
        "Konto 500 und Rechnung 401-22",
        "500 人の利用者がいます",
        "500 müşterimiz var",
        "we had 500 orders on that day",
        "Wir schicken 500 E-Mails am Tag",
    ],
)
def test_a_number_of_things_is_no_code(text: str) -> None:
    assert codes_beside(text) == []
