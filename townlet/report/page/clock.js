// One clock for everything on a page: the tick that is shown, what is followed, which span the numbers are of.

export const SPEEDS = [1, 2, 4, 8, 16, 32, 64, 128, 256]; // ticks a second

/**
 * A clock over the ticks first..last. Listeners are called by kind: `tick`, `frame` (each frame while it plays),
 * `playing`, `speed`, `life` (whom to follow), `span` (which ticks numbers are of), `view` (which ticks are drawn).
 */
export class Clock {
  constructor(first, last, still = false) {
    Object.assign(this, { first, last, still, tick: first, part: 0, playing: false, speed: 8, life: 0 });
    this.span = null;
    this.view = [first, last + 1];
    this.frames = 0;
    this.listeners = {};
  }

  on(kinds, listener) {
    for (const kind of kinds.split(" ")) (this.listeners[kind] ??= []).push(listener);
  }

  tell(kind) {
    for (const listener of this.listeners[kind] ?? []) listener(this);
  }

  go(tick) {
    const wanted = Math.min(this.last, Math.max(this.first, Math.round(tick)));
    if (!Number.isFinite(wanted)) return;
    const moved = wanted !== this.tick || this.part !== 0;
    this.tick = wanted;
    this.part = 0;
    if (!moved) return;
    this.bring(wanted);
    this.tell("tick");
    this.tell("frame");
  }

  step(by) {
    this.pause();
    this.go(this.tick + by);
  }

  follow(life) {
    if (life === this.life) return;
    this.life = life;
    this.tell("life");
  }

  setSpeed(speed) {
    this.speed = Math.min(SPEEDS.at(-1), Math.max(SPEEDS[0], speed));
    this.tell("speed");
  }

  faster(by) {
    const at = SPEEDS.findIndex((speed) => speed >= this.speed);
    this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at + by))]);
  }

  /** The ticks a..b, last included; null: all of them. */
  select(span) {
    const inside = span && [Math.max(this.first, Math.min(...span)), Math.min(this.last, Math.max(...span))];
    this.span = inside && inside[0] <= inside[1] ? inside : null;
    this.tell("span");
  }

  /** Begin the span at the present tick. */
  beginSpan() {
    this.select([this.tick, this.span ? Math.max(this.tick, this.span[1]) : this.last]);
  }

  /** End the span with the present tick. */
  endSpan() {
    this.select([this.span ? Math.min(this.tick, this.span[0]) : this.first, this.tick]);
  }

  /** Everything: no span, no zoom. */
  whole() {
    this.select(null);
    this.zoom(this.first, this.last + 1);
  }

  /** The ticks that numbers are of: first and last. */
  get chosen() {
    return this.span ?? [this.first, this.last];
  }

  /** Show the ticks from `low` up to `high`, as far as there are some, at least ten. */
  zoom(low, high) {
    const all = this.last + 1 - this.first;
    const width = Math.min(all, Math.max(Math.min(10, all), high - low));
    const start = Math.min(this.last + 1 - width, Math.max(this.first, low));
    this.view = [start, start + width];
    this.tell("view");
  }

  /** Make the view smaller (factor < 1) or larger around a tick that stays where it is. */
  scale(factor, around = this.tick) {
    const [low, high] = this.view;
    this.zoom(around - (around - low) * factor, around + (high - around) * factor);
  }

  /** Move the view so that the tick is in it. */
  bring(tick) {
    const [low, high] = this.view;
    if (tick >= low && tick < high) return;
    const start = tick < low ? tick - (high - low) * 0.1 : tick - (high - low) * 0.9;
    this.zoom(start, start + high - low);
  }

  play() {
    if (this.playing) return;
    if (this.tick >= this.last) this.go(this.first);
    this.playing = true;
    this.tell("playing");
    this.before = undefined;
    requestAnimationFrame((now) => this.frame(now));
  }

  pause() {
    if (!this.playing) return;
    this.playing = false;
    this.part = 0;
    this.tell("playing");
    this.tell("frame");
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  frame(now) {
    if (!this.playing) return;
    // A tab that was hidden for a while goes on from where it was.
    const passed = Math.min(0.1, (now - (this.before ?? now)) / 1000);
    this.before = now;
    this.frames += 1;
    this.advance(passed * this.speed);
    if (this.playing) requestAnimationFrame((next) => this.frame(next));
  }

  /** Go on by a part of a tick, or by several. */
  advance(ticks) {
    const exact = this.tick + this.part + ticks;
    const tick = Math.min(this.last, Math.floor(exact));
    this.part = tick === this.last ? 0 : exact - tick;
    if (tick !== this.tick) {
      this.tick = tick;
      this.bring(tick);
      this.tell("tick");
    }
    this.tell("frame");
    if (tick === this.last) this.pause();
  }

  /** How much of the tick has passed, 0 to 1, for what glides: nothing where motion is not wanted. */
  get phase() {
    return this.still ? 0 : this.part;
  }
}
