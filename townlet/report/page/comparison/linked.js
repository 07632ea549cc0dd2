// Two replays in step: the second one's clock shows what the first one's does.

import { Clock } from "#page/clock.js";

const MOVES = [
  "go",
  "step",
  "setSpeed",
  "faster",
  "select",
  "beginSpan",
  "endSpan",
  "whole",
  "zoom",
  "scale",
  "play",
  "pause",
  "toggle",
];

/** A clock for `other` that is moved by `clock`, which is the one of `mine`; who is followed is followed by name. */
export function linkedClock(clock, mine, other) {
  const linked = new Clock(clock.first, clock.last, clock.still);
  for (const move of MOVES) linked[move] = (...given) => clock[move](...given);
  const take = () => {
    for (const key of ["tick", "part", "playing", "speed", "span", "view"]) linked[key] = clock[key];
  };
  for (const kind of ["tick", "frame", "playing", "speed", "span", "view"]) {
    clock.on(kind, () => {
      take();
      linked.tell(kind);
    });
  }
  let asked = false;
  clock.on("life", () => {
    if (asked) return;
    linked.life = clock.life > 0 ? other.number(mine.name(clock.life)) : 0;
    linked.tell("life");
  });
  linked.follow = (life) => {
    const same = life > 0 ? mine.number(other.name(life)) : 0;
    linked.life = life;
    asked = true; // somebody who lives in the other run alone is followed there alone
    clock.follow(same);
    asked = false;
    linked.tell("life");
  };
  take();
  return linked;
}
