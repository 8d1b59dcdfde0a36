// The page without a connection: says since when, and which forms this phone has kept. It stands at the address of the
// page that was asked for, so it leads on by loading that again.
"use strict";
(async () => {
  document.getElementById("again").href = location.href;
  window.addEventListener("online", () => location.reload());

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
