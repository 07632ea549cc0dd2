// Colours of the style sheet, as canvases need them; read again where light and dark change.

const NAMES = [
  ...[
    "surface",
    "page",
    "raised",
    "ink",
    "muted",
    "line",
    "control",
    "accent",
    "accent-soft",
    "good",
    "bad",
    "warn",
  ],
  ...["idle", "walk", "queue", "hold", "work", "floor", "wall", "grid", "night", "shade"],
  ...Array.from({ length: 8 }, (_, i) => `series-${i}`),
];
let found;
const listeners = [];

export function colours() {
  if (found === undefined) {
    const style = getComputedStyle(document.documentElement);
    found = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    found.series = Array.from({ length: 8 }, (_, i) => found[`series-${i}`]);
  }
  return found;
}

/** Call `draw` whenever colours have changed, as long as the page is there. */
export function onColours(draw) {
  if (listeners.length === 0) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      found = undefined;
      for (const listener of listeners) listener();
    });
  }
  listeners.push(draw);
}

const STATES = { [-1]: "idle", [-2]: "walk", [-3]: "queue", [-4]: "hold", [-5]: "work" };

/** The name, in style.css, of the colour of what an agent does: idle and the like, or an affordance. */
export function doingName(code) {
  return code >= 0 ? `series-${code % 8}` : (STATES[code] ?? "idle");
}

export function doingColour(code) {
  return colours()[doingName(code)];
}

/** The colour of a life: eight, over and over; the letter tells lives apart. */
export function lifeColour(number) {
  return colours().series[(number - 1) % 8];
}

/** A canvas of so many CSS pixels, sharp on this screen; its context draws in CSS pixels. */
export function fit(canvas, width, height) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
