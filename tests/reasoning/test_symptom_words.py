"""Symptoms as they are told in the languages of support tickets, and sentences that only sound like them."""

import pytest

from reasoning.plain_text import plain
from reasoning.symptom_words import SYMPTOM_WORDS
from reasoning.symptoms import SYMPTOMS, says_still, symptoms_in

TOLD = {
    "slow": (
        "Die Schnittstelle ist seit dem Wochenende extrem langsam",
        "Jeder Abruf dauert über 20 Sekunden",
        "Las consultas tardan demasiado en volver",
        "Notamos mucha lentitud al exportar",
        "Chaque appel met 15 secondes à revenir",
        "Les temps de réponse ont explosé",
        "A consulta demora muito mais do que antes",
        "Tudo muito devagar por aqui",
        "Ogni chiamata impiega 30 secondi",
        "Il servizio è lentissimo, rallentamenti continui",
        "Elk verzoek duurt nu een eeuwigheid",
        "De koppeling is erg traag",
        "Odpowiedzi przychodzą bardzo wolno",
        "Jedno zapytanie trwa 12 sekund",
        "İstekler çok uzun sürüyor",
        "API yavaşladı",
        "レスポンスがとても遅いです",
        "一覧の取得に時間がかかるようになりました",
    ),
    "timeouts": (
        "Es kommt zur Zeitüberschreitung",
        "Se agota el tiempo de espera",
        "Délai d'attente dépassé sur chaque appel",
        "O servidor não responde",
        "Il server non risponde",
        "De server reageert niet",
        "Przekroczono limit czasu",
        "İstek zaman aşımına uğruyor",
        "タイムアウトになります",
    ),
    "rate-limited": (
        "Wir werden gedrosselt",
        "Dice que hay demasiadas solicitudes",
        "Trop de requêtes, nous dit la réponse",
        "Recebemos o aviso de limite de requisições",
        "Troppe richieste, dice la risposta",
        "Te veel verzoeken, zegt het antwoord",
        "Zbyt wiele żądań",
        "Çok fazla istek uyarısı alıyoruz",
        "レート制限にかかりました",
    ),
    "quota-exceeded": (
        "Unser Kontingent ist aufgebraucht",
        "Hemos agotado la cuota",
        "La limite mensuelle est atteinte",
        "Passamos do limite mensal",
        "Abbiamo superato il limite mensile",
        "Onze maandlimiet is bereikt",
        "Wyczerpaliśmy limit miesięczny",
        "Kotamız doldu",
        "今月のクォータを使い切りました",
    ),
    "server-errors": (
        "Immer nur interner Serverfehler",
        "Nos sale error interno del servidor",
        "Erreur interne du serveur",
        "Erro interno do servidor",
        "Errore interno del server",
        "Interne serverfout",
        "Wewnętrzny błąd serwera",
        "Sunucu hatası alıyoruz",
        "サーバーエラーが出ます",
        "Ist Ihre API ist down?",
        "¿Están caídos?",
        "Votre service est en panne ?",
        "A API está fora do ar",
        "L'API è irraggiungibile",
        "De API ligt plat",
    ),
    "unauthorized": (
        "Unser Schlüssel wird abgelehnt",
        "Nuestra clave ya no funciona",
        "La clé a expiré",
        "A chave foi revogada",
        "La chiave non è più valida",
        "Onze sleutel is verlopen",
        "Klucz wygasł",
        "Anahtarımız geçersiz görünüyor",
        "APIキーが無効と言われます",
        "認証に失敗します",
    ),
    "forbidden": (
        "Zugriff wird verweigert",
        "Acceso denegado en los informes",
        "Accès refusé",
        "Acesso negado",
        "Accesso negato",
        "Geen toegang tot de rapporten",
        "Odmowa dostępu",
        "Erişim engellendi",
        "アクセスが拒否されました",
    ),
    "payment-required": (
        "Unser Konto wurde gesperrt",
        "Nos dicen que la cuenta está suspendida",
        "Le compte est suspendu",
        "A conta foi bloqueada",
        "Il conto risulta sospeso",
        "Ons account is geblokkeerd",
        "Konto zostało zablokowane",
        "Hesabımız askıya alındı",
        "アカウントが停止されました",
    ),
    "bad-request": (
        "Die Datei ist zu groß",
        "El archivo es demasiado grande",
        "Le fichier est trop volumineux",
        "Erro de validação",
        "Il file è troppo grande",
        "Het bestand is te groot",
        "Plik jest za duży",
        "Geçersiz istek",
        "ファイルが大きすぎると言われます",
    ),
    "errors": (
        "Bei uns geht gar nichts",
        "Das Hochladen schlägt seit heute fehl",
        "No funciona nada",
        "Ça ne marche plus",
        "Nada funciona, só falhas",
        "Non funziona niente",
        "De export werkt niet meer",
        "Nic nie działa",
        "Hiçbir şey çalışmıyor",
        "何も動きません",
    ),
    "charged-twice": (
        "Uns wurde doppelt abgebucht",
        "Nos han cobrado dos veces",
        "Nous avons été prélevés deux fois",
        "Fomos cobrados em dobro",
        "Ci avete addebitato due volte",
        "Er is dubbel afgeschreven",
        "Pobrano opłatę dwukrotnie, podwójnie obciążono kartę",
        "İki kez ödeme alındı",
        "二重請求されています",
    ),
    "invoice-too-high": (
        "Die Rechnung vom Mai ist viel zu hoch",
        "La factura de mayo no coincide con lo nuestro",
        "La facture de mai est trop élevée",
        "A fatura de maio está errada",
        "La fattura di maggio è sbagliata",
        "De factuur van mei klopt niet",
        "Faktura za maj jest zawyżona",
        "Mayıs faturası çok yüksek",
        "5月の請求が高すぎます",
    ),
    "payment-failed": (
        "Die Lastschrift ist fehlgeschlagen",
        "El pago fue rechazado",
        "Le paiement a échoué",
        "O pagamento foi recusado",
        "Il pagamento è stato rifiutato",
        "De betaling is mislukt",
        "Płatność została odrzucona",
        "Ödeme başarısız oldu",
        "カード決済に失敗しました",
    ),
    "refund": (
        "Bitte um Rückerstattung",
        "Pedimos el reembolso",
        "Nous demandons un remboursement",
        "Queremos o estorno",
        "Chiediamo il rimborso",
        "Graag terugbetaling",
        "Prosimy o zwrot pieniędzy",
        "Para iadesi istiyoruz",
        "返金をお願いします",
    ),
    "webhook-missing": (
        "Seit gestern kommen keine Webhooks mehr an",
        "Ereignisse treffen bei uns verspätet ein",
        "Los webhooks no llegan",
        "Faltan eventos de pago",
        "Nous ne recevons plus aucun webhook",
        "Os webhooks pararam de chegar",
        "Non arriva nessun evento",
        "Er komen geen webhooks binnen",
        "Webhooki nie przychodzą od rana",
        "Webhook'lar gelmiyor",
        "Webhookが届いていません",
        "invoice.paid is not arriving at hooks.acme.example",
        "order.created est en retard",
        "payment.settled kommt nicht an",
    ),
    "webhook-failing": (
        "Die Webhooks scheitern an der Signatur",
        "Los webhooks fallan",
        "Les webhooks échouent",
        "Os webhooks falham",
        "I webhook falliscono",
        "Webhooks mislukken",
        "Webhooki kończą się błędem",
        "Webhook imzaları hatalı",
        "Webhookの署名が一致しません",
    ),
    "missing-data": (
        "Es fehlen Daten: fehlende Einträge im Bericht",
        "Faltan registros",
        "Il manque des données",
        "Faltam dados no relatório",
        "Mancano dati nel report",
        "Er zijn ontbrekende gegevens",
        "Brakuje nam rekordów, brakujące dane",
        "Raporda eksik veriler var",
        "データが欠けています",
    ),
}
HARMLESS = (
    ("Wie lange dauert die Umstellung noch?", ("slow",)),
    ("Das dauert seit 30 Minuten an", ("slow",)),
    ("Wir haben an den Webhooks nichts geändert", ("webhook-missing", "webhook-failing")),
    ("Ihre Doku ist fehlerfrei", ("errors",)),
    ("Ich trage die Adresse ein", ("slow",)),
    ("Wir sind ein Unternehmen mit Kreditkarte", ("payment-failed", "payment-required")),
    ("¿Hemos llegado a algún límite?", ("quota-exceeded", "rate-limited")),
    ("La cuota mensual es de 20 euros", ("quota-exceeded",)),
    ("Puede pasar sin prisa", ("webhook-missing", "slow")),
    ("Avons-nous atteint une limite ?", ("quota-exceeded", "rate-limited")),
    ("Nous payons la facture chaque mois", ("charged-twice", "invoice-too-high", "payment-failed")),
    ("Il a une clé à la maison", ("unauthorized",)),
    ("Batemos em algum limite?", ("quota-exceeded", "rate-limited")),
    ("A chave chegou hoje", ("unauthorized",)),
    ("Abbiamo raggiunto qualche limite?", ("quota-exceeded", "rate-limited")),
    ("La fattura è arrivata", ("invoice-too-high", "webhook-missing")),
    ("Dit duurt al 30 minuten", ("slow",)),
    ("Zitten we aan een limiet?", ("quota-exceeded", "rate-limited")),
    ("Nie wolno nam tego używać", ("slow",)),
    ("Trwa to od 30 minut", ("slow",)),
    ("Hatay şubemizden yazıyorum", ("errors",)),
    ("Bir sınıra mı takıldık?", ("quota-exceeded", "rate-limited")),
    ("返信が遅くなり申し訳ありません", ("slow",)),
    ("重複のご連絡失礼します", ("slow", "charged-twice")),
    ("上限に達したのでしょうか", ("quota-exceeded", "rate-limited")),
    ("See app.py and docs.example.com, nothing else", ("webhook-missing",)),
    ("The bride wore white at the lake", ("rate-limited", "slow")),
    ("Our hotel in Casa Lenta", ()),
)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in TOLD.items() for text in texts])
def test_a_symptom_is_read_in_each_language(name: str, text: str) -> None:
    assert name in symptoms_in(text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in TOLD.items() for text in texts])
def test_a_symptom_is_read_without_accents_and_in_capitals(name: str, text: str) -> None:
    assert name in symptoms_in(plain(text))
    assert name in symptoms_in(plain(text.upper()))


@pytest.mark.parametrize(("text", "never"), HARMLESS)
def test_what_only_sounds_like_a_symptom_is_none(text: str, never: tuple[str, ...]) -> None:
    assert not {*never} & {*symptoms_in(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Es ist immer noch so",
        "El problema persiste, seguimos igual",
        "C'est toujours en panne",
        "O problema persiste",
        "Il problema persiste",
        "Het gebeurt nog steeds",
        "Nadal to samo",
        "Sorun hâlâ devam ediyor",
        "まだ直っていません",
    ],
)
def test_trouble_that_goes_on_is_read_in_each_language(text: str) -> None:
    assert says_still(text)


@pytest.mark.parametrize(
    "text",
    [
        "Danke, jetzt läuft es wieder",
        "Gracias, ya está resuelto",
        "Merci, c'est réglé",
        "Obrigado, já funciona",
        "Grazie, risolto",
        "Bedankt, het werkt weer",
        "Dziękuję, już działa",
        "Teşekkürler, düzeldi",
        "ありがとうございます。直りました",
    ],
)
def test_thanks_for_a_mending_are_no_return_of_the_trouble(text: str) -> None:
    assert not says_still(text)


def test_every_symptom_has_words_of_nine_languages() -> None:
    near = {"webhook-missing", "webhook-failing"}
    assert SYMPTOM_WORDS.keys() == SYMPTOMS.keys() - near
    assert {len(words) for words in SYMPTOM_WORDS.values()} == {9}
