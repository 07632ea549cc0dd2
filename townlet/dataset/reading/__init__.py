"""What `townlet.dataset.open` gives: the index as columns, selections, windows, joint runs, statistics, views."""
