// The agent that is followed, at the tick: what it does, gets, sees, may do, and which features changed.

import { colour } from "#page/charts/frame.js";
import { el, name, replace, say, unique } from "#page/dom.js";
import { count, number, percent, signed } from "#page/format.js";
import { makeEverybody } from "#page/replay/everybody.js";
import { makeFeatures, makeMask } from "#page/replay/choices.js";
import { makeSight } from "#page/replay/sight.js";

export function makeAgent(model, clock) {
  const mark = el("span", { class: "chip", "aria-hidden": "true" });
  const title = el("h2", { id: unique("agent") });
  const life = el("span", { class: "muted number" });
  const empty = makeEverybody(model, clock);
  const gone = el("p", { class: "muted" });
  const parts = [
    ["now", "Now", makeNow(model, clock)],
    ["sees", "Sees", makeSight(model, clock)],
    ["may", "May do", makeMask(model, clock)],
    ["features", "Features", makeFeatures(model, clock)],
  ];
  const tabs = makeTabs(parts, () => write());
  const box = el(
    "section",
    { class: "panel agent", "aria-labelledby": title.id },
    el("div", { class: "title" }, mark, title, life),
    empty.element,
    gone,
    tabs.bar,
    parts.map(([, , part]) => part.element),
  );

  const write = () => {
    const number_ = clock.life;
    const facts = number_ > 0 ? model.facts(clock.tick, number_) : undefined;
    empty.element.hidden = number_ > 0;
    if (number_ === 0) empty.write();
    gone.hidden = number_ === 0 || facts !== undefined;
    tabs.bar.hidden = facts === undefined;
    for (const [key, , part] of parts) {
      part.element.hidden = facts === undefined || key !== tabs.chosen();
      if (!part.element.hidden) part.write(facts);
    }
    if (!gone.hidden) say(gone, goneText(model, clock, number_));
  };
  const writeHead = () => {
    const one = model.life(clock.life);
    mark.hidden = one === undefined;
    replace(title, one ? name(one.name) : "Everybody");
    say(life, one ? lifeText(one) : "choose a name to follow it");
    if (one === undefined) return;
    say(mark, model.labels[clock.life - 1]);
    mark.style.setProperty("--mark", colour(clock.life - 1));
  };
  clock.on("life", writeHead);
  clock.on("tick life", write);
  writeHead();
  write();
  return box;
}

function lifeText(life) {
  const end = life.left ? `, ${life.left} at ${life.end - 1}` : "";
  const who = life.scripted ? "schedule" : `policy ${life.policy}`;
  return `${who} · from tick ${life.born}${end}`;
}

function goneText(model, clock, life) {
  const { born, end, left } = model.life(life);
  if (clock.tick < born) return `Arrives at tick ${born}.`;
  return left
    ? `${left[0].toUpperCase()}${left.slice(1)} at tick ${end - 1}.`
    : `Lived until tick ${end - 1}.`;
}

function makeTabs(parts, change) {
  let chosen = parts[0][0];
  const buttons = parts.map(([key, text, part], k) => {
    const [id, of] = [unique("tab"), unique("part")];
    part.element.id = of;
    part.element.setAttribute("role", "tabpanel");
    part.element.setAttribute("aria-labelledby", id);
    return el("button", {
      type: "button",
      role: "tab",
      id,
      "data-tab": key,
      "aria-controls": of,
      text,
      on: {
        click: () => choose(key),
        keydown: (event) => {
          const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (by === undefined) return;
          const next = (k + by + parts.length) % parts.length;
          choose(parts[next][0]);
          buttons[next].focus();
          event.preventDefault();
          event.stopPropagation();
        },
      },
    });
  });
  const choose = (key) => {
    chosen = key;
    mark();
    change();
  };
  const mark = () => {
    buttons.forEach((tab, k) => {
      const here = parts[k][0] === chosen;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
    });
  };
  mark();
  return {
    bar: el("div", { class: "tabs", role: "tablist", "aria-label": "Of the agent" }, buttons),
    chosen: () => chosen,
  };
}

/** Action and outcome, the learner's numbers, needs and reward terms. */
function makeNow(model, clock) {
  const action = el("p", { class: "action" });
  const state = el("p", { class: "muted" });
  const likely = el("p", { class: "muted number" });
  const names = [
    "reward",
    "log-prob",
    "probability",
    "entropy",
    "value",
    "advantage",
    "return to go",
    "wallet",
    "rivalry",
  ];
  const numbers = names.map(() => el("dd", { class: "number" }));
  const list = el(
    "dl",
    { class: "numbers" },
    names.map((text, k) => el("div", {}, el("dt", { text }), numbers[k])),
  );
  const needs = makeBars(model.run.needs, {
    low: 0,
    high: 1,
    thresholds: model.run.thresholds,
    format: number,
  });
  const reach = termReach(model);
  const terms = makeBars(model.run.terms, { low: -reach, high: reach, format: signed });
  const element = el(
    "div",
    {},
    action,
    state,
    likely,
    list,
    el(
      "div",
      { class: "bars-two" },
      el("div", {}, el("h3", { text: "Needs before acting" }), needs.element),
      el("div", {}, el("h3", { text: "Reward by term" }), terms.element),
    ),
  );
  const write = (facts) => {
    const parts = actionText(model, clock.life, facts);
    const told = parts.map((part) => part.textContent ?? part).join("");
    if (told !== action.textContent) replace(action, parts);
    say(state, stateText(model, facts));
    say(likely, likelyText(model, facts));
    const chance = Math.exp(facts.logProb);
    const texts = [
      signed(facts.reward),
      number(facts.logProb),
      percent(chance),
      number(facts.entropy),
      number(facts.value),
    ];
    texts.push(
      signed(facts.advantage),
      number(facts.returnToGo),
      number(facts.wallet),
      number(facts.rivalry),
    );
    numbers.forEach((dd, k) => say(dd, texts[k]));
    needs.write(facts.need);
    terms.write(facts.terms);
  };
  return { element, write };
}

/** "start use_shower at shower_1 — refused: reserved by alice", and what else came of the tick, a line each. */
function actionText(model, life, facts) {
  const action = model.run.actions[facts.action];
  const parts = [el("b", {}, name(action))];
  if (facts.object >= 0) parts.push(" at ", name(model.object(facts.object).id));
  if (facts.target > 0) parts.push(" to ", name(model.name(facts.target)));
  const told = model.eventsAt(facts.tick, life);
  const own = told.find((event) => (facts.refusal > 0 ? event[5] : event[3].startsWith(action) && event[4]));
  if (facts.refusal > 0) {
    const reason = own?.[4] || `refused: ${model.run.reasons[facts.refusal] ?? "?"}`;
    parts.push(" — ", el("span", { class: "bad" }, name(reason)));
  } else if (own) {
    parts.push(" — ", name(own[4]));
  }
  for (const event of told) {
    if (event === own) continue;
    parts.push(el("span", { class: "also" }, name(event[4] ? `${event[3]} — ${event[4]}` : event[3])));
  }
  return parts;
}

function stateText(model, facts) {
  const [x, y] = facts.position;
  const parts = [`at ${x}, ${y}`, model.doing(facts.doing)];
  if (facts.left > 0) parts.push(`${count(facts.left, "tick")} left`);
  if (facts.queuedAt >= 0) {
    const id = model.object(facts.queuedAt).id;
    parts.push(facts.place > 0 ? `number ${facts.place} in the queue of ${id}` : `holds ${id}`);
  }
  return parts.join(" · ");
}

/** The likeliest actions of a network. */
function likelyText(model, facts) {
  const { prob, prob_action: which } = model.arrays;
  if (prob === undefined) return "";
  const kinds = prob.shape[1];
  const parts = [];
  for (let k = 0; k < kinds; k += 1) {
    const at = (facts.row * kinds + k) * model.ticks + facts.tick - model.first;
    if (prob[at] > 0.0005) parts.push(`${model.run.actions[which[at]]} ${percent(prob[at])}`);
  }
  return parts.length > 0 ? `Likeliest: ${parts.join(", ")}` : "";
}

/** The largest reward term of all ticks: bars of all ticks have one scale. */
function termReach(model) {
  let most = 0;
  for (const value of model.arrays.term) if (Math.abs(value) > most) most = Math.abs(value);
  return most || 1;
}

/** Named bars between `low` and `high`, from 0. */
function makeBars(names, { low, high, thresholds = [], format }) {
  const zero = -low / (high - low);
  const fills = names.map(() => el("span", { class: "fill" }));
  const texts = names.map(() => el("span", { class: "number" }));
  const element = el(
    "div",
    { class: "bars" },
    names.map((text, k) => {
      const room = el("span", { class: "room" }, fills[k]);
      room.style.setProperty("--zero", `${100 * zero}%`);
      if (thresholds[k] !== undefined) {
        const limit = el("span", { class: "limit", title: `threshold ${number(thresholds[k])}` });
        limit.style.left = `${100 * thresholds[k]}%`;
        room.append(limit);
      }
      return el("div", { class: "bar" }, el("span", { class: "bar-name" }, name(text)), room, texts[k]);
    }),
  );
  const write = (values) => {
    values.forEach((value, k) => {
      const share = Math.max(-1, Math.min(1, value / (high - low)));
      fills[k].style.transform = `scaleX(${share.toFixed(4)})`;
      fills[k].classList.toggle("negative", value < 0);
      fills[k].classList.toggle("low", thresholds[k] !== undefined && value < thresholds[k]);
      say(texts[k], value === 0 ? "0" : format(value));
    });
  };
  return { element, write };
}

/** Follow the next or the previous one of those who live. */
export function followNext(model, clock, by) {
  const living = model.lives.map((_, i) => i + 1).filter((life) => model.lived(life, clock.tick));
  if (living.length === 0) return;
  const at = living.indexOf(clock.life);
  clock.follow(living[at < 0 ? (by > 0 ? 0 : living.length - 1) : (at + by + living.length) % living.length]);
}
