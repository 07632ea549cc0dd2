"""Splitting a data set so that nothing that is learnt from stands in what is validated with."""
