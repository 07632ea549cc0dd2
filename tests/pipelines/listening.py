"""At which addresses processes listen, as the system says it."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path

LISTENING = "0A"  # a state, in the system's table


def listening(*processes: int) -> set[str]:
    """The addresses, without ports, at which these processes take TCP connections: `127.0.0.1`, `::`."""
    found = set()
    for process in processes:
        mine = _sockets(process)
        for table in ("tcp", "tcp6"):
            for line in _lines(Path(f"/proc/{process}/net/{table}")):
                words = line.split()
                if words[3] == LISTENING and words[9] in mine:
                    found.add(_address(words[1].partition(":")[0]))
    return found


def sockets(*processes: int) -> set[str]:
    """The paths of the Unix sockets that these processes have."""
    found = set()
    for process in processes:
        mine = _sockets(process)
        for line in _lines(Path(f"/proc/{process}/net/unix")):
            words = line.split()
            if len(words) > 7 and words[6] in mine:
                found.add(words[7])
    return found


def is_here_alone(address: str) -> bool:
    return address == "::1" or address.startswith(("127.", "::ffff:127."))


def _sockets(process: int) -> set[str]:
    """The numbers of its sockets."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(entry).removeprefix("socket:[").removesuffix("]"))
    return found


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text().splitlines()[1:]
    return []


def _address(text: str) -> str:
    """Of hexadecimal words in this machine's order."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return socket.inet_ntop(
        socket.AF_INET if len(words) == 1 else socket.AF_INET6, struct.pack(f"={len(words)}I", *words)
    )
