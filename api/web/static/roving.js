// One tab stop for each group of links; arrows, Home and End move inside it. Without this file each link is a stop.
"use strict";
(() => {
  const items = (group) => [...group.querySelectorAll("a")];
  const stop = (group, item) => {
    for (const one of items(group)) one.setAttribute("tabindex", one === item ? "0" : "-1");
  };

  // The nearest item whose middle lies above or below; in one line there is none
  function beside(all, from, down) {
    const at = from.getBoundingClientRect(), x = at.x + at.width / 2, y = at.y + at.height / 2;
    let best = null, least = Infinity;
    for (const one of all) {
      const box = one.getBoundingClientRect();
      const dx = Math.abs(box.x + box.width / 2 - x), dy = (box.y + box.height / 2 - y) * (down ? 1 : -1);
      if (dy > at.height / 2 && dy + 2 * dx < least) { best = one; least = dy + 2 * dx; }
    }
    return best;
  }

  function target(all, at, key) {
    if (key === "ArrowRight") return all[at + 1];
    if (key === "ArrowLeft") return all[at - 1];
    if (key === "ArrowDown") return beside(all, all[at], true);
    if (key === "ArrowUp") return beside(all, all[at], false);
    if (key === "Home") return all[0];
    return key === "End" ? all[all.length - 1] : null;
  }

  function prepare() {
    for (const group of document.querySelectorAll("[data-roving]")) {
      const all = items(group);
      if (all.length && !all.some((one) => one.getAttribute("tabindex") === "0")) {
        stop(group, all[group.classList.contains("days") ? all.length - 1 : 0]);
      }
    }
  }

  document.addEventListener("keydown", (event) => {
    const group = event.target.closest?.("[data-roving]");
    if (!group || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = items(group), next = target(all, all.indexOf(event.target.closest("a")), event.key);
    if (!next) return;
    event.preventDefault();
    stop(group, next);
    next.focus();
  });
  document.addEventListener("focusin", (event) => {
    const group = event.target.closest?.("[data-roving]");
    if (group) stop(group, event.target.closest("a"));
  });
  document.addEventListener("siaga:fresh", prepare);
  prepare();
})();
