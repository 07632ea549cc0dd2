"""The commands of `townlet`, one module each, imported when the command is typed."""
