"""When trouble began, told in the languages of support tickets."""

from datetime import timedelta

import pytest

from reasoning.ticket_times import times_in
from tests.reasoning.tickets import WRITTEN

HOURS = {
    "Es fing vor etwa drei Stunden an": 3,
    "Das geht seit gut 5 Stunden so": 5,
    "in den letzten 4 Stunden": 4,
    "Pasa desde hace unas 6 horas": 6,
    "Empezó hace dos días": 48,
    "en las últimas 3 horas": 3,
    "Ça a commencé il y a une heure": 1,
    "C'est ainsi depuis plus de 2 jours": 48,
    "ces 3 dernières heures": 3,
    "Começou há cerca de 7 horas": 7,
    "faz 2 semanas": 14 * 24,
    "nas últimas 12 horas": 12,
    "È iniziato circa 9 ore fa": 9,
    "Succede da quasi tre giorni": 72,
    "negli ultimi 2 giorni": 48,
    "Het begon ongeveer 4 uur geleden": 4,
    "al minstens 2 dagen": 48,
    "de afgelopen 6 uur": 6,
    "Zaczęło się jakieś 8 godzin temu": 8,
    "od 2 dni": 48,
    "w ciągu ostatnich 5 godzin": 5,
    "Yaklaşık 10 saat önce başladı": 10,
    "3 gündür böyle": 72,
    "son 2 saattir": 2,
    "3時間ほど前から": 3,
    "約30分前に始まりました": 0.5,
    "二日前から": 48,
    "seit Tagen": 4 * 24,
    "hace varios días": 4 * 24,
    "depuis des heures": 4,
    "há dias": 4 * 24,
    "da giorni": 4 * 24,
    "al dagen": 4 * 24,
    "od kilku dni": 4 * 24,
    "günlerdir": 4 * 24,
    "数日前から": 4 * 24,
}
"""Text to hours before the time of writing; some days are taken for four, as `several` is in English."""


@pytest.mark.parametrize(("text", "hours"), HOURS.items())
def test_a_span_is_read_in_each_language(text: str, hours: float) -> None:
    assert min(times_in(text, WRITTEN)) == WRITTEN - timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    [
        "Seit gestern ist das so",
        "desde ayer",
        "depuis hier",
        "desde ontem",
        "da ieri",
        "sinds gisteren",
        "od wczoraj",
        "dünden beri",
        "昨日から",
    ],
)
def test_yesterday_is_read_in_each_language(text: str) -> None:
    assert times_in(text, WRITTEN) == times_in("since yesterday", WRITTEN)


@pytest.mark.parametrize(
    "text",
    [
        "seit Montag",
        "desde el lunes",
        "depuis lundi",
        "desde segunda",
        "da lunedì",
        "sinds maandag",
        "od poniedziałku",
        "月曜日から",
    ],
)
def test_a_weekday_is_read_in_each_language(text: str) -> None:
    assert times_in(text, WRITTEN) == times_in("since Monday", WRITTEN)


@pytest.mark.parametrize(
    ("text", "clock"), [("gestern um 14:30", "14:30 yesterday"), ("ayer a las 09:15", "09:15 yesterday")]
)
def test_a_day_word_names_the_day_of_a_clock_time(text: str, clock: str) -> None:
    assert times_in(text, WRITTEN) == times_in(clock, WRITTEN)


@pytest.mark.parametrize(
    "text",
    [
        "Jeder Aufruf dauert 3 Minuten",
        "Hier ist alles beim Alten",
        "Bitte heute noch prüfen",
        "toutes les 2 heures",
        "son 3 horas de trabajo",
        "na segunda vez",
        "tre volte al giorno",
        "every 10 min once",
        "100 requests par heure",
        "Esta mañana no, mañana sí"[17:],
        "30分かかります",
        "1日3回",
        "on the dag of days",
    ],
)
def test_a_span_that_tells_no_beginning_is_no_time(text: str) -> None:
    assert times_in(text, WRITTEN) == ()
