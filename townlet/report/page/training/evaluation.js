// How good policies are in a town: means over runs, with their standard errors.

import { formatNumber } from "#page/charts/scale.js";
import { el, panel } from "#page/dom.js";
import { table } from "#page/table.js";

const FIGURES = ["return", "difference", "fainted", "evicted", "wages", "chats"];
const TITLES = {
  return: "undiscounted reward of an agent",
  difference: "return less that of needs, seed by seed",
  fainted: "lives of a run",
  evicted: "lives of a run",
  wages: "coins of an agent",
  chats: "those of an agent that went well",
};

export function makeEvaluation({ town, runs, ticks, rows, alike }) {
  const note = el("span", {
    class: "muted",
    text: `${runs} runs of ${formatNumber(ticks, 12)} ticks each, seeds 0 to ${runs - 1}; ± is the standard error`,
  });
  const columns = [
    { name: "policy" },
    ...FIGURES.flatMap((figure) => [
      { name: figure, numeric: true, title: TITLES[figure], format: formatNumber },
      { name: "±", numeric: true, title: `standard error of ${figure}`, format: formatNumber },
    ]),
  ];
  const cells = (row) => FIGURES.flatMap((figure) => row[figure] ?? [null, null]);
  const made = panel(
    `Evaluation: ${town}`,
    note,
    table({
      caption: `Policies in ${town}`,
      columns,
      rows: rows.map((row) => [row.policy, ...cells(row)]),
      sorted: { column: 1, descending: true },
    }),
  );
  if (alike)
    made.append(el("p", { class: "notice", text: `All runs came to the same: ${alike.join(", ")}.` }));
  return made;
}
