"""The world is arrays, and this file is their glossary.

Axis letters:  A agent rows, O objects, K affordances, Y object types, Z object types and, after them, the sets of
several types that share an affordance, J jobs, E perturbation events, P places (tiles with a distance field), S
schedule entries, G tiles of the grid (H rows of W), N = 3 needs, D days of a week.

`World` is what changes, `Params` what does not. A copy of `World` is a snapshot: there is no third place for state.
House units: ticks, tiles, coins; needs and ties are fractions. Names stop at `townlet/generator/`: here are indices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from townlet.arrays import F32, F64, I16, I32, I64, U8, U16, Bool
from townlet.vocabulary import ACTION_KINDS, DIRECTIONS, NEEDS, POLICIES, SCRIPTED, STOCKS
from townlet.world.records import column_names, columns

# --- sentinels and codes ----------------------------------------------------------------------------------------
NOBODY = -1  # no agent
GONE = -2  # a chat's target that was named and no longer lives: the chat fails
NOTHING = -1  # no object, no affordance, no place, no job, no target
FAR = 65535  # a distance that walls make endless
NEVER = -1_000_000_000  # a tick long before the first

HUNGER, HYGIENE, ENERGY = range(len(NEEDS))
MEALS, INGREDIENTS = range(len(STOCKS))
POWER, WATER = 0, 1  # utilities

# kinds of action; the ids: wait, move + direction, release, chat, then 7 + 2k = request k, 8 + 2k = start k
WAIT, MOVE, RELEASE, CHAT, REQUEST, START = range(len(ACTION_KINDS))
ACTION_WAIT, ACTION_MOVE, ACTION_RELEASE, ACTION_CHAT, ACTION_FIRST_AFFORDANCE = 0, 1, 5, 6, 7
NORTH, SOUTH, EAST, WEST = range(
    len(DIRECTIONS)
)  # also the fixed order in which ties between directions are broken
STEP_X = (0, 0, 1, -1)
STEP_Y = (-1, 1, 0, 0)

PRE_SHIFT, ON_TIME, LATE, ABSENT, POST_SHIFT = 0, 1, 2, 3, 4  # shift states
STAYS, FAINTED, EVICTED = 0, 1, 2  # why an agent leaves at the end of this tick

PRICE_SPIKE, BLACKOUT, OUTAGE, ARRANGED_MEET = 0, 1, 2, 3  # kinds of event

# schedule entries: kind (the action kinds above) and how an entry ends
UNTIL_TICKS, UNTIL_ARRIVED, UNTIL_GRANTED, UNTIL_FINISHED = 0, 1, 2, 3

# Who decides for an agent without a schedule: the policy's index in POLICIES. That of `scripted`, which names nobody
# there, stands for whoever is outside: an object of the caller's, or the caller. Networks of a run stand far behind.
POLICY_OUTSIDE = POLICIES.index(SCRIPTED)
POLICY_NEEDS, POLICY_UNIFORM = POLICIES.index("needs"), POLICIES.index("uniform")
POLICY_IDLE, POLICY_NEEDS_EARLY = POLICIES.index("idle"), POLICIES.index("needs-early")
POLICY_FIRST_NETWORK = 1_000

TERMS = (
    "survival", "needs", "wages", "punctuality", "social", "lateness", "guardrail", "clip", "cap", "terminal",
    "shaping",
)  # fmt: skip
(SURVIVAL, NEED_TERM, WAGES, PUNCTUALITY, SOCIAL, LATENESS, GUARDRAIL, CLIP, CAP, TERMINAL,
 SHAPING) = range(11)  # fmt: skip

# The ledger: the first four bring coins, the others take them.
CHARGES = ("start", "wages", "earnings", "newcomers", "prices", "rent", "departed")
(COIN_START, COIN_WAGES, COIN_EARNINGS, COIN_NEWCOMERS, COIN_PRICES, COIN_RENT, COIN_DEPARTED) = range(7)

COUNTS = ("ghost_steps", "rotations", "blocks", "lapses", "grants", "chats", "good_chats", "shared_meals", "avoided",
          "faints", "evictions", "newcomers", "failed_starts", "finished", "restocks", "events")  # fmt: skip
(N_GHOST, N_ROTATION, N_BLOCK, N_LAPSE, N_GRANT, N_CHAT, N_GOOD_CHAT, N_SHARED, N_AVOIDED, N_FAINT, N_EVICTION,
 N_NEWCOMER, N_FAILED_START, N_FINISHED, N_RESTOCK, N_EVENT) = range(16)  # fmt: skip


# --- what changes -----------------------------------------------------------------------------------------------
class Clock(NamedTuple):
    tick: I64  # [1]  the tick about to be played (ticks since the world began)
    arrivals: I64  # [1]  arrival numbers given so far
    exits_today: I64  # [1]  evictions on the present day
    counts: I64  # [len(COUNTS)]  what has happened since the world began, by kind
    coins: F64  # [len(CHARGES)]  coins that appeared or disappeared since the world began, by name, all >= 0
    cooldown: I64  # [A, O]  first tick on which the agent may be granted the object again
    slot_freed: I64  # [slots]  the tick an embedding slot was given back; NEVER = never used


@columns
class Agents:
    """One row an agent. A departed agent's row waits for the newcomer who takes it over."""

    alive: Bool  # [A]
    arrival: I64  # [A]  arrival number (1, 2, ...) of who lives, or last lived, on this row; keys every draw
    born: I64  # [A]  first tick of this life
    x: U16  # [A]
    y: U16  # [A]
    need: F64  # [A, N]  satisfaction, 0 = empty, 1 = full
    wallet: F64  # [A]  coins
    faint_ticks: I64  # [A]  ticks in a row with a need at or below the threshold
    unpaid_days: I64  # [A]  days in a row on which the rent was not paid
    leaving: U8  # [A]  STAYS, FAINTED or EVICTED: set by lifecycle, cleared when the row is settled
    return_at: I64  # [A]  the tick at whose start a newcomer takes the row; NEVER = none is due
    slot: I64  # [A]  embedding slot
    personality: F64  # [A, 3]  extroversion, forgiveness, ambition, each in [-1, 1]; zeros unless switched on
    phi: F64  # [A]  the shaping potential at the end of the last tick (of the start state before the first)
    episode_sum: F64  # [A]  the episode's rewards so far that count toward clip_per_episode (positive ones)
    last_action: I64  # [A]  id of the last action; ACTION_WAIT at birth
    last_success: Bool  # [A]  whether it did what it says (False at birth)
    last_duration: I64  # [A]  ticks it takes: a started affordance's duration, else 1; 0 at birth
    blocked_moves: I64  # [A]  moves in a row that another agent blocked


@columns
class Queues:
    object: I64  # [A]  the object queued for (waiting or reserved); NOTHING
    affordance: I64  # [A]  what for; NOTHING
    since: I64  # [A]  tick of joining
    ticket: I64  # [A]  the object's ticket drawn at joining (or at a rotation)
    rotated: I64  # [A]  tick of the last rotation to the tail; NEVER
    blocked: Bool  # [A]  has been blocked since joining (then its waiting is not polite)
    reserved: I64  # [A]  the object reserved by this agent; NOTHING (then equal to `object`)
    deadline: I64  # [A]  last tick on which the reservation may be used
    cooling_until: I64  # [A]  the latest of them: at or after it, no cooldown runs


@columns
class Activity:
    """The affordance an agent is busy with, between its start and its last tick."""

    affordance: I64  # [A]  NOTHING = free
    object: I64  # [A]  NOTHING
    left: I64  # [A]  ticks left, the present one included
    started: I64  # [A]  tick of the start


@columns
class Objects:
    user: I64  # [O]  the agent whose affordance runs here; NOBODY
    holder: I64  # [O]  the agent with the reservation, not started; NOBODY
    next_ticket: I64  # [O]
    waiting: I64  # [O]  agents queued here without a reservation
    blocks: I64  # [O]  blocks since the present reservation was granted
    stock: I64  # [O, 2]  meals, raw ingredients
    last_user: I64  # [O]  who last finished or released here; NOBODY (cleared when that agent leaves)
    last_used: I64  # [O]  when


class Ties(NamedTuple):
    """Directed: [i, j] is what i feels toward j. Only rivalry moves while features.stages.relationships is OFF."""

    trust: F64  # [A, A]  in [-1, 1]
    familiarity: F64  # [A, A]  in [-1, 1]
    rivalry: F64  # [A, A]  in [0, 1]
    count: I64  # [A]  an upper bound of the ties of the row that are not zero (0 = the row is all zeros)
    identity: F32  # [A, d]  hashed identity by which others know an agent, in [-1, 1] (generator/start.py)
    chat_reward: I64  # [A, A]  when a chat of this pair was last rewarded (kept at [min, max]); NEVER
    meal_shared: I64  # [A, A]  the eating start ticks' later one that was last counted (at [min, max]); NEVER


@columns
class Employment:
    state: I64  # [A]  PRE_SHIFT .. POST_SHIFT
    on_roll: Bool  # [A]  was alive when the present shift began: only then is it counted
    arrived: Bool  # [A]  has been on site in the present shift
    on_site: Bool  # [A]  is on site, in a shift, now
    withheld: F64  # [A]  lateness penalties still to be taken off the wages that follow
    lateness: I64  # [A]  times late, in this life
    shifts: I64  # [A]  shifts counted so far
    window: I64  # [A]  employment.attendance_window, 1 to 14
    missed: Bool  # [A, 14]  ring of the last `window` shifts: was it missed
    absences: I64  # [A, D]  ring by day of the week of the last seven days: the day of an absence; NEVER
    dismissed: Bool  # [A]


class Events(NamedTuple):
    start_at: I64  # [E]  the tick at which the event begins today; NEVER = not today
    until: I64  # [E]  first tick on which it no longer holds (<= tick: not active)
    ready_at: I64  # [E]  its own cooldown is over
    duration: I64  # [E]  ticks; drawn when the event begins, so that of the present or latest one
    magnitude: F64  # [E]  likewise
    recent: I64  # [R]  start ticks of the latest events (ring)
    recent_next: I64  # [1]
    price: F64  # [K]  the factor on an affordance's price now
    price_level: F64  # [1]  the product of the active spikes' magnitudes
    utility: Bool  # [2]  power, water
    meet_place: I64  # [A]  the place an arranged meet nudges the agent to; NOTHING
    met_at: I64  # [A]  when the agent was last nudged; NEVER
    ready: Bool  # [K, O]  the object offers the affordance, is open and meets its stock and utility facts
    any_ready: Bool  # [K]  some object is
    stale: Bool  # [1]  utilities or stock changed: ready, any_ready and closed are to be computed again
    closed: Bool  # [O]  every affordance of the object's type needs a utility that is off


class Grid(NamedTuple):
    """Layers with a margin of `pad` tiles on each side, so that a window needs no clipping."""

    agents: F32  # [H + 2 pad, W + 2 pad]  agents on the tile
    reserved: F32  # [H + 2 pad, W + 2 pad]  1 where an object is reserved or in use


@columns
class ScheduleCursor:
    entry: I64  # [A]  the schedule entry being played (index into Schedule); NOTHING = no schedule
    ticks: I64  # [A]  ticks it has been played


@columns
class StepScratch:
    """What happened in this tick, written by one rule and read by later ones; cleared when the tick begins."""

    action: I64  # [A]  the chosen action's id; dead rows ACTION_WAIT
    kind: I64  # [A]  its kind
    affordance: I64  # [A]  of a request or start; NOTHING
    object: I64  # [A]  explicit object, NOTHING = choose one
    target: I64  # [A]  explicit chat target (row), NOBODY = choose one
    quality: F64  # [A]  of a chat
    success: Bool  # [A]
    duration: I64  # [A]
    block_object: I64  # [A]  the object at which the agent was blocked; NOTHING
    block_by: I64  # [A]  by whom (holder, user, or whoever is ahead); NOBODY
    block_waiting: I64  # [A]  others waiting there (neither of the two)
    block_rotated: Bool  # [A]  the block rotated the head of the queue to the tail
    ghost_through: I64  # [A]  the agent passed through by a ghost step; NOBODY
    polite_to: I64  # [A]  granted after an unblocked wait: the agent that used the object meanwhile; NOBODY
    avoided: I64  # [A]  objects passed over because of a rival
    finished: I64  # [A]  the affordance whose last tick this is; NOTHING
    chat_with: I64  # [A]  the partner of a good chat that this agent began; NOBODY
    social: F64  # [1, 4]  social reward earned
    late: Bool  # [A]  late this tick
    absent: Bool  # [A]  became absent this tick
    taken_over_by: I64  # [A]  a colleague of the same job on site when this agent became absent; NOBODY
    helped_by: I64  # [A]  a colleague of the same job on site when this agent arrived late; NOBODY
    claim: I64  # [A]  movement's scratch: wanted tile, -1 = none
    refusal: I64  # [A]  why it has no success: index into REASONS, 0 = it has; the next four: townlet/world/refusals.py
    refusal_by: I64  # [A]  because of whom; NOBODY
    refusal_object: I64  # [A]  at which object; NOTHING
    refusal_number: F64  # [A]  what was found, by reason: ticks, tiles, coins, ...
    refusal_limit: F64  # [A]  what it is to be compared with
    terms: F64  # [A, len(TERMS)]  reward by term
    reward: F64  # [A]


@columns
class ActionBatch:
    """What each agent does in this tick: the only way from a policy, a schedule or a caller into the world."""

    action: I64  # [A]  id in the catalogue
    object: I64  # [A]  the object it names; NOTHING = the world chooses
    target: I64  # [A]  the arrival number, less one, of the agent it names; NOBODY = the nearest neighbour
    quality: F64  # [A]  of a chat, in [0, 1]; -1 = not named, which counts as 1
    labelled: Bool  # [A]  a schedule expects the attempt to be refused
    log_prob: F32  # [A]  natural logarithm of the probability with which the policy chose it
    value: F32  # [A]  the critic's value of what was seen; 0 without a critic


class World(NamedTuple):
    clock: Clock
    agents: Agents
    queues: Queues
    running: Activity
    objects: Objects
    ties: Ties
    work: Employment
    events: Events
    grid: Grid
    script: ScheduleCursor
    tick: StepScratch


# --- what does not change ---------------------------------------------------------------------------------------
@columns
class Site:
    """What never changes about an object."""

    type: I64  # [O]
    x: I64  # [O]
    y: I64  # [O]
    place: I64  # [O]
    kept: Bool  # [O, 2]  the kinds of stock it keeps
    start: I64  # [O, 2]  the stock at the start
    full: I64  # [O, 2]  the most that a new day fills it up to (see restock)
    bound: Bool  # [O, 2]  cannot be used while the utility is off, whatever for


@columns
class Condition:
    """The preconditions of all affordances, one after another (Affordances.pre_first, pre_end)."""

    fact: I64  # [M]  index into FACTS
    compare: I64  # [M]  index into COMPARISONS
    value: F64  # [M]


class Town(NamedTuple):
    """The map and what stands on it."""

    size: I64  # [5]  width, height, pad, ticks per day, tick of day at tick zero
    seed: I64  # [1]
    wall: Bool  # [H, W]
    region: I32  # [H, W]  connected floor: tiles of one region reach each other; -1 on walls
    distance: U16  # [P, H, W]  walking distance to the place; FAR = unreachable
    place_x: I64  # [P]
    place_y: I64  # [P]
    site: Site  # [O]  the objects
    near_first: I64  # [H * W + 1]  objects within distance 1 of tile g: near_object[near_first[g] : ...]
    near_object: I64  # [...]
    belongs: Bool  # [Z, O]  whether the object is of the type, or of a type of the set
    nearest: I16  # [Z, H, W]  the object of them nearest by walking distance, lowest index first; -1 = none
    of_type_first: I64  # [Z + 1]  objects by type or set: of_type[of_type_first[z]:of_type_first[z + 1]]
    of_type: I64  # [...]
    offers_first: I64  # [Y + 1]  affordances by object type, in the file's order
    offers: I64  # [...]
    condition: Condition  # [M]
    layer_objects: F32  # [H + 2 pad, W + 2 pad]  1 where an object stands
    layer_walkable: F32  # [H + 2 pad, W + 2 pad]  1 on floor
    layer_types: F32  # [channels, H + 2 pad, W + 2 pad]  compact's object:<type> channels
    layer_count: F32  # [H + 2 pad, W + 2 pad]  number of objects on the tile


@columns
class Affordances:
    object_type: I64  # [K]  the type, or the set of types (index into Z), whose objects offer it
    duration: I64  # [K]  ticks >= 1
    need: F64  # [K, N]  deltas
    money: F64  # [K]  coins to the agent; negative = a price, before the price level
    interruptible: Bool  # [K]
    takes: I64  # [K, 2]  stock taken from the used object at the start
    gives: I64  # [K, 2]  stock put at the end into the used object, or the nearest that keeps it
    shares: Bool  # [K]  eating: what a shared meal is made of (takes a meal)
    works: Bool  # [K]  conflicts over it are work conflicts
    gives_up: Bool  # [K]  a fail hook that makes the agent leave the queue when a start fails
    pre_first: I64  # [K]  preconditions, those that hooks imply too: town.condition[pre_first:pre_end]
    pre_end: I64  # [K]
    utility_bound: Bool  # [K, 2]  cannot start while the utility is off


@columns
class People:
    """What a config fixes for the agent of a row, and for whoever takes the row over."""

    job: I64  # [A]  NOTHING
    start_x: I64  # [A]
    start_y: I64  # [A]
    start_wallet: F64  # [A]
    home_personality: F64  # [A, 3]
    policy: I64  # [A]  index into POLICIES; POLICY_OUTSIDE = somebody outside; POLICY_FIRST_NETWORK + n = network n of
    # the run. Newcomers keep it
    script_first: I64  # [A]  the first life's schedule: Schedule[script_first:script_end]
    script_end: I64  # [A]


@columns
class Schedule:
    kind: I64  # [S]  WAIT, MOVE, RELEASE, CHAT, REQUEST, START
    affordance: I64  # [S]
    object: I64  # [S]
    place: I64  # [S]  of a move
    target: I64  # [S]  row
    quality: F64  # [S]
    labelled: Bool  # [S]  blocked: true
    ticks: I64  # [S]
    until: I64  # [S]


@columns
class Jobs:
    start: I64  # [J]  tick of day
    length: I64  # [J]  ticks, 0 = no shift
    wage: F64  # [J]  coins a tick on site
    penalty: F64  # [J]  coins withheld for a lateness
    place: I64  # [J]  NOTHING = no location: its holder is on site wherever it is


class EventSpecs(NamedTuple):
    kind: I64  # [E]
    name_hash: I64  # [E]  31 bits, names the draws
    probability: F64  # [E]  a day
    cooldown: I64  # [E]
    duration_low: I64  # [E]
    duration_high: I64  # [E]
    magnitude_low: F64  # [E]
    magnitude_high: F64  # [E]
    hits: Bool  # [E, K]  price spikes: the affordances whose price rises
    place: I64  # [E]  arranged meets


@columns
class Rules:
    """Numbers of the config, by the rule that reads them."""

    need_decay: F64  # [1, 3]  a tick
    faint_threshold: F64  # [1]  0.03
    faint_after: I64  # [1]  30 ticks
    lifecycle_on: Bool  # [1]
    exit_cap: I64  # [1]  evictions a day
    respawn_delay: I64  # [1]  0 = nobody returns
    rent: F64  # [1]  coins a day
    restock_ingredients: I64  # [1]  a day and stove
    cooldown: I64  # [1]  ticks after a success
    ghost_after: I64  # [1]  0 = never
    age_weight: F64  # [1]
    commit_ticks: I64  # [1]
    rivalry: F64  # [1, 8]  see the RIVALRY_* indices
    max_edges: I64  # [1]
    ties_on: Bool  # [1]  features.stages.relationships is not OFF
    chat_rewards: Bool  # [1]  social_rewards C1, C2, C3
    avoid_rewards: Bool  # [1]  C2, C3
    social: F64  # [1, 4]  C1_chat_base, C1_coeff_trust, C1_coeff_fam, C2_avoid_conflict
    grace: I64  # [1]
    absent_cutoff: I64  # [1]
    max_absent: I64  # [1]
    enforce_jobs: Bool  # [1]
    arrival_buffer: I64  # [1]  behavior.job_arrival_buffer
    thresholds: F64  # [1, 3]  behavior.<need>_threshold
    slot_cooldown: I64  # [1]  embedding_allocator.cooldown_ticks
    event_limits: I64  # [1, 6]  at once, cooldown of all, of an agent, grace, window, most in it


(RIVALRY_STEP, RIVALRY_DECAY, RIVALRY_MIN, RIVALRY_MAX, RIVALRY_AVOID, RIVALRY_GHOST, RIVALRY_HANDOVER,
 RIVALRY_QUEUE) = range(8)  # fmt: skip


@columns
class RewardParams:
    weights: F64  # [1, N]
    centred: Bool  # [1]  rewards.needs_form
    survival: F64  # [1]
    wage: F64  # [1]
    punctuality: F64  # [1]
    late_tick: F64  # [1]
    absence: F64  # [1]
    faint: F64  # [1]  <= 0
    eviction: F64  # [1]  <= 0
    clip_per_tick: F64  # [1]
    episode_cap: F64  # [1]  inf = none
    death_ticks: I64  # [1]
    shaping_on: Bool  # [1]
    gamma: F64  # [1]


class Params(NamedTuple):
    town: Town
    affordances: Affordances
    people: People
    schedule: Schedule
    jobs: Jobs
    events: EventSpecs
    rules: Rules
    rewards: RewardParams


def copy_group(group):
    """A group of arrays, every one copied."""
    if isinstance(group, np.ndarray):
        return group.copy()
    return type(group)(*(copy_group(array) for array in group))


def copy_world(world: World) -> World:
    """A snapshot: every array copied."""
    return copy_group(world)


def world_arrays(world: World) -> dict[str, np.ndarray]:
    """`{"agents.alive": array, ...}` in the order of the definitions above; the arrays are views of the state."""
    return {
        f"{name}.{column}": getattr(group, column)
        for name, group in world._asdict().items()
        for column in column_names(group)
    }
