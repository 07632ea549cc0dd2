// The replay: the map, what is on the tile under the pointer, and the state of the town at the tick.

import { colour } from "#page/charts/frame.js";
import { onColours } from "#page/colours.js";
import { button, el, name, replace, say } from "#page/dom.js";
import { count, number, timeOfDay } from "#page/format.js";
import { Picture } from "#page/replay/picture.js";

export function makeReplay(model, clock, label = "Map of the town") {
  const canvas = el("canvas", {
    role: "img",
    "aria-label": `${label}. What stands on it is in the table of objects below, who does what in the timeline.`,
  });
  const box = el("div", { class: "map" }, canvas);
  const frame = el("div", {}, box);
  // A map that is larger than its frame can be scrolled by keys too.
  const scrollers = Object.entries({ tabindex: "0", role: "region", "aria-label": label });
  const weather = el("p", { class: "weather number" });
  const under = el("p", {
    class: "under muted",
    text: "Point at a tile to read what is on it; click an agent to follow it.",
  });
  const objects = objectTable(model, clock);
  const picture = new Picture(model, canvas);
  let shownAs = "";

  const draw = () => {
    if (picture.tile > 0) picture.draw(clock.tick, clock.phase, clock.life);
  };
  const drawIfMoved = () => {
    const now = `${clock.tick} ${clock.playing && model.ticks > 1 ? clock.phase.toFixed(2) : 0}`;
    if (now === shownAs) return;
    shownAs = now;
    draw();
  };
  const describe = () => say(weather, townText(model, clock.tick));
  let zoom = 1;
  const resize = () => {
    const width = frame.clientWidth;
    if (width === 0) return;
    const height = Math.max(260, Math.min(window.innerHeight * 0.72, 900));
    picture.resize(width, height, zoom);
    box.style.maxHeight = `${height + 2}px`;
    scrollers.forEach(([key, value]) => (zoom > 1 ? box.setAttribute(key, value) : box.removeAttribute(key)));
    draw();
    centre();
  };
  const setZoom = (by) => {
    zoom = Math.min(8, Math.max(1, zoom * by));
    smaller.disabled = zoom === 1;
    resize();
  };
  // Keep who is followed in sight where the map is larger than its frame.
  const centre = () => {
    if (zoom === 1 || !model.lived(clock.life, clock.tick)) return;
    const [x, y] = model.place(model.rowOf(clock.life), clock.tick).map((at) => (at + 0.5) * picture.tile);
    box.scrollLeft = x - box.clientWidth / 2;
    box.scrollTop = y - box.clientHeight / 2;
  };
  const smaller = button("−", () => setZoom(0.5), { "aria-label": "Smaller map", disabled: true });
  const larger = button("+", () => setZoom(2), { "aria-label": "Larger map" });
  new ResizeObserver(resize).observe(frame);
  clock.on("frame", drawIfMoved);
  clock.on("life", draw);
  clock.on("tick life", centre);
  clock.on("tick", describe);
  onColours(() => {
    picture.drawGround();
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = picture.tileAt(event.offsetX, event.offsetY);
    replace(under, tileText(model, clock.tick, x, y));
  });
  canvas.addEventListener("click", (event) => {
    const [x, y] = picture.tileAt(event.offsetX, event.offsetY);
    const found = livesOn(model, clock.tick, x, y);
    if (found.length > 0) clock.follow(found[(found.indexOf(clock.life) + 1) % found.length]);
  });
  describe();
  const bar = el("div", { class: "row map-bar" }, weather, el("span", {}, larger, " ", smaller));
  return el("div", { class: "replay" }, bar, frame, under, legend(model), objects);
}

/** Time of day, power, water and prices, in words. */
export function townText(model, tick) {
  const { town, arrays } = model;
  const { day, time } = timeOfDay(tick, town.ticks_per_day, town.tick_of_day_at_0);
  const i = tick - model.first;
  const utility = arrays.utility[i];
  const parts = [`Day ${day}, ${time}`];
  if (!(utility & 1)) parts.push("no power");
  if (!(utility & 2)) parts.push("no water");
  if (arrays.price[i] !== 1) parts.push(`prices × ${number(arrays.price[i], 2)}`);
  for (const event of town.events) if (event.first <= tick && tick < event.until) parts.push(event.text);
  return [...new Set(parts)].join(" · ");
}

function livesOn(model, tick, x, y) {
  const found = [];
  for (let row = 0; row < model.rows; row += 1) {
    const life = model.who(row, tick);
    if (life > 0 && model.one("x", row, tick) === x && model.one("y", row, tick) === y) found.push(life);
  }
  return found;
}

function tileText(model, tick, x, y) {
  const { town } = model;
  if (x < 0 || y < 0 || x >= town.width || y >= town.height) return "";
  const ground = town.walls[y][x] === "#" ? "wall" : "floor";
  const parts = [`${x}, ${y}: ${ground}`];
  for (const site of town.sites) if (site.x === x && site.y === y) parts.push(["; site of ", name(site.job)]);
  town.objects.forEach((object, o) => {
    if (object.x === x && object.y === y)
      parts.push(["; ", name(object.id), ` (${objectText(model, tick, o)})`]);
  });
  for (const life of livesOn(model, tick, x, y)) {
    parts.push([
      "; ",
      name(model.name(life)),
      ` (${model.doing(model.one("doing", model.rowOf(life), tick))})`,
    ]);
  }
  return parts;
}

function stateOf(model, tick, o) {
  const at = o * model.ticks + tick - model.first;
  const { user, holder, waiting, stock } = model.arrays;
  const kept = [0, 1].map((k) => stock[(o * 2 + k) * model.ticks + tick - model.first]);
  return { user: user[at], holder: holder[at], waiting: waiting[at], meals: kept[0], ingredients: kept[1] };
}

function objectText(model, tick, o) {
  const state = stateOf(model, tick, o);
  const parts = [model.town.types[model.object(o).type]];
  if (state.user) parts.push(`used by ${model.name(state.user)}`);
  if (state.holder) parts.push(`reserved by ${model.name(state.holder)}`);
  if (state.waiting) parts.push(`${state.waiting} waiting`);
  if (state.meals > 0) parts.push(count(state.meals, "meal"));
  if (state.ingredients > 0) parts.push(count(state.ingredients, "raw ingredient"));
  return parts.join(", ");
}

/** All objects and their state, as text; written only while it is open. */
function objectTable(model, clock) {
  const body = el("tbody");
  const heads = ["object", "type", "used by", "reserved by", "waiting", "meals", "raw ingredients"];
  const table = el(
    "table",
    {},
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((text) => el("th", { scope: "col", text })),
      ),
    ),
    body,
  );
  const fold = el(
    "details",
    { class: "objects" },
    el("summary", { text: `Objects (${model.objects})` }),
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Objects" }, table),
  );
  const cells = [];
  const write = () => {
    if (!fold.open) return;
    if (cells.length === 0) {
      model.town.objects.forEach((object) => {
        const own = heads.slice(2).map(() => el("td"));
        cells.push(own);
        body.append(
          el("tr", {}, el("td", {}, name(object.id)), el("td", { text: model.town.types[object.type] }), own),
        );
      });
    }
    cells.forEach((own, o) => {
      const state = stateOf(model, clock.tick, o);
      const texts = [state.user ? model.name(state.user) : "", state.holder ? model.name(state.holder) : ""];
      texts.push(state.waiting || "", state.meals || "", state.ingredients || "");
      own.forEach((cell, k) => say(cell, texts[k]));
    });
  };
  fold.addEventListener("toggle", write);
  clock.on("tick", write);
  return fold;
}

function legend(model) {
  const types = model.town.types
    .map((type, i) => [type, i])
    .filter(([, i]) => model.town.objects.some((object) => object.type === i));
  const swatch = (i) => {
    const mark = el("span", { class: "swatch", "aria-hidden": "true" });
    mark.style.setProperty("--mark", colour(i));
    return mark;
  };
  return el(
    "p",
    { class: "legend muted" },
    types.map(([type, i]) => el("span", {}, swatch(i), name(type))),
    el("span", { text: "◌ reserved" }),
    el("span", {}, el("span", { class: "bad", text: "✕" }), " refused"),
    el("span", { text: "… chat" }),
    model.town.sites.length > 0 && el("span", { text: "▢ job site" }),
  );
}
