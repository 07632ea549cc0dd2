// A run that a page of many holds itself: `#run=2` in the address shows it, with a way back.

import { el } from "#page/dom.js";

function chosen(data) {
  const number = new URLSearchParams(location.hash.slice(1)).get("run");
  return number === null ? undefined : data.runs?.[Number(number)];
}

/**
 * Show the run that the address names.
 * @returns what the run's view returns, as a promise; undefined where the address names none
 */
export function showRun(root, data, back) {
  const run = chosen(data);
  if (run === undefined) {
    // A new page, rather than a second view in this one: keys and clocks of a replay stay its own.
    addEventListener("hashchange", () => {
      if (chosen(data) !== undefined) location.reload();
    });
    return undefined;
  }
  return import("#page/run/view.js").then((view) => {
    const shown = view.show(root, { ...data, runs: [run] });
    const link = el("a", { href: "#", text: back });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", "#");
      location.reload();
    });
    document.getElementById("top").prepend(el("p", {}, link));
    return shown;
  });
}
