"""What is measured, a file each: `answer(scale, place)` gives the rows of one table."""
