"""A town at tick zero as an SVG: text, so that equal towns give equal bytes on every machine."""

from __future__ import annotations

from html import escape

import numpy as np

from townlet.config.load import Resolved
from townlet.generator.generate import generate
from townlet.world.records import plain

TILE = 16  # user units of a tile
FLOOR, WALL, LINE, INK = "#ece9e0", "#58545c", "#dedace", "#32303a"
# Colours that most people can tell apart (Okabe and Ito).
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")


def picture_of(resolved: Resolved, title: str) -> str:
    """Walls, objects as squares with the letter of their type, agents as discs with the letter of their name."""
    generated = generate(resolved, seed=0)
    world, town = generated.world, generated.params.town
    agents, site = plain(world.agents), plain(town.site)
    height, width = town.wall.shape
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * TILE} {height * TILE}" '
        f'width="{width * TILE}" height="{height * TILE}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" fill="{FLOOR}"/>',
        f'<path d="{_lines(width, height)}" stroke="{LINE}" fill="none"/>',
        f'<path d="{_walls(town.wall)}" fill="{WALL}"/>',
        f'<g font-family="sans-serif" font-size="10" text-anchor="middle" fill="{INK}">',
    ]
    for o, kind in enumerate(site["type"].tolist()):
        parts.append(_object(site["x"][o], site["y"][o], kind, generated.names.object_types[kind]))
    for row in np.flatnonzero(agents["alive"]).tolist():
        parts.append(_agent(agents["x"][row], agents["y"][row], row, generated.names.agents[row]))
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _lines(width: int, height: int) -> str:
    down = "".join(f"M{x * TILE} 0V{height * TILE}" for x in range(1, width))
    return down + "".join(f"M0 {y * TILE}H{width * TILE}" for y in range(1, height))


def _walls(wall: np.ndarray) -> str:
    return "".join(f"M{x * TILE} {y * TILE}h{TILE}v{TILE}h-{TILE}z" for y, x in np.argwhere(wall).tolist())


def _object(x: int, y: int, kind: int, name: str) -> str:
    left, top = int(x) * TILE, int(y) * TILE
    return (
        f'<rect x="{left + 1.5}" y="{top + 1.5}" width="13" height="13" rx="2" fill="{COLOURS[kind % 7]}" '
        f'fill-opacity=".45" stroke="{INK}" stroke-opacity=".5"/>'
        f'<text x="{left + 8}" y="{top + 11.5}">{escape(name[0].lower())}</text>'
    )


def _agent(x: int, y: int, row: int, name: str) -> str:
    across, down = int(x) * TILE + 8, int(y) * TILE + 8
    return (
        f'<circle cx="{across}" cy="{down}" r="6.5" fill="{COLOURS[row % 7]}" stroke="{INK}"/>'
        f'<text x="{across}" y="{down + 3.5}" font-weight="bold">{escape(name[0].upper())}</text>'
    )
