// The page's beginning: unpack the data, and show them by their kind.

import { load } from "#page/data.js";
import { el } from "#page/dom.js";

const VIEWS = {
  run: () => import("#page/run/view.js"),
  comparison: () => import("#page/comparison/view.js"),
  dataset: () => import("#page/dataset/view.js"),
  training: () => import("#page/training/view.js"),
};

async function begin() {
  const root = document.getElementById("main");
  const { head, arrays } = await load();
  const view = await VIEWS[head.kind]();
  document.getElementById("loading").remove();
  const shown = await view.show(root, head, arrays);
  if (shown?.model)
    Object.defineProperties(window.townlet, Object.getOwnPropertyDescriptors(testInterface(shown)));
}

/** What tests read and do: the numbers as the page has them. */
function testInterface({ model, clock }) {
  return {
    at: (tick, name) => {
      const number = model.number(name);
      const facts = model.facts(tick, number);
      if (facts === undefined) return null;
      return {
        ...facts,
        action: model.run.actions[facts.action],
        actionId: facts.action,
        doing: model.doing(facts.doing),
        features: Array.from(model.features.at(facts.row, tick)),
        mask: model.mask(facts.row, tick),
      };
    },
    go: (tick) => clock.go(tick),
    get tick() {
      return clock.tick;
    },
    get frames() {
      return clock.frames;
    },
  };
}

window.townlet = {};
window.townlet.ready = begin().catch((error) => {
  document.getElementById("loading")?.remove();
  const text = `This page cannot be shown: ${error.message}. A browser of 2023 or newer is needed.`;
  document.getElementById("main").prepend(el("p", { class: "problem", role: "alert", text }));
  throw error;
});
