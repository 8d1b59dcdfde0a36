// What all pages have in common that follow the stream of alerts: they know when nobody touches them, ask the server
// for the page as it is by now, and take it in at rest or by a tap. Nothing moves or changes under a finger.
// A page gives: `isHeld` (something of it is in use, also where nobody touches it), `letIn(fresh, {keep})`, and where it
// wants `came(fresh)` (this may be announced) and `lifted` (the finger is up).
// It gets: `stir` (the page is not up to date; urgently: look also while it is in use), `tap` (let it in now), `took`
// (it is in), `forget` (another page is shown by now), `page` (ask for another one), `isTouched`, `clock`.
"use strict";
globalThis.siagaFollow = ({ isHeld, letIn, came = () => {}, lifted = () => {} }) => {
  const REST = 8000; // ms without touch, key or scrolling after which a page is at rest
  const EVERY = 3000; // ms between two looks at the server, however much happens
  let pending = null; // the page as it would be
  let stale = false;
  let urgent = false;
  let looking = false;
  let looked = 0;
  let touching = false;
  let active = Date.now();
  let tag = ""; // of the page that was asked for last: an unchanged one is not sent again

  // --- At rest -------------------------------------------------------------------------------------------------------

  const isBusy = () => !document.hidden && (touching || Date.now() - active < REST || isHeld());

  const note = () => (active = Date.now());
  document.addEventListener("pointerdown", () => { touching = true; note(); }, true);
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => { setTimeout(() => { touching = false; lifted(); }, 300); note(); }, true);
  }
  for (const name of ["keydown", "wheel", "scroll", "pointermove"]) addEventListener(name, note, { capture: true, passive: true });

  // --- Looking, and letting in ---------------------------------------------------------------------------------------

  // `null`: it is the same as the last time
  async function ask(address, headers = {}) {
    const answer = await fetch(address, {
      headers: { "X-Siaga-Refresh": "1", ...headers },
      signal: AbortSignal.timeout(20000),
    });
    if (answer.status === 304) return null;
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { fresh, tag: answer.headers.get("ETag") || "" };
  }

  async function look() {
    if (looking) return;
    looking = true;
    looked = Date.now();
    const wasUrgent = urgent;
    stale = urgent = false;
    try {
      const found = await ask(location.href, tag ? { "If-None-Match": tag } : {});
      if (found) {
        ({ fresh: pending, tag } = found);
        came(pending);
      }
    } catch {
      stir(wasUrgent);
    }
    looking = false;
    tick();
  }

  function tick() {
    if (pending && !isBusy()) letIn(pending);
    if (stale && !looking && Date.now() - looked > EVERY && (urgent || !isBusy()) && !document.hidden) look();
  }

  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });

  // --- The line ------------------------------------------------------------------------------------------------------

  const clock = (time, zone) =>
    new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone })
      .format(time)
      .replace(":", document.getElementById("live").dataset.clock);

  document.addEventListener("siaga:link", ({ detail: { state, since } }) => {
    const live = document.getElementById("live");
    live.hidden = false;
    live.dataset.state = state;
    const at = since ? clock(new Date(since)) : "";
    document.getElementById("link").textContent =
      { live: live.dataset.on, polling: live.dataset.poll, lost: live.dataset.lost.replace("{time}", at) }[state];
  });

  function stir(urgently = false) {
    stale = true;
    urgent ||= urgently;
  }

  document.addEventListener("siaga:reload", () => { stir(); look(); });

  return {
    clock,
    isTouched: () => touching,
    stir,
    took: () => (pending = null),
    forget: () => { pending = null; tag = ""; },
    page: async (address) => (await ask(address)).fresh,
    tap: async () => {
      if (!pending || stale) await look();
      if (pending) letIn(pending, { keep: true });
    },
  };
};
