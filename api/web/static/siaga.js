// Keeps the page up to date: asks whether it has changed, and puts in only the parts that did.
// Without this file the page reloads itself once a minute.
"use strict";
(() => {
  const EVERY = 5000; // ms between two looks; an unchanged page answers with a few bytes
  const status = document.getElementById("updated");
  let failures = 0;

  const parts = (page) => [...page.querySelectorAll("main > [id], .villages > [id]")];

  const assets = (page) =>
    [...page.querySelectorAll("script[src], link[rel=stylesheet]")].map((one) => one.getAttribute("src") ?? one.getAttribute("href")).join();

  const owner = (one) => {
    const at = one.closest("[data-facility], [data-region], [id]");
    return at.dataset.facility || at.dataset.region || at.id;
  };

  // What somebody has unfolded stays unfolded
  function unfold(before, after) {
    const all = (part) => [part, ...part.querySelectorAll("details")].filter((one) => one.matches("details"));
    for (const one of all(before)) {
      const same = one.open && all(after).find((other) => owner(other) === owner(one));
      if (same) same.open = true;
    }
  }

  function take(fresh) {
    const before = parts(document), after = parts(fresh);
    if (before.map((part) => part.id).join() !== after.map((part) => part.id).join()) {
      document.getElementById("main").replaceWith(fresh.getElementById("main"));
      return;
    }
    before.forEach((part, index) => {
      unfold(part, after[index]);
      if (part.outerHTML !== after[index].outerHTML) part.replaceWith(after[index]);
    });
  }

  async function look() {
    const answer = await fetch(location.href, {
      headers: { "If-None-Match": `W/"${status.dataset.version}"` },
      signal: AbortSignal.timeout(20000),
    });
    if (answer.status !== 304) {
      if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      // A page of another kind, such as the sign-in, or one with other scripts and styles, is loaded whole: so a screen
      // on the wall takes what is new after an update of siaga
      if (!fresh.getElementById("updated") || assets(fresh) !== assets(document)) {
        location.reload();
        return;
      }
      take(fresh);
      document.dispatchEvent(new Event("siaga:fresh"));
      status.dataset.version = fresh.getElementById("updated").dataset.version;
    }
    status.textContent = answer.headers.get("X-Siaga-Updated");
  }

  async function again() {
    if (!document.hidden) {
      try {
        await look();
        failures = 0;
      } catch {
        failures += 1;
      }
      document.body.classList.toggle("stale", failures > 2);
      if (failures > 2) status.textContent = status.dataset.stale;
    }
    setTimeout(again, EVERY * Math.min(1 + failures, 6));
  }

  setTimeout(again, EVERY);
})();
