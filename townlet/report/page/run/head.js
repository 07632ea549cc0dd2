// What a run is: its name, how it went in words, how it is made again.

import { button, el, name, say } from "#page/dom.js";
import { count, number } from "#page/format.js";
import { copyButton } from "#page/table.js";

const MOST_WARNINGS = 5; // at once

export function makeHead(run, version, jump, which = "") {
  const { head } = run;
  const facts = [
    ["seed", head.seed],
    ["ticks", number(head.ticks)],
    ["policy", head.policy],
    ["lives", number(run.lives.length)],
    ["run", head.fingerprint.slice(0, 12)],
    ["townlet", version],
  ];
  if (head.first > 0 || run.arrays.who.shape[1] < head.ticks) {
    facts.push(["shown", `ticks ${head.first} to ${head.first + run.arrays.who.shape[1] - 1}`]);
  }
  return el(
    "div",
    { class: "head" },
    el(which ? "h2" : "h1", {}, which && `${which}: `, name(head.scenario)),
    head.description && el("p", { class: "description" }, name(head.description)),
    el(
      "p",
      { class: "facts" },
      facts.map(([key, value]) => el("span", {}, `${key} `, el("b", { class: "number" }, name(value)))),
    ),
    head.branched_from && el("p", { class: "notice" }, branchText(head.branched_from)),
    verdict(head.verdict, jump),
    warnings(head.warnings),
    head.notices.map((text) => el("p", { class: "notice" }, name(text))),
    head.command && command(head.command),
  );
}

/** The first warnings, the others folded. */
function warnings(texts) {
  const lines = texts.map((text) => el("p", { class: "warning" }, name(text)));
  const more = lines.slice(MOST_WARNINGS);
  if (more.length === 0) return lines;
  const title = el("summary", { text: count(more.length, "more warning") });
  return [lines.slice(0, MOST_WARNINGS), el("details", { class: "more" }, title, more)];
}

/** There is none where a program's own object decided. */
function command(text) {
  return el(
    "div",
    { class: "command" },
    el("code", { tabindex: "0", text, "aria-label": "The command that makes it again" }),
    copyButton(() => text, "Copy command"),
  );
}

function branchText(from) {
  const parts = Object.entries(from).filter(([, value]) => ["string", "number"].includes(typeof value));
  return [
    "Branched from another run: ",
    name(parts.map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(", ")),
  ];
}

/** The verdict's parts, each a button where there is a moment to jump to. */
function verdict(parts, jump) {
  const line = el("p", { class: "verdict" });
  parts.forEach(({ text, tick, agent }, k) => {
    const moment = tick !== null && tick !== undefined;
    const part = moment
      ? button("", () => jump(tick, agent), { class: "link", title: `To tick ${tick}` })
      : el("span");
    part.append(name(text));
    const end = k < parts.length - 1 ? ";" : ".";
    line.append(el("span", { class: "part" }, part, end), " ");
  });
  return line;
}

export function writeFoot(foot, data) {
  const { head } = data.runs[0];
  const line = el("p", { class: "muted" });
  say(
    line,
    `Made by townlet ${data.version} from run ${head.fingerprint.slice(0, 16)}, whose stored actions were played again.`,
  );
  foot.replaceChildren(line);
}
