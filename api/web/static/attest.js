// Attestations from the phone: what is entered is kept in the browser with its photos, and sent until it was taken.
// Each draft has a name of its own, so the server keeps it once, however often it is sent. It is its person's alone.
(() => {
  "use strict";
  const form = document.getElementById("attest");
  const waiting = document.getElementById("waiting");
  const drafts = window.siagaDrafts;
  if (!waiting || !drafts) return;
  const { person } = waiting.dataset;
  const words = form ? form.dataset : {};
  const MOST_PHOTOS = 6;
  const AGAIN = 20000; // ms
  const fill = (text, value) => (text || "%").replace("%", value);

  const place = () =>
    new Promise((resolve) => {
      if (!navigator.geolocation) return resolve({});
      const options = { maximumAge: 60000, timeout: 5000, enableHighAccuracy: true };
      navigator.geolocation.getCurrentPosition(
        (found) => resolve({ lat: found.coords.latitude, lon: found.coords.longitude }),
        () => resolve({}), // it is a fact beside it, and never a condition
        options
      );
    });

  const show = async () => {
    const found = await drafts.waiting(person);
    const list = waiting.querySelector("ul");
    list.replaceChildren(
      ...found.map((one) => {
        const line = document.createElement("li");
        line.dataset.draft = one.draft;
        const text = document.createElement("span");
        text.textContent = `${one.village} ${one.label} (${one.photos.length})`;
        line.append(text);
        if (one.problem) {
          const why = document.createElement("small");
          why.textContent = fill(words.failed, one.problem);
          const remove = document.createElement("button");
          remove.type = "button";
          remove.textContent = words.delete || "×";
          remove.onclick = () => drafts.drop(one.draft).then(show);
          text.append(why);
          line.append(remove);
        }
        return line;
      })
    );
    waiting.hidden = found.length === 0;
    // What was refused does not go by itself
    waiting.querySelector("p").hidden = found.every((one) => one.problem);
    if (form && found.some((one) => one.problem)) form.querySelector(".said").textContent = "";
  };

  // What was sent stands among the last ones, and its indicator is due no more
  const refresh = async () => {
    const answer = await fetch(window.location.pathname);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [before, after] = [document.getElementById("recent"), page.getElementById("recent")];
    if (before && after) before.replaceWith(after);
    for (const option of page.querySelectorAll("select[name=indicator] option")) {
      const mine = form.querySelector(`option[value="${option.value}"]`);
      if (mine) mine.textContent = option.textContent;
    }
  };

  const send_all = () => drafts.send(person);
  // Where the browser can (Background Sync), the service worker sends also when no page is open
  const send_later = () =>
    navigator.serviceWorker?.ready.then(({ sync }) => sync && sync.register("siaga-drafts")).catch(() => {});
  drafts.onchange(async (sent) => {
    await show();
    if (!sent || !form) return;
    form.querySelector(".said").textContent = words.sent;
    await refresh().catch(() => {}); // the next visit shows it
  });

  if (form) {
    const field = (name) => form.elements.namedItem(name);
    const village = field("village").value;
    let photos = []; // {blob, source}
    const ready = () => {
      form.querySelector(".ready").textContent = photos.length ? fill(words.ready, String(photos.length)) : "";
    };
    const entered = () => ({
      indicator: field("indicator").value,
      met: field("met").value,
      date: field("date").value,
      note: field("note").value,
    });
    const keep = () => drafts.keepForm({ person, village, entered: entered(), photos }).catch(() => {});
    // A form that the phone kept may be days old: its date is today's in the village, and each draft has its own name
    const begin = () => {
      field("draft").value = crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random()}`;
      if (!form.dataset.zone) return;
      const today = new Intl.DateTimeFormat("sv", { timeZone: form.dataset.zone, dateStyle: "short" }).format(new Date());
      field("date").value = field("date").max = today;
    };
    const restore = async () => {
      const kept = await drafts.form(person, village);
      if (!kept) return;
      for (const [name, value] of Object.entries(kept.entered)) if (value && name !== "date") field(name).value = value;
      photos = kept.photos;
      ready();
    };
    form.addEventListener("input", (event) => event.target.type !== "file" && keep());
    form.addEventListener("change", async (event) => {
      const input = event.target;
      if (input.type !== "file") return;
      const files = [...input.files];
      input.value = "";
      for (const file of files) {
        if (photos.length < MOST_PHOTOS) photos.push({ blob: await siagaShrink(file), source: input.dataset.source });
      }
      ready();
      await keep();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button.main");
      button.disabled = true;
      const said = { village, ...entered(), draft: field("draft").value, device_time: new Date().toISOString() };
      const option = field("indicator").selectedOptions[0];
      const one = { person, draft: said.draft, village, label: option ? option.textContent : "", said, photos };
      try {
        await drafts.put(one); // before anything else: from here on nothing is lost
      } catch {
        form.querySelector(".said").textContent = words.unsaved;
        await drafts.sendOne(one);
        button.disabled = false;
        return;
      }
      form.querySelector(".said").textContent = words.saved;
      await drafts.put({ ...one, said: { ...said, ...(await place()) } });
      await drafts.dropForm(person, village);
      photos = [];
      form.reset();
      begin();
      ready();
      button.disabled = false;
      await show();
      send_later();
      await send_all();
    });
    begin();
    restore().catch(() => {});
  }

  window.addEventListener("online", send_all);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && send_all());
  setInterval(send_all, AGAIN);
  show().then(send_all);
})();
