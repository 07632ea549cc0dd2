// What an agent sees: its window, a small picture for each channel, drawn from the state of the town.

import { colours, fit, onColours } from "#page/colours.js";
import { el, name, replace } from "#page/dom.js";

const SIDE = 110; // pixels

export function makeSight(model, clock) {
  const { channels } = model.town;
  const canvases = channels.map((channel) =>
    el("canvas", { role: "img", "aria-label": `What it sees: ${channel}` }),
  );
  const sums = channels.map(() => el("span", { class: "muted number" }));
  const element = el(
    "div",
    {},
    el("p", { class: "muted", text: sizeText(model) }),
    el(
      "div",
      { class: "sights" },
      channels.map((channel, c) =>
        el("figure", {}, canvases[c], el("figcaption", {}, name(channel), " ", sums[c])),
      ),
    ),
  );
  const write = (facts) => {
    channels.forEach((channel, c) => {
      const seen = channelAt(model, facts.tick, facts.row, channel);
      drawChannel(canvases[c], model, seen);
      replace(sums[c], seen ? `Σ ${seen.reduce((sum, value) => sum + value, 0)}` : "not in this page");
    });
  };
  onColours(() => {
    const facts = clock.life > 0 && model.facts(clock.tick, clock.life);
    if (facts && !element.hidden) write(facts);
  });
  return { element, write };
}

function sizeText(model) {
  const side = 2 * model.town.window + 1;
  return `The window of ${side} × ${side} tiles, north above, the agent in the middle. Outside the town everything is 0.`;
}

/**
 * A channel of the window of a row at a tick, before acting: numbers by rows; null for what is not in the
 * page: channels that are no state of the town (the path hints), and reservations in the first tick of a part of a run.
 */
export function channelAt(model, tick, row, channel) {
  const draw =
    {
      self: (seen, put) => put(...model.place(row, tick), 1),
      agents: (seen, put) => agents(model, tick, row, put),
      objects: (seen, put) => model.town.objects.forEach(({ x, y }) => put(x, y, 1)),
      reservations: (seen, put) => taken(model, tick, put),
      walkable: (seen, put) =>
        model.town.walls.forEach((line, y) =>
          [...line].forEach((letter, x) => letter !== "#" && put(x, y, 1)),
        ),
    }[channel] ?? (channel.startsWith("object:") ? ofType(model, channel.slice(7)) : undefined);
  if (draw === undefined) return null;
  // They are those that the tick before left, and that one is not shown.
  if (channel === "reservations" && tick === model.first && tick > 0) return null;
  const reach = model.town.window;
  const side = 2 * reach + 1;
  const [left, top] = model.place(row, tick).map((middle) => middle - reach);
  const seen = new Float32Array(side * side);
  draw(seen, (x, y, value, adds = false) => {
    const [column, line] = [x - left, y - top];
    if (column < 0 || line < 0 || column >= side || line >= side) return;
    seen[line * side + column] = adds ? seen[line * side + column] + value : value;
  });
  return seen;
}

function agents(model, tick, row, put) {
  for (let other = 0; other < model.rows; other += 1) {
    if (other !== row && model.who(other, tick) > 0) put(...model.place(other, tick), 1, true);
  }
}

function ofType(model, type) {
  const wanted = model.town.types.indexOf(type);
  return (seen, put) => model.town.objects.forEach(({ type: kind, x, y }) => kind === wanted && put(x, y, 1));
}

/** Objects that were reserved or in use after the tick before, by somebody who is still there. */
function taken(model, tick, put) {
  if (tick === model.first) return;
  const { user, holder } = model.arrays;
  model.town.objects.forEach(({ x, y }, o) => {
    const at = o * model.ticks + tick - 1 - model.first;
    if ([user[at], holder[at]].some((life) => life > 0 && model.lived(life, tick))) put(x, y, 1);
  });
}

function drawChannel(canvas, model, seen) {
  const side = 2 * model.town.window + 1;
  const tile = Math.max(3, Math.floor(SIDE / side));
  const context = fit(canvas, tile * side, tile * side);
  const all = colours();
  context.fillStyle = all.raised;
  context.fillRect(0, 0, tile * side, tile * side);
  if (seen === null) return;
  const most = Math.max(1, ...seen);
  for (let at = 0; at < seen.length; at += 1) {
    if (seen[at] === 0) continue;
    context.globalAlpha = 0.25 + (0.75 * seen[at]) / most;
    context.fillStyle = all.accent;
    context.fillRect((at % side) * tile, Math.floor(at / side) * tile, tile - 0.5, tile - 0.5);
  }
  context.globalAlpha = 1;
  context.strokeStyle = all.control;
  context.strokeRect(model.town.window * tile + 0.5, model.town.window * tile + 0.5, tile - 1, tile - 1);
}
