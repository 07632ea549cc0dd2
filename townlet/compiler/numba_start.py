"""Whether Numba starts. Its variables of the environment are the user's, and with some values it does not."""

from __future__ import annotations

import functools
import os

from townlet.errors import UserError


@functools.cache
def import_numba() -> None:
    """Import Numba. Raises UserError that names its variables where one of them keeps it from starting."""
    try:
        import numba  # noqa: F401
    except ImportError:
        raise
    except Exception as error:
        given = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("NUMBA_")]
        if not given:
            raise
        raise UserError(
            f"{', '.join(given)}: Numba, which compiles the simulation, does not start with that ({error}); "
            f"unset {'it' if len(given) == 1 else 'them'}"
        ) from None
