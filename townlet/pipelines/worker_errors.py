"""What a worker says that cannot do its work where it is: another version of Townlet, or an output that is not shared.

No Beam here: these are plain exceptions, which the steps raise.
"""

from __future__ import annotations

import socket

from townlet.errors import OutputError, UserError

NOT_SHARED = (
    "{output}: the worker on {host} does not see this folder as the launcher does; workers on other machines "
    "need an output that all of them share: a shared folder, at the same path everywhere, or an object store"
)


def not_shared(output: str) -> OutputError:
    """For a worker that does not find the launcher's folder."""
    return OutputError(NOT_SHARED.format(output=output, host=socket.gethostname()))


def other_version(launcher: str, worker: str) -> UserError:
    """For a worker that would play by other rules, under the same fingerprints."""
    return UserError(
        f"the worker on {socket.gethostname()} has Townlet {worker}, the launcher {launcher}; install the same"
    )
