"""Status codes that a text names in words of many languages, or beside a route or a code of the API."""

import re

from reasoning.plain_text import plain

_CODE = r"(4(?:0[0-9]|1[0-7]|2[1-9]|31|51)|5(?:0[0-8]|11))"
"""Codes that are assigned: 480 or 555 is some other number."""
_ALONE = r"(?<![A-Za-z0-9_$€£#.,:/-])"
_COUNTED = (
    r"(?![A-Za-z0-9_]|[.,]\d|\s*(?:%|(?:ms|s|sec\w*|sek\w*|seg\w*|min\w*|usd|eur|euro\w*|dollar\w*|gb|mb|kb|requests|calls"
    r"|items|rows|times|mal)(?![a-z])))"
)
_END = (
    r"(?=\s*(?:$|[.,;:!?)(\n]|fehl(?!\w)|ab(?!\w)|zuruck|beantwortet|abgewiesen|abgelehnt"
    r"|auf |bei |an |sur |a |en |em |su |op |aan |na "
    r"|pour |para |per |für |fur |voor |dla |si |se |als |come |como |comme ))"
)
"""What follows a code and would not follow a number of things: `antwortet mit 500.`, not `mit 500 Kunden`."""
_BESIDE_CODE = re.compile(
    rf"{_ALONE}{_CODE}\s*[(:\"'-]?\s*(?:[A-Z][A-Z0-9]*-[A-Z0-9][A-Z0-9_-]*|X-[A-Za-z]\w+|[A-Z][A-Za-z0-9]*_\w+"
    r"|[a-z]{3,}(?:[A-Z][a-z0-9]+)+)(?!\w)"
)
"""As answers print it: `500 E_INTERNAL`, `400 X-invalidInput`, `400 invalidInput`."""
_BEFORE_ROUTE = re.compile(rf"{_ALONE}{_CODE}{_COUNTED}(?:\s+\w{{1,7}}){{0,2}}\s+/v\d", re.IGNORECASE)
_AFTER_ROUTE = re.compile(
    rf"/v\d{{1,2}}/\S{{1,2000}}+(?:\s+\w{{1,12}}){{0,3}}\s+{_CODE}{_COUNTED}{_END}", re.IGNORECASE
)
_NOUN = (
    r"http|status|statuscode|statut|stato|kod\w*|code|codice|codigo|fehler|fehlercode|error|errores|erreur|erreurs|errore|errori|erro"
    r"|erros|fout|fouten|foutcode|foutmelding|blad|bledy|bledem|hata|hatasi|durum kodu|エラー|ステータス|コード"
)
_NAMED = re.compile(rf"(?<![a-z])(?:{_NOUN})\s*[:=(\"']?\s*{_CODE}{_COUNTED}")
_NAMED_AFTER = re.compile(
    rf"{_ALONE}{_CODE}\s*[-)]?\s*(?:fehler|errores|erreurs?|error[ei]|erros?|fout(?:en)?|blad|bled\w+|hata\w*|エラー|が返|になり|になる|が出|が発生|を返|で失敗)"
)
_ANSWER = (
    r"gibt|geben|liefert|liefern|bekommen|bekommt|erhalten|erhalt|sehen|mit|renvoi\w*|retourn\w+|repond\w*|recev\w+|recoit|avec|des"
    r"|devuelv\w+|devolv\w+|responde\w*|recib\w+|con|da|dan|retorna\w*|devolve\w*|receb\w+|com|dando|restitui\w+|rispond\w+|ricev\w+"
    r"|geeft|geven|krijgen|krijgt|met|zwraca\w*|dostaj\w+|otrzymuj\w+|z|daje|surekli|hep|bize"
)
_ANSWERED = re.compile(rf"(?<!\w)(?:{_ANSWER})\s+(?:\w{{1,9}}\s+)?[\"'(]?{_CODE}{_COUNTED}{_END}")
_ENGLISH = re.compile(
    rf"(?<!\w)(?:had|saw|gave|got|was|were)\s+(?:a\s+|an\s+|only\s+|just\s+)?{_CODE}s?{_COUNTED}(?=\s*(?:$|[.,;:!?)(\n]|(?:for|on|until|till|since|and"
    r"|then|with|from|at|all|again|from|over|during)(?!\w)))"
)
_TURKISH = re.compile(rf"{_ALONE}{_CODE}['’]?\w{{0,4}}\s+(?:don|ver|ali|gel|hata)\w+")


def codes_beside(text: str) -> list[int]:
    """Return the codes of a text in an order of no meaning; a number of things (`500 Kunden`) is none."""
    flat = plain(text)
    found = [pattern.findall(text) for pattern in (_BESIDE_CODE, _BEFORE_ROUTE, _AFTER_ROUTE)]
    found += [pattern.findall(flat) for pattern in (_NAMED, _NAMED_AFTER, _ANSWERED, _ENGLISH, _TURKISH)]
    return [int(code) for codes in found for code in codes]
