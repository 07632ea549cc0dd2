// Numbers of every life over the span that is selected.

import { panel, el, replace, say } from "#page/dom.js";
import { number, percent, signed } from "#page/format.js";
import { lifeRows } from "#page/run/numbers.js";
import { table } from "#page/table.js";

export function makeSpan(model, clock) {
  const holder = el("div");
  const note = el("span", { class: "muted number" });
  const { needs } = model.run;
  const columns = [
    { name: "agent" },
    { name: "ticks", numeric: true, format: (value) => number(value) },
    { name: "reward", numeric: true, format: (value) => signed(value) },
    { name: "a tick", numeric: true, format: (value) => signed(value, 4), title: "Mean reward a tick" },
    ...needs.map((need) => ({
      name: need,
      numeric: true,
      format: (value) => number(value, 2),
      title: `Mean ${need}`,
    })),
    { name: "wallet", numeric: true, format: (value) => number(value, 2), title: "At the end of the span" },
    { name: "rivalry", numeric: true, format: (value) => number(value, 2), title: "Highest toward anybody" },
    { name: "idle", numeric: true, format: (value) => percent(value), title: "Share of ticks" },
    { name: "chats", numeric: true },
    { name: "refused", numeric: true },
  ];
  let waits = false;
  const write = () => {
    waits = false;
    const [low, high] = clock.chosen;
    say(note, `ticks ${number(low)} to ${number(high)}`);
    const rows = lifeRows(model, low, high).map((row) => [
      model.name(row.life),
      row.ticks,
      row.reward,
      row.reward / row.ticks,
      ...row.needs,
      row.wallet,
      row.rivalry,
      row.idle / row.ticks,
      row.chats,
      row.refused,
    ]);
    replace(
      holder,
      table({
        columns,
        rows,
        rowName: (row) => `Follow ${row[0]}`,
        onRow: ([name]) => clock.follow(model.number(name)),
      }),
    );
  };
  clock.on("span", () => {
    if (!waits) requestAnimationFrame(write);
    waits = true;
  });
  write();
  return panel("Lives in the span", note, holder);
}
