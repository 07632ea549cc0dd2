// The timeline: lanes and tracks over one axis, with a cursor, a view that zooms, and a span that is selected.

import { colour } from "#page/charts/frame.js";
import { colours, doingName, fit, onColours } from "#page/colours.js";
import { button, el, name, panel, replace, say } from "#page/dom.js";
import { count, marks, number } from "#page/format.js";
import { codesOf, LANE, Lanes } from "#page/timeline/lanes.js";
import { TRACK, Tracks } from "#page/timeline/tracks.js";

const AXIS = 20; // pixels
const MOST_HEIGHT = 18 * LANE; // of the lanes; more of them scroll

/** `mark`: a tick with a line of its own, as the first in which two runs differ. */
export function makeTimeline(model, clock, title = "Timeline", mark = null) {
  const axis = el("canvas", { class: "axis", "aria-hidden": "true" });
  const laneCanvas = el("canvas", { class: "lane-canvas", "aria-hidden": "true" });
  const trackCanvas = el("canvas", { "aria-hidden": "true" });
  const lanes = new Lanes(model, laneCanvas);
  const tracks = new Tracks(model, trackCanvas);
  const labels = el("div", { class: "lane-labels" });
  const plotLanes = el("div", { class: "lane-plot" }, laneCanvas);
  const sizer = el("div", { class: "sizer" }, labels, plotLanes);
  sizer.style.height = `${model.rows * LANE}px`;
  const scroller = el("div", { class: "lanes" }, sizer);
  scroller.style.maxHeight = `${MOST_HEIGHT}px`;
  const values = tracks.tracks.map(() => el("span", { class: "number" }));
  const trackLabels = el(
    "div",
    { class: "track-labels" },
    tracks.tracks.map((track, k) => trackLabel(track, values[k])),
  );
  const cursor = el("div", { class: "cursor" });
  const span = el("div", { class: "span" });
  const marked = el("div", {
    class: "marked",
    hidden: mark === null,
    title: `first difference: tick ${mark}`,
  });
  const over = el(
    "div",
    { class: "over", tabindex: "0", role: "slider", "aria-label": `Tick, in the ${title.toLowerCase()}` },
    el("div", { class: "clip" }, span, marked, cursor),
  );
  over.setAttribute("aria-valuemin", clock.first);
  over.setAttribute("aria-valuemax", clock.last);
  const trackPlot = el("div", { class: "track-plot" }, trackCanvas);
  const box = el("div", { class: "timeline" }, axis, scroller, trackLabels, trackPlot, over);
  let [width, waiting] = [0, false];

  const draw = () => {
    waiting = false;
    width = over.clientWidth;
    if (width < 20) return;
    const view = clock.view;
    drawAxis(axis, model, width, view);
    const scroll = scroller.scrollTop;
    const height = Math.min(MOST_HEIGHT, model.rows * LANE);
    lanes.draw({ width, height, scroll, view, followed: clock.life });
    tracks.draw({ width, view, followed: clock.life });
    drawLabels(labels, model, clock, scroll, height);
    drawSpan();
    drawCursor();
    if (mark !== null) marked.style.transform = `translateX(${x(mark)}px)`;
  };
  const redraw = () => {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  };
  const x = (tick) => ((tick - clock.view[0]) / (clock.view[1] - clock.view[0])) * width;
  const drawSpan = () => {
    span.hidden = clock.span === null;
    if (clock.span === null) return;
    const [low, high] = clock.span;
    span.style.transform = `translateX(${x(low)}px)`;
    span.style.width = `${x(high + 1) - x(low)}px`;
  };
  const drawCursor = () => {
    cursor.style.transform = `translateX(${x(clock.tick + 0.5 + clock.phase)}px)`;
  };
  const write = () => {
    tracks.texts(clock.life, clock.tick).forEach((text, k) => say(values[k], text));
    over.setAttribute("aria-valuenow", clock.tick);
    drawLabels(labels, model, clock, scroller.scrollTop, Math.min(MOST_HEIGHT, model.rows * LANE));
    if (!clock.playing) over.setAttribute("aria-valuetext", `tick ${clock.tick}`);
  };
  clock.on("frame", drawCursor);
  clock.on("view life", redraw);
  clock.on("span", drawSpan);
  clock.on("tick life playing", write);
  scroller.addEventListener("scroll", redraw, { passive: true });
  new ResizeObserver(redraw).observe(box);
  onColours(redraw);
  listen(over, clock, () => width, scroller);
  write();
  return panel(title, note(), spanBar(model, clock), legend(model), box);
}

function note() {
  return el("span", {
    class: "muted",
    text: "A lane for each agent. The wheel zooms, a drag selects a span; with keys: + and − zoom, [ and ] begin and end a span.",
  });
}

function trackLabel(track, value) {
  const label = el("div", { class: "track-label" }, name(track.title), value);
  label.style.height = `${TRACK}px`;
  return label;
}

/** What numbers are of where no span is selected. */
function whole(model, clock) {
  return clock.last + 1 - clock.first === model.head.ticks ? "the whole run" : "all ticks shown";
}

/** The span that numbers are of, and buttons for what the mouse does. */
function spanBar(model, clock) {
  const text = el("span", { class: "number" });
  const write = () => {
    const [low, high] = clock.chosen;
    say(
      text,
      `Numbers are of ${clock.span ? `ticks ${low} to ${high}` : whole(model, clock)} (${count(high - low + 1, "tick")}).`,
    );
  };
  clock.on("span", write);
  write();
  return el(
    "div",
    { class: "row spans" },
    button("+", () => clock.scale(0.5), { "aria-label": "Zoom in" }),
    button("−", () => clock.scale(2), { "aria-label": "Zoom out" }),
    button("Span from here", () => clock.beginSpan()),
    button("Span to here", () => clock.endSpan()),
    button("Whole run", () => clock.whole()),
    text,
  );
}

function legend(model) {
  return el(
    "p",
    { class: "legend muted" },
    codesOf(model).map((code) => {
      const mark = el("span", { class: "swatch", "aria-hidden": "true" });
      mark.style.setProperty("--mark", colour(doingName(code)));
      return el("span", {}, mark, name(model.doing(code)));
    }),
    el("span", {}, el("span", { class: "bad", text: "▮" }), " refused"),
    model.lives.some((life) => life.left) &&
      el("span", {}, el("span", { class: "bad", text: "✕" }), " leaves"),
    model.lives.some((life) => life.born > model.first) && el("span", { text: "▶ arrives" }),
    el("span", {}, el("span", { class: "bad", text: "- -" }), " threshold"),
    model.town.events.length > 0 &&
      el(
        "span",
        { title: eventTexts(model) },
        el("span", { class: "warn", text: "▂" }),
        " events of the town",
      ),
  );
}

function eventTexts({ town }) {
  return town.events.map(({ first, until, text }) => `${first} to ${until - 1}: ${text}`).join("\n");
}

function drawAxis(canvas, model, width, view) {
  const context = fit(canvas, width, AXIS);
  const all = colours();
  context.clearRect(0, 0, width, AXIS);
  context.fillStyle = all.warn;
  for (const { first, until } of model.town.events) {
    const [left, right] = [first, until].map((tick) => ((tick - view[0]) / (view[1] - view[0])) * width);
    if (right >= 0 && left <= width) context.fillRect(left, AXIS - 3, Math.max(2, right - left), 3);
  }
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = all.muted;
  context.textBaseline = "top";
  for (const tick of marks(view[0], view[1], width / 90)) {
    if (tick !== Math.round(tick)) continue;
    const x = ((tick + 0.5 - view[0]) / (view[1] - view[0])) * width;
    context.fillRect(x, AXIS - 5, 1, 5);
    const text = number(tick);
    const room = context.measureText(text).width;
    context.fillText(text, Math.max(0, Math.min(width - room, x - room / 2)), 1);
  }
}

/** The names of the lanes in sight, each a button that follows. */
function drawLabels(labels, model, clock, scroll, height) {
  const first = Math.max(0, Math.floor(scroll / LANE));
  const end = Math.min(model.rows, Math.ceil((scroll + height) / LANE));
  const lives = Array.from({ length: end - first }, (_, k) => lifeOn(model, clock, first + k));
  const key = `${first} ${clock.life} ${lives}`;
  if (labels.dataset.shown === key) return;
  labels.dataset.shown = key;
  const focused = document.activeElement?.dataset?.row;
  replace(
    labels,
    lives.map((life, k) => {
      if (life === 0) return null;
      const row = first + k;
      const label = button("", () => clock.follow(clock.life === life ? 0 : life), {
        class: "lane-label",
        "data-row": row,
        "aria-pressed": String(clock.life === life),
        title: model.name(life),
      });
      label.append(el("b", { text: model.labels[life - 1] }), " ", name(model.name(life)));
      label.style.top = `${row * LANE}px`;
      return label;
    }),
  );
  if (focused !== undefined) labels.querySelector(`[data-row="${focused}"]`)?.focus({ preventScroll: true });
}

/** Whose name a lane bears: who is followed, who lives there now, else who came last. */
function lifeOn(model, clock, row) {
  if (clock.life > 0 && model.rowOf(clock.life) === row) return clock.life;
  const now = model.who(row, clock.tick);
  return now > 0 ? now : model.lives.findLastIndex((life) => life.row === row) + 1;
}

function listen(over, clock, width, scroller) {
  const tickAt = (event) => {
    const box = over.getBoundingClientRect();
    return clock.view[0] + ((event.clientX - box.left) / width()) * (clock.view[1] - clock.view[0]);
  };
  let from = null;
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, tick: tickAt(event), drags: false };
    over.setPointerCapture(event.pointerId);
  });
  over.addEventListener("pointermove", (event) => {
    if (from === null) return;
    from.drags ||= Math.abs(event.clientX - from.x) > 4;
    if (from.drags) clock.select([Math.floor(from.tick), Math.floor(tickAt(event))]);
  });
  over.addEventListener("pointerup", (event) => {
    if (from !== null && !from.drags) clock.go(Math.floor(tickAt(event)));
    from = null;
  });
  over.addEventListener("pointercancel", () => (from = null));
  over.addEventListener("dblclick", () => clock.whole());
  over.addEventListener(
    "wheel",
    (event) => {
      if (event.shiftKey && scroller.scrollHeight > scroller.clientHeight) {
        scroller.scrollTop += event.deltaY || event.deltaX;
        event.preventDefault();
        return;
      }
      const [low, high] = clock.view;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const by = (event.deltaX / width()) * (high - low);
        clock.zoom(low + by, high + by);
      } else {
        const whole = low <= clock.first && high >= clock.last + 1;
        if (whole && event.deltaY > 0) return; // nothing to zoom out of: the page scrolls
        clock.scale(1.0015 ** event.deltaY, tickAt(event));
      }
      event.preventDefault();
    },
    { passive: false },
  );
}
