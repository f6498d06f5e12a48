"""Answers that are no draft, or one of a strange shape. None of what they say may reach a note, and nothing may crash."""

import json

MARK = "PWNED-4711"
_GOOD = {"outcome": "diagnosed", "hypothesis": "regression", "next_step": "roll-back", "claims": []}


def _with(**changes: object) -> str:
    return json.dumps(_GOOD | changes)


def _claim(**changes: object) -> str:
    claim = {
        "predicate": "fact_is",
        "subject": "failed",
        "values": [{"name": "value", "value": MARK}],
        "evidence": ["E1"],
    }
    return _with(claims=[claim | changes])


_DEPTH = 20_000
MALFORMED: tuple[tuple[str, str], ...] = (
    ("plain text", f"{MARK}: I will not answer in JSON"),
    ("a bare string", json.dumps(MARK)),
    ("a list", json.dumps([MARK])),
    ("a number for a text", _with(next_step=4711, hypothesis=MARK)),
    ("an object for a text", _with(hypothesis={"id": MARK})),
    ("extra keys", _with(title=MARK, note=MARK, html=f"<b>{MARK}</b>", draft_reply=MARK, severity="low")),
    ("extra keys in a claim", _claim(sentence=MARK, kept=True, reworded=True, problem="")),
    ("keys twice", '{"outcome":"diagnosed","hypothesis":"' + MARK + '","hypothesis":"regression","claims":[]}'),
    ("deep nesting", '{"outcome":' + "[" * _DEPTH + f'"{MARK}"' + "]" * _DEPTH + "}"),
    ("deep nesting in an extra key", _with()[:-1] + ',"x":' + '{"a":' * _DEPTH + f'"{MARK}"' + "}" * _DEPTH + "}"),
    ("NaN", _with()[:-1] + f',"severity":NaN,"also":["{MARK}"]}}'),
    ("infinity", _with()[:-1] + f',"also":[Infinity,"{MARK}"]}}'),
    ("huge integer", _with()[:-1] + f',"also":[{"9" * 5000}],"hypothesis":"{MARK}"}}'),
    (
        "huge exponent as a value",
        _claim(values=[{"name": "value", "value": "1e999999999"}, {"name": MARK, "value": MARK}]),
    ),
    ("null bytes", _claim(values=[{"name": "value", "value": f"\x00{MARK}\x00"}], wording=f"\x00{MARK}")),
    ("null bytes in ids", _with(hypothesis=f"regression\x00{MARK}", also=[f"\x00{MARK}"])),
    ("lone surrogate", _with()[:-1] + f',"also":["\\ud800{MARK}"]}}'),
    ("unknown predicate", _claim(predicate="exec", wording=MARK)),
    ("unknown outcome", _with(outcome="refunded", hypothesis=MARK)),
    ("nothing", ""),
    ("cut", _claim(wording=MARK)[:-7]),
    ("fenced", f"```json\n{_with(hypothesis=MARK)}\n```"),
    ("two answers", _with(hypothesis=MARK) + _with()),
    ("null", _with(claims=None, also=[MARK])),
)
