// A chart with its title, its legend and the same numbers as a table: what a page shows of it to everybody.

import { colour } from "#page/charts/frame.js";
import { shown } from "#page/dom.js";
import { table } from "#page/table.js";

/** A new element of HTML. Text is set as text, never read as markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A text from data: it keeps its own direction of writing. */
export function isolated(text) {
  return element("bdi", {}, shown(text));
}

/**
 * @param {Function} draw of a chart: (svg or canvas, data, options)
 * @param data of that chart
 * @param options of that chart, and {title, note, canvas: false, legend: [{name, colour}], table: () => table options,
 *   readout: false (the values under a cursor that the mouse and arrow keys move)}
 * @returns {{element: HTMLElement, chart}} `chart`: what `draw` returned
 */
export function figure(draw, data, options) {
  const picture = options.canvas
    ? document.createElement("canvas")
    : document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const made = element("figure", { class: "chart" });
  if (options.title) made.append(element("figcaption", {}, isolated(options.title)));
  if (options.note) made.append(element("p", { class: "note" }, isolated(options.note)));
  if (options.legend) made.append(legend(options.legend));
  made.append(picture);
  const chart = options.readout
    ? withReadout(made, picture, draw, data, options)
    : draw(picture, data, named(options));
  if (options.table) made.append(folded("As a table", () => table(options.table())));
  return { element: made, chart };
}

function named(options) {
  return { name: options.title, ...options };
}

function withReadout(made, picture, draw, data, options) {
  const said = element("p", { class: "muted" }, "\u00a0");
  said.style.margin = "0";
  made.append(said);
  const onCursor = (x) => {
    said.textContent = chart.describe(x);
  };
  const chart = draw(picture, data, { ...named(options), hover: true, onCursor });
  return chart;
}

/** Names with the colours of their series. */
export function legend(entries) {
  const list = element("ul", { class: "legend" });
  list.style.cssText =
    "display: flex; flex-wrap: wrap; gap: 0.2em 1em; list-style: none; padding: 0; margin: 0.2em 0";
  for (const { name, colour: index } of entries) {
    const mark = element("span", { "aria-hidden": "true" });
    mark.style.cssText =
      "display: inline-block; width: 0.8em; height: 0.8em; margin-right: 0.35em; border-radius: 2px";
    mark.style.background = colour(index);
    const text = isolated(name);
    text.style.overflowWrap = "anywhere";
    list.append(element("li", {}, mark, text));
  }
  return list;
}

/** Something that is made when it is opened for the first time. */
export function folded(title, make, open = false) {
  const made = element("details", {}, element("summary", {}, title));
  const fill = () => {
    if (made.open && made.childElementCount === 1) made.append(make());
  };
  made.addEventListener("toggle", fill);
  made.open = open;
  fill();
  return made;
}
