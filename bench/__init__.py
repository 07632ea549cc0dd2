"""How fast, how much: `python -m bench`, or `make bench`. Nothing here asserts a time.

Each question of the table in `bench/command.py` is a module with one function, `answer`, that gives one table. What
is compared is measured in one run, in turns, so that whatever else the machine does falls on all sides.
"""
