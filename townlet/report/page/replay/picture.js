// The map at a tick, drawn on a canvas: the ground once for each size, then what is on it.

import { colours, fit, lifeColour } from "#page/colours.js";
import { timeOfDay } from "#page/format.js";

export const TRAIL = 30; // tiles of the way of who is followed

export class Picture {
  constructor(model, canvas) {
    const [ground, scene] = [0, 1].map(() => document.createElement("canvas"));
    Object.assign(this, { model, canvas, ground, scene });
    this.tile = 0;
  }

  /** Take the room that there is: tiles are as large as fit, from 4 to 52 pixels, times `zoom`. */
  resize(width, height, zoom) {
    const { town } = this.model;
    const fits = Math.floor(Math.min(width / town.width, height / town.height) * 2) / 2;
    this.tile = Math.min(64, Math.max(4, Math.min(52, fits)) * zoom);
    this.width = this.tile * town.width;
    this.height = this.tile * town.height;
    this.context = fit(this.canvas, this.width, this.height);
    this.drawGround();
  }

  drawGround() {
    this.seen = undefined;
    const { town } = this.model;
    const { tile } = this;
    const all = colours();
    const context = fit(this.ground, this.width, this.height);
    context.fillStyle = all.floor;
    context.fillRect(0, 0, this.width, this.height);
    if (tile >= 7) {
      context.strokeStyle = all.grid;
      context.lineWidth = 1;
      context.beginPath();
      for (let x = 1; x < town.width; x += 1) line(context, x * tile, 0, x * tile, this.height);
      for (let y = 1; y < town.height; y += 1) line(context, 0, y * tile, this.width, y * tile);
      context.stroke();
    }
    context.fillStyle = all.wall;
    town.walls.forEach((row, y) =>
      [...row].forEach((letter, x) => {
        if (letter === "#") context.fillRect(x * tile, y * tile, tile, tile);
      }),
    );
    this.drawSites(context, all);
  }

  /** Job sites: a corner mark and, where there is room, the job's first letters. */
  drawSites(context, all) {
    const { tile } = this;
    context.strokeStyle = all.work;
    context.lineWidth = Math.max(1, tile / 14);
    for (const { x, y } of this.model.town.sites) {
      context.setLineDash([tile / 5, tile / 7]);
      context.strokeRect(x * tile + 1.5, y * tile + 1.5, tile - 3, tile - 3);
    }
    context.setLineDash([]);
  }

  /** Draw tick `tick`, of which the part `phase` has passed; `followed` is a life or 0. */
  draw(tick, phase, followed) {
    const { context, model } = this;
    const all = colours();
    this.drawScene(tick, all);
    context.drawImage(this.scene, 0, 0, this.width, this.height);
    if (followed > 0) this.drawTrail(tick, followed);
    const agents = this.agentsAt(tick, phase);
    this.drawBonds(agents, tick, all);
    for (const agent of agents) this.drawAgent(agent, agent.life === followed, all);
    for (const agent of agents) this.drawSigns(agent, tick, all);
    if (followed > 0 && model.lived(followed, tick)) this.drawWindow(tick, followed, all);
  }

  /** Ground, light and objects, drawn again only where something of them has changed. */
  drawScene(tick, all) {
    const states = this.model.objectStates(tick);
    const dark = this.darkness(tick, all).toFixed(2);
    const key = `${dark} ${states}`;
    if (key === this.seen) return;
    this.seen = key;
    const context = fit(this.scene, this.width, this.height);
    context.drawImage(this.ground, 0, 0, this.width, this.height);
    context.fillStyle = `rgba(${all.night}, ${dark})`;
    if (dark > 0) context.fillRect(0, 0, this.width, this.height);
    this.drawObjects(context, tick, all);
  }

  /** How much of the light is missing: by night, and without power. */
  darkness(tick, all) {
    const { town, arrays } = this.model;
    const { share } = timeOfDay(tick, town.ticks_per_day, town.tick_of_day_at_0);
    const dark = Math.max(0, Math.cos(2 * Math.PI * share) * 0.8 + 0.2) * Number(all.shade);
    const powered = (arrays.utility[tick - this.model.first] & 1) === 1;
    return Math.min(0.75, dark + (powered ? 0 : 0.25));
  }

  drawTrail(tick, life) {
    const { context, model, tile } = this;
    const row = model.rowOf(life);
    context.fillStyle = lifeColour(life);
    let at;
    for (let t = tick, left = TRAIL; t >= model.first && left > 0 && model.who(row, t) === life; t -= 1) {
      const [x, y] = model.place(row, t);
      if (at !== undefined && x === at[0] && y === at[1]) continue;
      at = [x, y];
      context.globalAlpha = 0.12 + (0.5 * left) / TRAIL;
      const size = tile * 0.34;
      context.fillRect((x + 0.5) * tile - size / 2, (y + 0.5) * tile - size / 2, size, size);
      left -= 1;
    }
    context.globalAlpha = 1;
  }

  drawObjects(context, tick, all) {
    const { model, tile } = this;
    const { user, holder, waiting, stock } = model.arrays;
    const i = tick - model.first;
    model.town.objects.forEach((object, o) => {
      const [x, y] = [object.x * tile, object.y * tile];
      const [uses, holds] = [user[o * model.ticks + i], holder[o * model.ticks + i]];
      const inset = tile * 0.1;
      const side = tile - 2 * inset;
      context.fillStyle = all.surface;
      box(context, x + inset, y + inset, side, side, tile * 0.14);
      context.fill();
      context.globalAlpha = 0.3;
      context.fillStyle = all.series[object.type % 8];
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = uses ? Math.max(1.5, tile / 11) : 1;
      context.strokeStyle = uses ? lifeColour(uses) : all.series[object.type % 8];
      context.stroke();
      if (holds) {
        context.setLineDash([tile / 6, tile / 9]);
        context.lineWidth = Math.max(1.5, tile / 12);
        context.strokeStyle = lifeColour(holds);
        context.beginPath();
        context.arc(x + tile / 2, y + tile / 2, tile * 0.54, 0, 2 * Math.PI);
        context.stroke();
        context.setLineDash([]);
      }
      if (tile < 11) return;
      context.fillStyle = all.ink;
      text(
        context,
        model.town.types[object.type].slice(0, tile >= 30 ? 2 : 1),
        x + tile / 2,
        y + tile / 2,
        tile * 0.42,
      );
      const kept = [0, 1].map((k) => stock[(o * 2 + k) * model.ticks + i]).filter((units) => units > 0);
      if (kept.length > 0 && tile >= 16) {
        context.textAlign = "right";
        text(
          context,
          kept.join("+"),
          x + tile - inset - 1,
          y + tile - inset - tile * 0.11,
          tile * 0.27,
          false,
        );
        context.textAlign = "center";
      }
      const queue = waiting[o * model.ticks + i];
      if (queue > 0)
        badge(context, String(queue), x + tile * 0.88, y + tile * 0.14, tile * 0.2, all.ink, all.surface);
    });
  }

  /** Who is where, between this tick's tile and the next one's; those on one tile stand side by side. */
  agentsAt(tick, phase) {
    const { model } = this;
    const found = [];
    const crowd = new Map();
    for (let row = 0; row < model.rows; row += 1) {
      const life = model.who(row, tick);
      if (life === 0) continue;
      let [x, y] = model.place(row, tick);
      const key = y * model.town.width + x;
      const before = crowd.get(key) ?? 0;
      crowd.set(key, before + 1);
      const moves = phase > 0 && model.who(row, tick + 1) === life;
      if (moves) {
        const [nextX, nextY] = model.place(row, tick + 1);
        x += (nextX - x) * phase;
        y += (nextY - y) * phase;
      }
      found.push({
        row,
        life,
        x: x + 0.5 + (before % 3) * 0.24,
        y: y + 0.5 + (Math.floor(before / 3) % 3) * 0.24,
      });
    }
    return found;
  }

  /** A line from who uses an object to it, and from who chats to whom. */
  drawBonds(agents, tick, all) {
    const { context, model, tile } = this;
    const places = new Map(agents.map((agent) => [agent.life, agent]));
    context.lineWidth = Math.max(1.5, tile / 9);
    model.town.objects.forEach((object, o) => {
      const agent = places.get(model.arrays.user[o * model.ticks + tick - model.first]);
      if (agent === undefined) return;
      context.strokeStyle = lifeColour(agent.life);
      context.beginPath();
      const [x, y] = [object.x + 0.5, object.y + 0.5];
      const part = Math.max(0, 1 - 0.4 / Math.hypot(x - agent.x, y - agent.y)); // it ends at the object's edge
      line(
        context,
        agent.x * tile,
        agent.y * tile,
        (agent.x + (x - agent.x) * part) * tile,
        (agent.y + (y - agent.y) * part) * tile,
      );
      context.stroke();
    });
    for (const agent of agents) {
      const other = places.get(model.one("target", agent.row, tick));
      if (other) {
        context.strokeStyle = all.muted;
        context.setLineDash([2, 3]);
        context.beginPath();
        line(context, agent.x * tile, agent.y * tile, other.x * tile, other.y * tile);
        context.stroke();
        context.setLineDash([]);
      }
    }
  }

  drawAgent({ life, x, y }, followed, all) {
    const { context, tile } = this;
    const size = Math.max(2.5, tile * 0.36, Math.min(8, tile * 0.6)); // on a large map larger than a tile
    context.beginPath();
    context.arc(x * tile, y * tile, size, 0, 2 * Math.PI);
    context.fillStyle = lifeColour(life);
    context.fill();
    context.lineWidth = followed ? Math.max(2, tile / 9) : Math.max(1, tile / 20);
    context.strokeStyle = followed ? all.ink : all.surface;
    context.stroke();
    if (tile < 9) return;
    context.fillStyle = all.surface;
    const label = this.model.labels[life - 1] ?? "?";
    text(context, label, x * tile, y * tile, size * Math.min(1.25, 1.9 / label.length));
  }

  /** A cross at who was refused, a bubble at who chats. */
  drawSigns({ row, x, y }, tick, all) {
    const { context, model, tile } = this;
    if (model.refused(row, tick)) {
      const size = Math.max(2.5, tile * 0.17);
      const [cx, cy] = [(x + 0.32) * tile, (y - 0.32) * tile];
      for (const [colour, width] of [
        [all.surface, size * 1.1],
        [all.bad, size * 0.6],
      ]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        line(context, cx - size, cy - size, cx + size, cy + size);
        line(context, cx - size, cy + size, cx + size, cy - size);
        context.stroke();
      }
    }
    if (model.kinds[model.one("action", row, tick)] === "chat") {
      const [width, height] = [tile * 0.62, tile * 0.4];
      const [left, top] = [(x - 0.2) * tile - width, (y - 0.75) * tile];
      context.fillStyle = all.surface;
      context.strokeStyle = all.ink;
      context.lineWidth = 1;
      box(context, left, top, width, height, height * 0.4);
      context.fill();
      context.stroke();
      context.fillStyle = all.ink;
      for (const dot of [0.28, 0.5, 0.72]) {
        context.beginPath();
        context.arc(left + width * dot, top + height / 2, Math.max(0.8, tile * 0.045), 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  drawWindow(tick, life, all) {
    const { context, model, tile } = this;
    const [x, y] = model.place(model.rowOf(life), tick);
    const reach = model.town.window;
    context.strokeStyle = all.accent;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.strokeRect(
      (x - reach) * tile,
      (y - reach) * tile,
      (2 * reach + 1) * tile,
      (2 * reach + 1) * tile,
    );
    context.setLineDash([]);
  }

  /** The tile at a place of the canvas, in CSS pixels. */
  tileAt(x, y) {
    return [Math.floor(x / this.tile), Math.floor(y / this.tile)];
  }
}

function line(context, x, y, toX, toY) {
  context.moveTo(x, y);
  context.lineTo(toX, toY);
}

function box(context, x, y, width, height, radius) {
  context.beginPath();
  context.roundRect(x, y, width, height, Math.max(0, radius));
}

function text(context, letters, x, y, size, strong = true) {
  context.font = `${strong ? "600 " : ""}${size.toFixed(1)}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  if (strong) context.textAlign = "center";
  context.fillText(letters, x, y);
}

function badge(context, letters, x, y, radius, fill, ink) {
  const size = Math.max(5, radius);
  context.beginPath();
  context.arc(x, y, size, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.fillStyle = ink;
  text(context, letters, x, y, size * 1.5);
}
