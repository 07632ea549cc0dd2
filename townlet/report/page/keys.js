// What the keys do, and the page's own list of it.

import { button, el } from "#page/dom.js";

/**
 * Listen for keys all over the page. `keys` are rows: {keys: [as KeyboardEvent.key has them], name, says, does}.
 * Fields, buttons and links keep the keys that they use themselves. Returns a function that opens the list.
 */
export function bindKeys(keys) {
  const list = makeList(keys);
  document.body.append(list);
  const open = () => list.showModal();
  const byKey = new Map([...keys.flatMap((row) => row.keys.map((key) => [key, row.does])), ["?", open]]);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || list.open) return;
    if (keeps(event)) return;
    const does = byKey.get(event.key);
    if (does === undefined) return;
    event.preventDefault();
    does();
  });
  // Who presses a button with the mouse means the page by the next key: the space bar plays.
  document.addEventListener("click", (event) => {
    // (A button may have been made anew by what it did.)
    if (event.detail > 0 && event.target.closest("button")) {
      document.activeElement?.closest("button:not([role=tab])")?.blur();
    }
  });
  return open;
}

const ARROWS = /^(Arrow|Home|End|Page)/;

/** Whether the element that has the focus needs the key itself. */
function keeps({ key, target }) {
  if (target.matches("select, textarea, input:not([type=checkbox])")) return true;
  if (target.matches("button, summary, a, input")) return key === " " || key === "Enter";
  return target.matches(".scroll, .map, [role=tab]") && ARROWS.test(key);
}

function makeList(keys) {
  const rows = [...keys, { name: "?", says: "this list" }];
  const list = el(
    "dialog",
    { class: "keys", "aria-labelledby": "keys-title" },
    el("h2", { id: "keys-title", text: "What the keys do" }),
    el(
      "table",
      {},
      el(
        "tbody",
        {},
        rows.map((row) =>
          el(
            "tr",
            {},
            el("th", { scope: "row" }, el("kbd", { text: row.name })),
            el("td", { text: row.says }),
          ),
        ),
      ),
    ),
    button("Close", () => list.close()),
  );
  return list;
}
