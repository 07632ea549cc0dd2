// Tables that are sorted by a click on a column's name, and copied as CSV.

import { shown } from "#page/dom.js";

const SHOWN = 200; // rows at first

/**
 * The order of rows, as numbers of rows: numbers by size, texts by letters, what is missing last, equal ones as they
 * came. Whole numbers that are text, as seeds are, stand before other texts, by size.
 */
export function order(rows, column, descending = false) {
  const sign = descending ? -1 : 1;
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  const compare = (one, other) => {
    if (missing(one) || missing(other)) return Number(missing(one)) - Number(missing(other));
    if (typeof one === "number" && typeof other === "number") return sign * (one - other);
    const [a, b] = [String(one), String(other)];
    const [left, right] = [digits(a), digits(b)];
    if ((left === null) !== (right === null)) return sign * (left === null ? 1 : -1);
    if (left !== null && left.length !== right.length) return sign * (left.length - right.length);
    return a === b ? 0 : sign * (a < b ? -1 : 1);
  };
  return rows.map((_, k) => k).sort((a, b) => compare(rows[a][column], rows[b][column]) || a - b);
}

/** A whole number's digits without zeros before them; null for any other text. */
function digits(text) {
  return /^\d+$/.test(text) ? text.replace(/^0+(?=\d)/, "") : null;
}

/**
 * Rows as CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it, as
 * spreadsheets want it: names in data come from anywhere.
 */
export function csv(columns, rows) {
  const cell = (value) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    if (typeof value === "number") return String(value);
    const text = /^[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map(({ name }) => name), ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * @param options {columns: [{name, numeric: false, format: value => text, title, link: row => address or null}],
 *   rows: [[value, ...], ...], caption, sorted: {column, descending}, onRow: (row, number) => void with onRowName}
 * @returns {HTMLElement}
 */
export function table({ columns, rows, caption, sorted = null, onRow = null, rowName = null }) {
  const state = { sorted, shown: SHOWN };
  const box = made("div", { class: "table" });
  const scroll = made("div", { class: "scroll", role: "region", tabindex: "0" });
  scroll.setAttribute("aria-label", caption ?? "table");
  scroll.style.overflowX = "auto";
  const grid = made("table");
  if (caption) {
    const title = made("caption", { class: "muted" }, made("bdi", {}, shown(caption)));
    title.style.textAlign = "start";
    grid.append(title);
  }
  const head = made("tr");
  const body = made("tbody");
  const more = made("button", { type: "button" });
  const fill = () => {
    const { column, descending } = state.sorted ?? {};
    const which = column === undefined ? rows.map((_, k) => k) : order(rows, column, descending);
    body.replaceChildren(
      ...which.slice(0, state.shown).map((k) => rowOf(columns, rows[k], k, onRow, rowName)),
    );
    more.hidden = rows.length <= state.shown;
    more.textContent = `Show all ${rows.length} rows`;
    for (const [k, cell] of [...head.children].entries()) {
      const sort = k === column ? (descending ? "descending" : "ascending") : null;
      if (sort) cell.setAttribute("aria-sort", sort);
      else cell.removeAttribute("aria-sort");
    }
  };
  for (const [k, column] of columns.entries()) {
    const button = made("button", { type: "button", class: "sort" }, made("bdi", {}, column.name));
    if (column.title) button.title = column.title;
    button.addEventListener("click", () => {
      const again = state.sorted?.column === k;
      state.sorted = { column: k, descending: again ? !state.sorted.descending : Boolean(column.numeric) };
      fill();
    });
    const cell = made("th", { scope: "col", class: column.numeric ? "number" : null }, button);
    cell.style.whiteSpace = "nowrap";
    head.append(cell);
  }
  more.addEventListener("click", () => {
    state.shown = Infinity;
    fill();
  });
  grid.append(made("thead", {}, head), body);
  scroll.append(grid);
  fill();
  box.append(
    scroll,
    more,
    copyButton(() => csv(columns, ordered(rows, state.sorted))),
  );
  return box;
}

function ordered(rows, sorted) {
  return sorted ? order(rows, sorted.column, sorted.descending).map((k) => rows[k]) : rows;
}

function rowOf(columns, row, number, onRow, rowName) {
  const line = made("tr");
  for (const [k, column] of columns.entries()) {
    const value = row[k];
    const text = column.format
      ? column.format(value)
      : value === null || value === undefined
        ? ""
        : String(value);
    const address = column.link?.(row, value);
    let content = made("bdi", {}, shown(text));
    if (address) content = made("a", { href: address }, content);
    else if (onRow && k === 0) {
      content = made("button", { type: "button", class: "jump" }, content);
      if (rowName) content.setAttribute("aria-label", rowName(row));
      content.addEventListener("click", () => onRow(row, number));
    }
    const attributes = { scope: k === 0 ? "row" : null, class: column.numeric ? "number" : null };
    const cell = made(k === 0 ? "th" : "td", attributes, content);
    // A number stays on its line, and a name is not cut into letters: the table scrolls instead.
    if (column.numeric) cell.style.whiteSpace = "nowrap";
    else Object.assign(cell.style, { overflowWrap: "break-word", maxWidth: "28em" });
    line.append(cell);
  }
  return line;
}

/** A button that copies a text. Where the browser lets nobody copy, the text appears, selected. */
export function copyButton(text, name = "Copy as CSV") {
  const box = made("div", { class: "copy" });
  const button = made("button", { type: "button" }, name);
  const said = made("span", { role: "status" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      said.textContent = " copied";
    } catch {
      said.textContent = " copy what is selected:";
      const area = made("textarea", { rows: "6", readonly: "", "aria-label": name });
      area.style.width = "100%";
      area.value = text();
      box.querySelector("textarea")?.remove();
      box.append(area);
      area.select();
    }
  });
  box.append(button, said);
  return box;
}

function made(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
