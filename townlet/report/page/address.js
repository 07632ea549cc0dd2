// `#t=70&agent=alice` in the address: what is looked at can be sent to somebody.

/** What an address asks for: {tick, agent}; what it does not say is undefined. */
export function readAddress(hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, ""));
  const tick = asked.get("t");
  return {
    tick: tick !== null && /^\d+$/.test(tick) ? Number(tick) : undefined,
    agent: asked.get("agent") ?? undefined,
  };
}

/** The address of a moment; what else stood in it (`hash`) stays. */
export function writeAddress(tick, agent, hash = "") {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  said.set("t", tick);
  if (agent === undefined) said.delete("agent");
  else said.set("agent", agent);
  return `#${said}`;
}

/** Go where the address says, now and whenever it changes; keep it up to date while the clock stands. */
export function bindAddress(clock, model) {
  let known; // the address that was last read or written
  const go = () => {
    known = location.hash;
    const { tick, agent } = readAddress(known);
    if (agent !== undefined && model.number(agent) > 0) clock.follow(model.number(agent));
    if (tick !== undefined) {
      clock.pause();
      clock.go(tick);
    }
  };
  let waiting;
  const write = () => {
    clearTimeout(waiting);
    if (clock.playing) return;
    // Browsers take only so many new addresses a second.
    waiting = setTimeout(() => {
      if (location.hash !== known) return; // somebody typed another, whose event is on its way
      const agent = clock.life > 0 ? model.name(clock.life) : undefined;
      const wanted = writeAddress(clock.tick, agent, known);
      if (wanted !== known) history.replaceState(null, "", wanted);
      known = location.hash;
    }, 150);
  };
  go();
  clock.on("tick life playing", write);
  window.addEventListener("hashchange", go);
}
