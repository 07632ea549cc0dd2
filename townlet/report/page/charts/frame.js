// What all charts in SVG share: size, axes, and a cursor along x that mouse and keyboard move.

import { formatMarks, formatNumber, shortened, ticks } from "#page/charts/scale.js";
import { onColours } from "#page/colours.js";
import { shown } from "#page/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 640; // where nothing says how wide
export const SERIES = 8; // colours that style.css names --series-0 to --series-7

/** The colour of a series, from style.css; the name of another colour there (`idle`) is that colour. */
export function colour(index) {
  if (typeof index === "string") return `var(--${index})`;
  return `var(--series-${(((index % SERIES) + SERIES) % SERIES) | 0})`;
}

/** A new element of SVG inside `parent`. Text is set as text, never read as markup. */
export function add(parent, name, attributes = {}, text = undefined) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  if (text !== undefined) element.textContent = shown(text);
  parent.append(element);
  return element;
}

/** A text that keeps its own direction of writing; cut to `most` letters, its whole text as a title. */
export function label(parent, text, attributes, most = 40) {
  const short = shortened(text, most);
  const element = add(parent, "text", { "font-size": 11, fill: "currentColor", ...attributes }, short);
  element.style.unicodeBidi = "isolate";
  if (short !== String(text)) add(element, "title", {}, String(text));
  return element;
}

const mounted = new WeakMap();
const observer =
  typeof ResizeObserver === "undefined"
    ? null
    : new ResizeObserver((entries) => {
        for (const { target } of entries) mounted.get(target)?.resized();
      });

let canvases = false; // whether there are some: what is painted on them keeps its colours until it is painted again

function watchColours() {
  if (canvases) return;
  canvases = true;
  onColours(() => {
    for (const canvas of document.querySelectorAll("canvas")) mounted.get(canvas)?.again();
  });
}

/**
 * Keep a chart painted: now, whenever its element gets another width, a canvas also when colours change, and when
 * asked. A chart that is gone is forgotten.
 * @param element an <svg> or <canvas>
 * @param {(width: number) => void} paint
 * @param {number|undefined} fixed a width in pixels that is kept, whatever the element's is
 * @returns {() => void} paints again
 */
export function mount(element, paint, fixed = undefined) {
  let last = NaN;
  const measured = () => fixed ?? Math.round(element.clientWidth || element.parentElement?.clientWidth || 0);
  const again = () => {
    last = measured();
    paint(last || WIDTH);
  };
  if (element instanceof HTMLCanvasElement) watchColours();
  mounted.set(element, {
    again,
    resized: () => {
      if (measured() > 0 && measured() !== last) again();
    },
  });
  element.style.width = fixed === undefined ? "100%" : `${fixed}px`;
  observer?.observe(element);
  again();
  return again;
}

/** Empty an <svg> and give it a size. */
export function begin(svg, width, height, name, role = "img") {
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  svg.setAttribute("role", role);
  svg.setAttribute("aria-label", name);
  svg.style.display = "block";
  svg.style.height = `${height}px`;
}

/**
 * A part of the picture that clips what it holds, so that a path may begin before the span that is shown.
 * Its coordinates are those of the whole picture.
 */
export function inside(svg, { left, top, right, bottom }) {
  const [width, height] = [Math.max(1, right - left), Math.max(1, bottom - top)];
  return add(svg, "svg", {
    x: left,
    y: top,
    width,
    height,
    viewBox: `${left} ${top} ${width} ${height}`,
    preserveAspectRatio: "none",
  });
}

/** Marks and numbers along the bottom. */
export function axisBelow(svg, sx, { left, right, bottom, top }, options = {}) {
  const most = Math.max(3, Math.floor((right - left) / 80));
  const marks = ticks(...sx.domain, most, options.integer);
  const texts = options.format ? marks.map((mark) => options.format(mark)) : formatMarks(marks);
  for (const [k, mark] of marks.entries()) {
    const place = Math.round(sx(mark)) + 0.5;
    add(svg, "path", { d: `M${place} ${top}V${bottom}`, stroke: "currentColor", opacity: 0.1 });
    add(svg, "path", { d: `M${place} ${bottom}v4`, stroke: "currentColor", opacity: 0.5 });
    label(svg, texts[k], { x: place, y: bottom + 15, "text-anchor": "middle" });
  }
  add(svg, "path", { d: `M${left} ${bottom + 0.5}H${right}`, stroke: "currentColor", opacity: 0.5 });
  if (options.label) {
    label(svg, options.label, { x: right, y: bottom + 28, "text-anchor": "end", opacity: 0.75 });
  }
}

/** Lines and numbers along the left side. */
export function axisLeft(svg, sy, { left, right, top, bottom }, options = {}) {
  const most = Math.max(2, Math.floor((bottom - top) / 26));
  const marks = ticks(...sy.domain, most, options.integer);
  const texts = options.format ? marks.map((mark) => options.format(mark)) : formatMarks(marks);
  for (const [k, mark] of marks.entries()) {
    const place = Math.round(sy(mark)) + 0.5;
    const opacity = mark === 0 && sy.domain[0] < 0 ? 0.5 : 0.12;
    add(svg, "path", { d: `M${left} ${place}H${right}`, stroke: "currentColor", opacity });
    label(svg, texts[k], { x: left - 6, y: place + 3.5, "text-anchor": "end" });
  }
  if (options.label) label(svg, options.label, { x: 2, y: 11, opacity: 0.75 });
}

/**
 * A cursor along x. It is a slider to the keyboard and to screen readers: arrows move it, Page Up and Page Down a
 * tenth of what is shown, Home and End to its ends.
 * @param svg
 * @param {() => {sx, left, right, top, bottom}} place where the plot lies now
 * @param options `onCursor(x)`, `describe(x)` the text at x, `step` along x (1), `hover` the mouse moves it without a
 *   button
 * @returns {{show: (x: number) => void, repaint: () => void}} `show` moves the cursor without calling back
 */
export function cursor(svg, place, options) {
  let now = null;
  let line = null;
  const step = options.step ?? 1;
  const clamp = (x) => {
    const [low, high] = place().sx.domain;
    return Math.min(high, Math.max(low, Math.round(x / step) * step));
  };
  const repaint = () => {
    const { sx, top, bottom } = place();
    line = add(svg, "path", {
      d: `M0 ${top}V${bottom}`,
      stroke: "currentColor",
      "stroke-width": 1.5,
      "stroke-dasharray": "3 2",
      "pointer-events": "none",
    });
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("role", "slider");
    svg.setAttribute("aria-valuemin", Math.ceil(sx.domain[0]));
    svg.setAttribute("aria-valuemax", Math.floor(sx.domain[1]));
    move();
  };
  const move = () => {
    const { sx } = place();
    const seen = now !== null && now >= sx.domain[0] && now <= sx.domain[1];
    line.setAttribute("visibility", seen ? "visible" : "hidden");
    if (seen) line.setAttribute("transform", `translate(${Math.round(sx(now) * 10) / 10} 0)`);
    svg.setAttribute("aria-valuenow", now ?? Math.ceil(sx.domain[0]));
    if (document.activeElement === svg || now === null) tell();
  };
  const tell = () => svg.setAttribute("aria-valuetext", now === null ? "no place chosen" : text(now));
  const text = (x) => options.describe?.(x) ?? formatNumber(x);
  const show = (x) => {
    now = x;
    if (line) move();
  };
  const go = (x) => {
    show(clamp(x));
    tell();
    options.onCursor?.(now);
  };
  const placeOf = (event) => {
    const box = svg.getBoundingClientRect();
    const { sx, width } = place();
    return sx.invert(((event.clientX - box.left) * width) / (box.width || width));
  };
  listen(svg, { go, placeOf, now: () => now, place, step, hover: options.hover });
  svg.addEventListener("focus", tell);
  return { show, repaint };
}

function listen(svg, { go, placeOf, now, place, step, hover }) {
  let held = false;
  svg.style.touchAction = "pan-y";
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = true;
    svg.setPointerCapture?.(event.pointerId);
    go(placeOf(event));
  });
  svg.addEventListener("pointermove", (event) => {
    if (held || (hover && event.pointerType === "mouse")) go(placeOf(event));
  });
  const release = () => {
    held = false;
  };
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [low, high] = place().sx.domain;
    const at = now() ?? low;
    const page = (high - low) / 10;
    const to = {
      ArrowLeft: at - step,
      ArrowRight: at + step,
      PageDown: at - page,
      PageUp: at + page,
      Home: low,
      End: high,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    go(to);
  });
}
