// Elements made of plain data. Text is set as text, so that nothing in a name or description is ever parsed.

// What would end a line, turn the order of text around, or hide: written as townlet/escaping.py writes it.
const UNSAFE =
  // eslint-disable-next-line no-control-regex, no-misleading-character-class
  /[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

/** A name or value inside a line, with what cannot be seen escaped (`\x1b`). */
export function shown(text) {
  return String(text).replace(UNSAFE, (letter) => {
    const code = letter.codePointAt(0);
    const digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
    return `\\${{ 2: "x", 4: "u", 8: "U" }[digits]}${code.toString(16).padStart(digits, "0")}`;
  });
}

/**
 * An element. `properties` are attributes, but for `on` (listeners by event), `text`, and `class`; what is false,
 * null or undefined is left out. Children are elements, text, or lists of them.
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (key === "text") {
      element.textContent = shown(value);
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : shown(child));
  }
}

/** A name of data, kept apart from the direction of the text around it. */
export function name(text) {
  return el("bdi", { text });
}

/** Set an element's text, where it changes: what does not change costs no layout. */
export function say(element, text) {
  const wanted = shown(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

let made = 0;

/** An id that no other element has. */
export function unique(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}

/** A panel with a heading, and a note beside it. */
export function panel(title, note, ...children) {
  const id = unique("title");
  const heading = el("div", { class: "title" }, el("h2", { id, text: title }), note);
  return el("section", { class: "panel", "aria-labelledby": id }, heading, children);
}

export function button(text, press, properties = {}) {
  return el("button", { type: "button", text, on: { click: press }, ...properties });
}

/** A drop-down list. `choices` are pairs of value and text. */
export function choice(label, choices, value, change) {
  const list = el(
    "select",
    { on: { change: (event) => change(event.target.value) } },
    choices.map(([key, text]) => el("option", { value: key, selected: String(key) === String(value), text })),
  );
  return { field: el("label", { class: "field" }, el("span", { text: label }), list), list };
}
