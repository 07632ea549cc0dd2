"""Behaviour cloning: from the captures of a policy to a network that does the same."""
