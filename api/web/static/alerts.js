// The list of alerts, kept up to date. No row moves or changes under a finger: what is new is announced, and let in by
// a tap or when the list is at rest. Without this file every form and link works, and the page is loaded anew.
"use strict";
(() => {
  const live = document.getElementById("live");
  const news = document.getElementById("news");
  const bell = document.getElementById("bell");
  if (!live) return;
  const TITLE = document.title;
  const raised = new Map(); // alerts that are not in the list yet, by id
  const waiting = new Map(); // rows to change when the finger is up
  let open = Number(live.dataset.open); // alerts, for the badge of the app

  const list = () => document.getElementById("list");
  const phrase = (name, values) =>
    document.getElementById("phrases").dataset[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);

  const follow = globalThis.siagaFollow({
    isHeld: () => {
      const focus = document.activeElement;
      return list().querySelector("input:checked") !== null || (list().contains(focus) && focus !== list());
    },
    lifted: change,
    letIn,
  });

  // --- What comes ----------------------------------------------------------------------------------------------------

  function fits(alert) {
    const asked = new URLSearchParams(location.search);
    const scope = asked.get("village");
    const villages = [alert.village, ...(alert.evidence.villages || [])];
    if (scope && scope !== "*" && !villages.some((code) => code === scope || code.startsWith(`${scope}.`))) return false;
    if (asked.get("mine") === "1" || !["", "new"].includes(asked.get("state") || "")) return false;
    return ["kind", "severity"].every((name) => !asked.get(name) || asked.get(name) === alert[name]);
  }

  document.addEventListener("siaga:event", ({ detail: { type, alert, leading } }) => {
    const row = document.querySelector(`#list [data-alert="${CSS.escape(alert.id)}"]`);
    open = Math.max(0, open + ({ raised: 1, cleared: -1 }[type] || 0));
    badge();
    if (alert.cleared_at) raised.delete(alert.id);
    if (row) {
      waiting.set(alert.id, alert);
      change();
    } else if (type === "raised" && fits(alert)) {
      raised.set(alert.id, alert);
      if (leading) ring(alert);
    }
    follow.stir(raised.size > 0);
    announce();
  });

  function change() {
    if (follow.isTouched()) return;
    for (const [id, alert] of waiting) {
      const row = document.querySelector(`#list [data-alert="${CSS.escape(id)}"]`);
      if (row) changeRow(row, alert);
    }
    waiting.clear();
  }

  function changeRow(row, alert) {
    const name = alert.assignee || alert.acknowledged_by;
    const state = alert.cleared_at ? "cleared" : name ? "taken" : row.dataset.state === "snoozed" ? "snoozed" : "new";
    if (state === "snoozed") return;
    const zone = row.closest("[data-zone]")?.dataset.zone;
    const said = {
      cleared: () => phrase("cleared", { time: follow.clock(new Date(alert.cleared_at), zone) }),
      taken: () => (name === document.getElementById("phrases").dataset.me ? phrase("mine", {}) : phrase("taken", { name })),
      new: () => phrase("new", {}),
    };
    row.classList.remove(row.dataset.state);
    row.classList.add(state);
    row.dataset.state = state;
    row.querySelector(".who").textContent = said[state]();
  }

  function badge() {
    if (navigator.setAppBadge) navigator.setAppBadge(open).catch(() => {}); // only an installed app has one
  }

  function announce() {
    news.hidden = raised.size === 0;
    news.textContent = live.dataset.new.replace("{n}", raised.size);
    document.title = raised.size ? `(${raised.size}) ${TITLE}` : TITLE;
  }

  // --- Letting it in ---------------------------------------------------------------------------------------------------

  function letIn(fresh, { keep = false } = {}) {
    const before = list(), after = fresh.getElementById("list");
    if (!after) return location.reload();
    const chosen = keep ? [...before.querySelectorAll("input[name=alert]:checked, input[name=group]:checked")] : [];
    const anchor = [...before.querySelectorAll("[data-alert], section")].find((one) => one.getBoundingClientRect().bottom > 0);
    const top = anchor?.getBoundingClientRect().top;
    before.replaceWith(after);
    const same = anchor && document.getElementById(anchor.id);
    if (same && !document.hidden) scrollBy(0, same.getBoundingClientRect().top - top);
    for (const box of chosen) {
      const value = box.value.split(".")[0];
      const now = [...after.querySelectorAll(`input[name=${box.name}]`)].find((one) => box.name === "alert" ? one.value.split(".")[0] === value : one.value === box.value);
      if (now) now.checked = true;
    }
    document.querySelector(".chips").replaceWith(fresh.querySelector(".chips"));
    open = Number(fresh.getElementById("live").dataset.open);
    badge();
    follow.took();
    raised.clear();
    announce();
    count();
  }

  news.addEventListener("click", follow.tap);

  // --- Acting: the same forms, without leaving the page --------------------------------------------------------------

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (form.id !== "list" || !button) return;
    event.preventDefault();
    globalThis.siagaSend(button.formAction, new URLSearchParams(new FormData(form, button)), letIn);
  });

  document.addEventListener("click", async (event) => {
    const fold = event.target.closest("a.fold");
    if (!fold || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const fresh = await follow.page(fold.href);
      history.replaceState(null, "", fold.href);
      const key = fold.closest("section").dataset.group;
      letIn(fresh, { keep: true });
      document.querySelector(`[data-group="${CSS.escape(key)}"] a.fold`)?.focus();
    } catch {
      location.href = fold.href;
    }
  });

  function count() {
    const chosen = document.getElementById("chosen");
    if (!chosen) return;
    const n = list().querySelectorAll("input[name=alert]:checked, input[name=group]:checked").length;
    const rows = new Set();
    for (const box of list().querySelectorAll("input[name=alert]:checked")) rows.add(box.value);
    let folded = 0;
    for (const box of list().querySelectorAll("input[name=group]:checked")) {
      const section = box.closest("section");
      section.querySelectorAll("input[name=alert]").forEach((one) => rows.add(one.value));
      folded += Number(section.dataset.count) - section.querySelectorAll("input[name=alert]").length;
    }
    const all = document.getElementById("all").checked;
    if (all) chosen.textContent = chosen.dataset.chosen.replace("{n}", chosen.dataset.count);
    else chosen.textContent = n ? chosen.dataset.chosen.replace("{n}", rows.size + folded) : chosen.dataset.all;
    document.getElementById("acts").classList.toggle("on", n > 0 || all);
  }
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!list().contains(box) || box.type !== "checkbox") return;
    const tick = (within, boxes) => within.querySelectorAll(boxes).forEach((one) => (one.checked = box.checked));
    if (box.name === "all") tick(list(), "input[name=alert], input[name=group]");
    if (box.name === "group") tick(box.closest("section"), "input[name=alert]");
    // A row that is left out ends "the whole group" and "all that match"
    if (!box.checked) document.getElementById("all").checked = false;
    if (!box.checked && box.name === "alert") tick(box.closest("section"), "input[name=group]");
    count();
  });

  // --- Sound and notification, where somebody wants them -----------------------------------------------------------

  const wanted = () => localStorage.getItem("siaga-bell") === "on";
  const show = () => bell.setAttribute("aria-pressed", wanted());
  bell.addEventListener("click", async () => {
    localStorage.setItem("siaga-bell", wanted() ? "off" : "on");
    show();
    if (!wanted()) return;
    beep();
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  });

  function ring(alert) {
    if (!wanted()) return;
    beep();
    if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    try {
      new Notification(TITLE, { body: `${alert.facility || alert.device || alert.village}`, tag: alert.id });
    } catch {
      // Android shows notifications of service workers only
    }
  }

  function beep() {
    const audio = new AudioContext();
    const tone = audio.createOscillator(), volume = audio.createGain();
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0.2, audio.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.6);
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.6);
    tone.onended = () => audio.close();
  }

  document.body.classList.add("scripted");
  badge();
  show();
  count();
})();
