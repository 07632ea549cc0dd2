"""JSON as the events of YAML's parsers, so that one tree is built from both.

YAML 1.2 says that JSON is YAML; its parsers differ: they fold lines inside strings (at U+2028 as well) and refuse
characters and pairs of escapes that JSON allows. So what is JSON is read as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

TOKEN = re.compile(r'([ \t\n\r]*)(?:([][{}])|"([^"\\]*(?:\\.[^"\\]*)*)"|[:,]|([^][{}:,"\s]+))', re.DOTALL)


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or list. False for one that is nested deeper than Python's reader goes."""
    if text.lstrip(" \t\n\r")[:1] not in ("{", "["):
        return False
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return False
    return True


def events_of(text: str) -> Iterator[yaml.Event]:
    """The events of a text for which `is_json` holds. Halves of characters that have no other half stay as they are."""
    line = start_of_line = 0
    for found in TOKEN.finditer(text):
        blanks, bracket, string, plain = found.groups()
        if "\n" in blanks:
            line += blanks.count("\n")
            start_of_line = found.start() + blanks.rindex("\n") + 1
        index = found.start() + len(blanks)
        start = yaml.Mark("", index, line, index - start_of_line, None, 0)
        end = yaml.Mark("", found.end(), line, found.end() - start_of_line, None, 0)
        if bracket == "{":
            yield yaml.MappingStartEvent(None, None, True, start, end, True)
        elif bracket == "[":
            yield yaml.SequenceStartEvent(None, None, True, start, end, True)
        elif bracket:
            yield (yaml.MappingEndEvent if bracket == "}" else yaml.SequenceEndEvent)(start, end)
        elif string is not None:
            value = json.loads(f'"{string}"') if "\\" in string else string
            yield yaml.ScalarEvent(None, None, (False, True), value, start, end, '"')
        elif plain is not None:
            yield yaml.ScalarEvent(None, None, (True, False), plain, start, end, "")
