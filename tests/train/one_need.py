"""A small town with one need, in which a policy that does anything at all does not eat enough."""

from __future__ import annotations

TOWN = """\
config_id: one_need
actions: {mask: guided}
features: {systems: {observations: compact}}
observations: {compact: {map_window: 3}}
rewards: {needs_form: centred, decay_rates: {hunger: 0.005, hygiene: 0.0, energy: 0.0}}
world: {grid_size: [8, 4]}
scenario:
  ticks: 240
  starts: {needs: {hunger: [0.3, 1.0]}, positions: anywhere}
  objects:
    - {id: fridge_1, type: fridge, position: [7, 3], stock: {meals: 500}}
    - {id: bed_1, type: bed, position: [0, 0]}
    - {id: bed_2, type: bed, position: [0, 3]}
    - {id: bench_1, type: bench, position: [1, 1]}
  agents:
    - {id: ann, position: [1, 2], wallet: 500.0}
    - {id: ben, position: [3, 2], wallet: 500.0}
"""
