"""A capture played again, tick by tick: what was, what was done, and what came of it."""
