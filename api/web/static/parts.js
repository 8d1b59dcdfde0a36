// A page that follows what it is about, such as one alert, village, facility or device. What the server would send otherwise by now
// is put in part by part (`data-part`), at rest or by a tap; what is news (`data-news`) is announced at the top in words.
// What somebody wrote, chose, unfolded or scrolled to stays. Without this file the page is loaded anew.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const EVERY = 14000; // ms between two looks without an event: the stream beats every 15 s
  const about = new Set(live.dataset.about.split(" ")); // the alert, facility, devices or village
  const TITLE = document.title;
  let sent = new Map(); // the parts as the server sent them: scripts and people change those on the page
  let beat = Date.now();

  const main = () => document.getElementById("main");
  const news = document.getElementById("news");
  const parts = (page) => new Map([...page.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
  const remember = (page) => (sent = new Map([...parts(page)].map(([name, one]) => [name, one.outerHTML])));

  const follow = globalThis.siagaFollow({
    isHeld: () => {
      const focus = document.activeElement;
      const inForm = focus?.matches("input, select, textarea") && main().contains(focus);
      return inForm || main().querySelector(":focus-visible:not(#news)") !== null || !getSelection().isCollapsed;
    },
    came: (fresh) => announce(newsOf(fresh)),
    letIn,
  });

  function concerns(alert) {
    if (about.has(alert.id) || about.has(alert.facility) || about.has(alert.device)) return true;
    const villages = [alert.village, ...(alert.evidence.villages || [])];
    return !alert.facility && !alert.device && villages.some((code) => about.has(code));
  }

  document.addEventListener("siaga:event", ({ detail: { alert } }) => {
    if (!concerns(alert)) return;
    follow.stir(true);
    if (document.hidden) document.title = `(1) ${TITLE}`; // what it is, is looked up when somebody comes back
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden) document.title = TITLE; });

  document.addEventListener("siaga:beat", () => {
    if (Date.now() - beat < EVERY) return;
    beat = Date.now();
    follow.stir();
  });

  // --- What is new ---------------------------------------------------------------------------------------------------

  // The parts of a page that are news, as they are there
  function newsOf(fresh) {
    const shown = parts(document);
    return [...parts(fresh).values()].filter((one) => {
      const before = shown.get(one.dataset.part);
      return one.dataset.news !== undefined && one.dataset.news !== before?.dataset.news;
    });
  }

  function announce(found) {
    const said = found.map((one) => one.dataset.said || one.querySelector("h2").textContent);
    news.hidden = found.length === 0;
    news.textContent = live.dataset.changed.replace("{what}", said.join(", "));
    document.title = found.length ? `(${found.length}) ${TITLE}` : TITLE;
  }

  // --- Letting it in -------------------------------------------------------------------------------------------------

  function letIn(fresh) {
    const found = newsOf(fresh).map((one) => one.dataset.part);
    const before = parts(document), after = parts(fresh);
    const anchor = [...before.values()].find((one) => one.getBoundingClientRect().bottom > 0);
    const top = anchor?.getBoundingClientRect().top;
    const now = new Map([...after].map(([name, one]) => [name, one.outerHTML]));
    if ([...before.keys()].join() !== [...after.keys()].join()) {
      fresh.getElementById("live").replaceWith(live); // how the line is, the server does not know
      swap(main(), fresh.getElementById("main"));
    } else {
      for (const [name, one] of after) if (now.get(name) !== sent.get(name)) swap(before.get(name), one);
    }
    sent = now;
    const shown = parts(document), same = anchor && shown.get(anchor.dataset.part);
    if (same && !document.hidden) scrollBy(0, same.getBoundingClientRect().top - top);
    for (const one of shown.values()) one.classList.toggle("let-in", found.includes(one.dataset.part));
    follow.took();
    announce([]);
    document.dispatchEvent(new CustomEvent("siaga:fresh", { detail: "let in" }));
  }

  function swap(before, after) {
    keepUnfolded(before, after);
    keepWritten(before, after);
    before.replaceWith(after);
  }

  function keepUnfolded(before, after) {
    const all = [...after.querySelectorAll("details")];
    const name = (one) => `${one.closest("[data-key]")?.dataset.key} ${one.querySelector("summary").textContent}`;
    for (const one of before.querySelectorAll("details[open]")) {
      const same = all.find((other) => name(other) === name(one));
      if (same) same.open = true;
    }
  }

  function keepWritten(before, after) {
    const fields = (within) => [...within.querySelectorAll("form :is(input:not([type=hidden]), textarea, select)[name]")];
    const name = (one) => `${one.closest("[data-key]")?.dataset.key} ${one.form.getAttribute("action")} ${one.name}`;
    const all = fields(after);
    for (const one of fields(before)) {
      const same = all.find((other) => name(other) === name(one));
      if (!same || !isChanged(one)) continue;
      if (one.matches("[type=checkbox]")) same.checked = one.checked;
      else if (!one.matches("select") || [...same.options].some((option) => option.value === one.value)) same.value = one.value;
    }
  }

  function isChanged(field) {
    if (field.matches("[type=checkbox]")) return field.checked !== field.defaultChecked;
    if (!field.matches("select")) return field.value !== field.defaultValue;
    const first = [...field.options].find((one) => one.defaultSelected) || field.options[0];
    return field.value !== first?.value;
  }

  news.addEventListener("click", follow.tap);

  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, () => document.querySelectorAll(".let-in").forEach((one) => one.classList.remove("let-in")), true);
  }

  // A form was answered with the page
  document.addEventListener("siaga:fresh", ({ detail }) => {
    if (detail === "let in") return;
    follow.forget();
    remember(document);
    announce([]);
  });

  remember(document);
})();
