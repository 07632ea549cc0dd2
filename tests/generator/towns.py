"""The text of a small config; `%s` stands for more keys of alice."""

from __future__ import annotations

TOWN = """
config_id: tiny
world:
  map: |
    #######
    #..#..#
    #..#..#
    #######
jobs: {clerk: {start_tick: 10, end_tick: 20, wage_rate: 0.1, location: [1, 1]}}
scenario:
  objects:
    - {id: fridge, type: fridge, position: [2, 2], stock: {meals: 9}}
    - {id: stove, type: stove, position: [1, 2]}
  agents:
    - {id: alice, position: [1, 1], job: clerk%s}
    - {id: bob, position: [4, 1]}
"""
