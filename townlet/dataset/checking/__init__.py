"""How verify, diff and gc look at what lies in a store."""
