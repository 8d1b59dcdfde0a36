// The page without a connection: says since when, and which forms this phone has kept. It stands at the address of the
// page that was asked for, so it leads on by loading that again.
"use strict";
(async () => {
  const AGAIN = 10000; // ms
  const GIVE_UP = 8000;
  document.getElementById("again").href = location.href;
  // That there is a network does not mean that siaga answers
  const look = async () => {
    if (document.hidden || location.pathname === "/offline") return; // nothing else stands at its own address
    const answer = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(GIVE_UP) }).catch(() => null);
    if (answer && answer.ok) location.reload();
  };
  window.addEventListener("online", look);
  document.addEventListener("visibilitychange", look);
  setInterval(look, AGAIN);

  const phone = await caches.open("siaga-phone");
  const answered = await phone.match("/answered");
  if (answered) {
    const since = document.getElementById("since");
    const style = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" };
    const time = new Intl.DateTimeFormat(document.documentElement.lang, style).format(Number(await answered.text()));
    since.textContent = since.dataset.since.replace("%", time);
  }

  const forms = await caches.open("siaga-forms");
  const lines = [];
  for (const request of await forms.keys()) {
    const page = new DOMParser().parseFromString(await (await forms.match(request)).text(), "text/html");
    const link = document.createElement("a");
    link.className = "button";
    link.href = new URL(request.url).pathname;
    link.textContent = page.querySelector("h1").textContent;
    const line = document.createElement("li");
    line.append(link);
    lines.push(line);
  }
  const kept = document.getElementById("kept");
  kept.querySelector("ul").replaceChildren(...lines);
  kept.hidden = lines.length === 0;
})();
