"""The config that `townlet new` writes where no other is named: small, and each part of it explained."""

STARTER = """\
config_id: starter  # the config's name in captures

# What an agent is rewarded for. `centred`: a tick in which all needs are met is worth about 0.5, and an empty need
# costs as much. Needs go down by these rates each tick; a tick is a minute.
rewards:
  needs_form: centred
  decay_rates: {hunger: 0.001, hygiene: 0.0008, energy: 0.0009}

# `extended` shows agents more of their town: queues, stock, the time of day.
observations:
  extended: true

# Nobody has to go to work. A job looks like this, and an agent takes it by `job: baker`:
#   baker: {start_tick: 120, end_tick: 360, wage_rate: 0.01, location: [2, 4]}
jobs: {}

# The town, seen from above: # is a wall, . is floor. The upper left tile is [0, 0]; x counts to the right, y down.
world:
  map: |
    ############
    #....#.....#
    #....#.....#
    #..........#
    #....#.....#
    ############

scenario:
  description: >-
    Ann and Ben share two rooms with a bed, a shower, a fridge and a stove. There are six meals in the fridge; when
    they are eaten, somebody has to cook.
  ticks: 480  # how long a capture is, unless --ticks says otherwise
  # What there is to use. `townlet list` shows what each type of object offers.
  objects:
    - {id: bed_1, type: bed, position: [1, 1]}
    - {id: shower_1, type: shower, position: [4, 1]}
    - {id: fridge_1, type: fridge, position: [7, 1], stock: {meals: 6}}
    - {id: stove_1, type: stove, position: [10, 1], stock: {raw_ingredients: 10}}
  # Who lives here, where they begin, how well they are (0 to 1), and their coins. Without a schedule an agent does
  # what its policy says: `needs` looks after hunger, hygiene and energy; --policy uniform tries anything.
  agents:
    - id: ann
      position: [3, 4]
      needs: {hunger: 0.5, hygiene: 0.8, energy: 0.9}
      wallet: 5.0
    - id: ben
      position: [8, 4]
      needs: {hunger: 0.4, hygiene: 0.6, energy: 0.7}
      wallet: 5.0
      # With a schedule it does this first, whatever its needs:
      # schedule:
      #   - {kind: move, position: [7, 2], until: arrived}
      #   - {kind: request, affordance: eat_meal, object: fridge_1}
      #   - {kind: start, affordance: eat_meal, object: fridge_1, until: finished}
"""
