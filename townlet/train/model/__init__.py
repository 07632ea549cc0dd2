"""The network that is trained: as torch has it, and as a model file."""
