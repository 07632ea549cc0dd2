"""What can go wrong, by whose hand: a user's mistake is one clear message, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass, field


class TownletError(Exception):
    """Anything that Townlet says on purpose. `exit_code` is the command line's."""

    exit_code = 1


class UserError(TownletError):
    """A mistake in what the user gave: an option, a path, a config. The message stands alone."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a config file."""

    file: str
    line: int  # 1-based; 0 = the file as a whole
    column: int  # 1-based; 0 = the line as a whole
    path: str  # scenario.agents[2].position
    message: str  # expected ..., got ...; what to do

    def __str__(self) -> str:
        where = self.file if not self.line else f"{self.file}:{self.line}"
        if self.line and self.column:
            where += f":{self.column}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


@dataclass
class ConfigError(UserError):
    """All problems of a config file at once."""

    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class OutputError(UserError):
    """The output folder cannot be used as asked: it holds something else, is locked, or is not writable."""


class CorruptSampleError(TownletError):
    """A stored file is not what its manifest says, or cannot be read. The message names the file."""
