"""The Beam side of Townlet: how runs become samples on disk. No simulation lives here.

No Beam here: `import townlet.pipelines` loads none, and commands import the modules that do only for work.
"""

from __future__ import annotations

import logging


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Beam warns on the root logger, on import, that Google's clients are not installed: nobody asked."""
    return not record.getMessage().startswith("apitools not found")


logging.getLogger().addFilter(_is_worth_saying)
