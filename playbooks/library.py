"""Reads playbooks from folders, checks every reference, and names all mistakes at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from models.base import digest_of, to_body
from models.playbook import Playbook
from playbooks.checks import check_playbook
from playbooks.shape import shape_problems
from playbooks.yaml_source import Field, Problem, read_yaml

FIXTURES = "fixtures"


class PlaybookError(Exception):
    """All mistakes of a load, one line each: file, line, field, what to do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems in the order of files and lines."""
        self.problems = tuple(
            sorted(
                problems, key=lambda problem: (str(problem.path), problem.line, problem.field and str(problem.field))
            )
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class LoadedPlaybook:
    """A playbook that holds together."""

    playbook: Playbook
    digest: str
    """Of its body, as the ledger stores it."""
    path: Path


class Library:
    """Playbooks by id, version and digest."""

    def __init__(self, loaded: Sequence[LoadedPlaybook]) -> None:
        """Take playbooks that were checked; `load` is the way to get them."""
        self._loaded = tuple(sorted(loaded, key=lambda item: (item.playbook.id, item.playbook.version)))

    @classmethod
    def load(cls, dirs: Sequence[Path], *, alone: bool = True, newest: bool = False) -> "Library":
        """Read `<dir>/<id>/<version>.yaml` of all folders.

        A later folder may bring a higher version of the same id, which then is the newest.

        Args:
            dirs: The folders.
            alone: Nothing stands beside these playbooks, so that one of them must be the fallback. A team's own folder stands
                beside the shipped ones, and needs none.
            newest: Read only the file with the highest number of each playbook. What is wrong in older ones is not told.

        Raises:
            PlaybookError: names every mistake in every file.
        """
        problems: list[Problem] = []
        loaded: dict[tuple[str, int], LoadedPlaybook] = {}
        for folder in dirs:
            found = sorted(folder.glob("*/*.yaml"))
            found = _newest(found) if newest else found
            if not found:
                problems.append(Problem(folder, (), 1, "no playbook is here; expected <id>/<version>.yaml"))
            for path in found:
                result = _read(path)
                if isinstance(result, list):
                    problems.extend(result)
                    continue
                key = (result.playbook.id, result.playbook.version)
                if key in loaded:
                    problems.append(
                        _at(path, ("version",), f"{loaded[key].path} has this id and version too; raise the version")
                    )
                loaded[key] = result
        library = cls(list(loaded.values()))
        problems.extend(library._fallback_problems(dirs, alone) if not problems else ())
        if problems:
            raise PlaybookError(problems)
        return library

    def get(self, playbook_id: str, version: int | None = None) -> LoadedPlaybook:
        """Return a playbook, the newest version unless one is named.

        Raises:
            LookupError: names those there are.
        """
        found = [
            item
            for item in self._loaded
            if item.playbook.id == playbook_id and version in (None, item.playbook.version)
        ]
        if not found:
            known = ", ".join(f"{item.playbook.id}@{item.playbook.version}" for item in self._loaded)
            wanted = playbook_id if version is None else f"{playbook_id}@{version}"
            raise LookupError(f"no playbook {wanted!r}; there are {known}")
        return found[-1]

    def by_digest(self, digest: str) -> LoadedPlaybook | None:
        """Return the playbook of that digest."""
        return next((item for item in self._loaded if item.digest == digest), None)

    def all(self) -> tuple[LoadedPlaybook, ...]:
        """Return all versions of all playbooks, by id and version."""
        return self._loaded

    def newest(self) -> tuple[LoadedPlaybook, ...]:
        """Return the newest version of each playbook, by id."""
        return tuple({item.playbook.id: item for item in self._loaded}.values())

    def lock(self) -> dict[str, str]:
        """Return `id@version` to digest, as playbooks/lock.json keeps it."""
        return {f"{item.playbook.id}@{item.playbook.version}": item.digest for item in self._loaded}

    def _fallback_problems(self, dirs: Sequence[Path], alone: bool) -> Iterator[Problem]:
        fallbacks = [item for item in self.newest() if item.playbook.applies_when.fallback]
        if not fallbacks and alone:
            yield Problem(dirs[0], (), 1, "no playbook is the fallback; set applies_when.fallback: true on one")
        for item in fallbacks[1:]:
            message = f"{fallbacks[0].playbook.id} is the fallback already; exactly one is: remove this line"
            yield _at(item.path, ("applies_when", "fallback"), message)


def read_playbook(path: Path) -> LoadedPlaybook:
    """Read one playbook, wherever its file lies and whatever its name: a draft that is tried out before it is released.

    Raises:
        PlaybookError: names every mistake in it.
    """
    result = _read(path, placed=False)
    if isinstance(result, list):
        raise PlaybookError(result)
    return result


def _newest(paths: Sequence[Path]) -> list[Path]:
    """Keep of files that are named by their version the last; those that are not are to be complained about."""
    last: dict[Path, Path] = {}
    for path in sorted((path for path in paths if path.stem.isdecimal()), key=lambda path: int(path.stem)):
        last[path.parent] = path
    return [path for path in paths if not path.stem.isdecimal() or path == last[path.parent]]


def _at(path: Path, field: Field, message: str) -> Problem:
    """Point into a file that was read before."""
    source = read_yaml(path)
    return source if isinstance(source, Problem) else source.problem(field, message)


def _read(path: Path, *, placed: bool = True) -> LoadedPlaybook | list[Problem]:
    source = read_yaml(path)
    if isinstance(source, Problem):
        return [source]
    try:
        playbook = Playbook.model_validate(source.data)
    except ValidationError as error:
        return shape_problems(source, Playbook, error)
    problems = [source.problem(field, message) for field, message in check_playbook(playbook)]
    if placed and (path.parent.name, path.stem) != (playbook.id, str(playbook.version)):
        problems.append(
            source.problem(("id",), f"the file must be {playbook.id}/{playbook.version}.yaml, as id and version say")
        )
    return problems or LoadedPlaybook(playbook, digest_of(to_body(playbook)), path)
