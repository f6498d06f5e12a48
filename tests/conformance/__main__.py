"""Prints the conformance matrix: `python -m tests.conformance [source …]`; exit code 1 if anything is not as documented."""

import asyncio
import sys
from collections.abc import Iterable

from tests.conformance.frame import Case, Condition, Outcome, Subject, names, subjects
from tests.conformance.matrix import Verdict, look


async def _judge(among: Iterable[Subject]) -> list[tuple[Subject, Case, dict[Condition, Verdict]]]:
    return [
        (subject, case, {condition: await look(subject, case, condition) for condition in Condition})
        for subject in among
        for case in subject.cases
    ]


def _table(judged: list[tuple[Subject, Case, dict[Condition, Verdict]]]) -> list[str]:
    wide = max((len(subject.name_of(case)) for subject, case, _ in judged), default=0)
    lines = [" " * wide + "  " + "  ".join(condition.value for condition in Condition)]
    for subject, case, cells in judged:
        marks = [cells[condition].mark.ljust(len(condition)) for condition in Condition]
        lines.append(f"{subject.name_of(case):<{wide}}  " + "  ".join(marks).rstrip())
    return lines


def main(wanted: list[str]) -> int:
    """Judge the named sources, or all, and print."""
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        sys.stderr.write(f"there is no subject {unknown[0]!r}; there are {', '.join(sorted(names()))}\n")
        return 2
    judged = asyncio.run(_judge(subjects(*wanted)))
    lines = [*_table(judged), "", ", ".join(f"{one.value} {one.name.lower().replace('_', ' ')}" for one in Outcome), ""]
    reasons: dict[str, list[str]] = {}
    for subject, case, cells in judged:
        for condition, verdict in cells.items():
            if verdict.not_applicable:
                reasons.setdefault(verdict.not_applicable, []).append(f"{subject.name_of(case)} × {condition}")
    lines += [f"– {', '.join(where)}: {reason}" for reason, where in reasons.items()]
    problems = [verdict.problem for _, _, cells in judged for verdict in cells.values() if verdict.problem]
    lines += ["", *(f"✗ {problem}" for problem in problems)]
    count = sum(not verdict.not_applicable for _, _, cells in judged for verdict in cells.values())
    lines.append(f"{count - len(problems)} of {count} cells are as documented")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
