"""What the kernel says about a process: memory held, processor time taken. Linux only."""

import os
from pathlib import Path


def resident(process: int, status: Path | None = None) -> float:
    """Return the resident set of a process in MiB (Linux).

    Raises:
        ValueError: the kernel's page about the process has no such line.
    """
    page = (status or Path(f"/proc/{process}/status")).read_text()
    for line in page.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no VmRSS line about process {process!r}: it has ended, or this is not Linux")


def processor_seconds(process: int, stat: Path | None = None) -> float:
    """Return the processor time that a process has taken so far: what other work on the machine moves least."""
    # The program's name stands in parentheses and may hold spaces; after it come the state and, 12 further on, both times.
    fields = (stat or Path(f"/proc/{process}/stat")).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def child_of(process: int) -> int:
    """Return the one process that this one runs, such as the command at the end of a leash.

    Raises:
        ValueError: it runs none, or several.
    """
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    if len(children) != 1:
        raise ValueError(f"process {process!r} runs {len(children)} others, not one: has its command ended?")
    return int(children[0])
