"""The functions that guarded SQL may call, and what is known of each."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64")
_UNITS = ("Second", "Minute", "Hour", "Day", "Week", "Month", "Quarter", "Year")
SCALARS = _words(
    """
    now now64 today yesterday toDate toDate32 toDateTime toDateTime64 toTimeZone formatDateTime timeSlot dateDiff dateTrunc
    date_trunc dateAdd dateSub toMonday toYear toMonth toDayOfMonth toDayOfWeek toHour toMinute toSecond toYYYYMM toYYYYMMDD
    toUnixTimestamp toUnixTimestamp64Milli fromUnixTimestamp fromUnixTimestamp64Milli parseDateTimeBestEffort
    parseDateTimeBestEffortOrNull parseDateTime64BestEffort parseDateTime64BestEffortOrNull
    toStartOfInterval toStartOfFiveMinutes toStartOfTenMinutes toStartOfFifteenMinutes
    if multiIf ifNull nullIf coalesce isNull isNotNull assumeNotNull toNullable isNaN isFinite isInfinite ifNotFinite
    abs ceil floor round trunc sign sqrt exp log log2 log10 pow intDiv intDivOrZero modulo plus minus multiply divide negate
    greatest least equals notEquals less lessOrEquals greaterOrEquals and or not xor
    lower upper lowerUTF8 upperUTF8 length lengthUTF8 empty notEmpty substring substringUTF8 left right trim trimLeft trimRight
    concat position positionCaseInsensitive startsWith endsWith like notLike ilike match extract replaceOne replaceAll
    replaceRegexpOne replaceRegexpAll splitByChar splitByString domain domainWithoutWWW path cutQueryString hasToken
    countSubstrings reverse toString toBool JSONExtractString JSONExtractInt JSONExtractUInt JSONExtractFloat JSONExtractBool
    JSONHas simpleJSONExtractString simpleJSONExtractInt simpleJSONExtractUInt simpleJSONExtractFloat simpleJSONExtractBool
    array has hasAny hasAll indexOf arrayElement arrayMap arrayFilter arraySort arrayReverseSort arrayReverse arraySum arrayMin
    arrayMax arrayAvg arrayCount arrayExists arrayAll arrayFirst arrayDistinct arrayUniq arraySlice arrayConcat
    arrayStringConcat arrayDifference arrayCumSum tuple tupleElement map mapKeys mapValues mapContains transform
    """
).union(
    [f"to{number}{how}" for number in NUMBERS for how in ("", "OrNull", "OrZero")]
    + [f"{verb}{unit}s" for verb in ("add", "subtract") for unit in _UNITS]
    + [f"toStartOf{unit}" for unit in _UNITS]
    + [f"toInterval{unit}" for unit in _UNITS]
)
"""Scalar functions: a row in, a value out, no table, no file, no clock but the server's, no unbounded result."""

_QUANTILES = [
    f"{stem}{kind}"
    for stem in ("quantile", "quantiles", "median")
    for kind in ("", "Exact", "ExactLow", "ExactHigh", "Timing", "TDigest")
]
COUNTS = frozenset({"count"})
DISTINCTS = frozenset({"uniq", "uniqExact", "uniqCombined", "uniqCombined64", "uniqHLL12"})
MEASURES = frozenset(["sum", "avg", "min", "max", "stddevPop", "stddevSamp", "varPop", "varSamp", *_QUANTILES])
"""Aggregates that a fleet query may use beside counts; all of them blend many rows, or are an extreme of them."""
PICKS = _words(
    "any anyLast argMin argMax first_value last_value groupArray groupUniqArray topK corr covarPop entropy sumKahan"
)
"""Aggregates that can hand out one row's value: customer queries only."""
AGGREGATES = COUNTS | DISTINCTS | MEASURES | PICKS
COMBINATORS = ("OrNullIf", "IfOrNull", "OrDefault", "OrNull", "If")
WINDOW_ONLY = frozenset({"row_number", "rank", "dense_rank", "lag", "lead", "lagInFrame", "leadInFrame"})
_ANY_CASE = _words("count sum min max avg coalesce if lower upper round floor ceil abs length now nullIf ifNull")
_BY_LOWER = {name.lower(): name for name in _ANY_CASE}


def canonical_name(name: str) -> str | None:
    """Return a function's name as ClickHouse spells it; None for one that is not on the list."""
    name = _BY_LOWER.get(name.lower(), name)
    known = name in SCALARS or name in WINDOW_ONLY or base_aggregate(name) is not None
    return name if known else None


def base_aggregate(name: str) -> str | None:
    """Return the aggregate that a name stands for without its combinator (`countIf` is `count`); None if it is none."""
    if name in AGGREGATES:
        return name
    for combinator in COMBINATORS:
        stem = name.removesuffix(combinator)
        if stem != name and stem in AGGREGATES:
            return stem
    return None


def conditional(name: str) -> bool:
    """Whether an aggregate's last argument is a condition."""
    return base_aggregate(name) != name and "If" in name
