"""What can go wrong, by whose hand: a user's mistake is one clear message, never a traceback."""

from __future__ import annotations

from dataclasses import dataclass, field


class TownletError(Exception):
    """Anything that Townlet says on purpose: a line, or several arguments, a line each.

    `exit_code` is the command line's.
    """

    exit_code = 1

    @property
    def lines(self) -> list[str]:
        """The message. What stands in a line, such as the name of a file, cannot begin another."""
        return [str(line) for line in self.args]

    def __str__(self) -> str:
        return "\n".join(self.lines)


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

    @property
    def lines(self) -> list[str]:
        return [str(problem) for problem in self.problems]

    def __str__(self) -> str:
        return "\n".join(self.lines)


class OutputError(UserError):
    """The output folder cannot be used as asked: it holds something else, is locked, or is not writable."""


class WrongArgument(UserError, TypeError):
    """What a program passed is not what a function takes; also a TypeError, as Python has it."""


class NoSuchName(UserError, KeyError):
    """A name that a mapping of ours does not have; also a KeyError, as Python's mappings have it."""


class NoSuchItem(UserError, IndexError):
    """An index beyond the end; also an IndexError, as Python's sequences have it."""


class CorruptSampleError(TownletError):
    """A stored file is not what its manifest says, or cannot be read. The message names the file."""
