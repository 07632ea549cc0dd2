"""What looking at a run takes."""
