// The service worker: without a connection it shows a page that says since when, and the forms of villages that the
// person visited. It keeps no page with data. SIAGA (version, files, header, icon, drafts) is put before this text.
"use strict";
importScripts(SIAGA.drafts);
const FILES = `siaga-files-${SIAGA.version}`;
const FORMS = "siaga-forms"; // forms by their address, without data, of the person who has signed in
const PHONE = "siaga-phone"; // /answered: time of the last answer in ms; /person: whose the forms are; /look
const PATIENCE = 8000; // ms that a form which is kept waits for the network
const NOTE_EVERY = 10000; // ms between two notes of the last answer
const MOST_FORMS = 60;

let noted = 0;
let forgotten = 0; // how often, in this worker's life
// Changes of what is kept go one after another, so nothing is put back after it was forgotten
let last = Promise.resolve();
const inTurn = (change) => (last = last.then(change, change));

const known = async (name) => {
  const found = await (await caches.open(PHONE)).match(`/${name}`);
  return found ? found.text() : "";
};
const note = async (name, text) => (await caches.open(PHONE)).put(`/${name}`, new Response(text));

async function answered(at) {
  if (at - noted < NOTE_EVERY) return;
  noted = at;
  await note("answered", String(at));
}

async function forget(person) {
  forgotten += 1;
  await caches.delete(FORMS);
  await note("person", person);
}

// Whose an answer is. A page that says nobody's name tells nothing, but the sign-in does: nobody has signed in
async function meet(path, answer) {
  const person = answer.headers.get(SIAGA.header);
  if (person === null && (path !== "/login" || answer.type === "opaqueredirect")) return;
  if ((await known("person")) !== (person || "")) await forget(person || "");
}

// Keep the form of a village, as the server makes it without data
async function keep(path) {
  const before = forgotten;
  const answer = await fetch(`${path}?kept=1`, { redirect: "manual" });
  await answered(Date.now());
  if (answer.status >= 500) return; // nothing is known of the form: the one that is kept stays
  await inTurn(async () => {
    if (forgotten !== before) return; // somebody signed out while it was on its way
    await meet(path, answer);
    const forms = await caches.open(FORMS);
    if (!answer.ok || !answer.headers.has(SIAGA.header)) {
      await forms.delete(path);
      return;
    }
    await forms.put(path, answer);
    const all = await forms.keys();
    for (const one of all.slice(0, Math.max(0, all.length - MOST_FORMS))) await forms.delete(one);
  });
}

async function keepAgain() {
  const kept = await (await caches.open(FORMS)).keys();
  await Promise.allSettled(kept.map((one) => keep(new URL(one.url).pathname)));
}

async function keepOffline() {
  await (await caches.open(FILES)).add("/offline"); // fails, and keeps the one that is there, unless the answer is 200
}

async function heard({ look, keep: path, answered: at }) {
  self.siagaDrafts?.trust();
  if (at) await answered(at);
  if (look && look !== (await known("look"))) {
    await keepOffline();
    await keepAgain();
    await note("look", look);
  }
  if (path) await keep(path);
}

async function page(event) {
  const path = new URL(event.request.url).pathname;
  const form = await caches.match(path, { cacheName: FORMS });
  const asked = fetch(event.request).then((answer) => {
    event.waitUntil(answered(Date.now()));
    event.waitUntil(inTurn(() => meet(path, answer)));
    return answer;
  });
  event.waitUntil(asked.catch(() => {}));
  const late = new Promise((_, fail) => form && setTimeout(fail, PATIENCE));
  try {
    return await Promise.race([asked, late]);
  } catch {
    return form || caches.match("/offline", { cacheName: FILES }).then((kept) => kept || Response.error());
  }
}

self.addEventListener("install", (event) => {
  const fill = async () => {
    await (await caches.open(FILES)).addAll(SIAGA.files);
    await keepOffline();
    await keepAgain(); // forms name the files of their version
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => ![FILES, FORMS, PHONE].includes(name)).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

// --- Drafts of attestations, sent when there is a network again, with no page open -----------------------------------

async function sendKept() {
  const person = decodeURIComponent(await known("person"));
  const drafts = self.siagaDrafts;
  if (!person || !drafts) return;
  await drafts.send(person, true);
  const left = (await drafts.waiting(person)).filter((one) => !one.problem);
  if (left.length) throw new Error("not all drafts were sent"); // the browser tries again later, some times
}

self.addEventListener("sync", (event) => event.tag === "siaga-drafts" && event.waitUntil(sendKept()));

// --- Push messages: shown also while no page is open. A browser demands that each is shown --------------------------

async function shown(event) {
  const said = event.data ? event.data.json() : {};
  if ("badge" in said && navigator.setAppBadge) await navigator.setAppBadge(said.badge).catch(() => {});
  await self.registration.showNotification(said.title || "siaga", {
    body: said.body,
    lang: said.lang,
    tag: said.tag || undefined, // of one alert the latest message stands
    renotify: Boolean(said.tag),
    icon: SIAGA.icon,
    badge: SIAGA.icon,
    actions: said.take ? [{ action: "take", title: said.take.title }] : [],
    data: { path: said.path, take: said.take },
  });
}

// The button of a message: take the alert, and say on the phone who takes care of it now
async function taken({ notification }) {
  const { tag, title, lang, data } = notification;
  let body = data.take.failed;
  try {
    const answer = await fetch(`/api/v1/alerts/${encodeURIComponent(tag)}/acknowledge`, {
      method: "POST",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (answer.ok) {
      const found = await answer.json();
      const who = found.assignee || found.acknowledged_by;
      const mine = who === decodeURIComponent(await inTurn(() => known("person")));
      body = mine ? data.take.mine : data.take.other.replace("{name}", () => who);
    }
  } catch {} // there is no network: the sentence says that it was not taken
  const { icon } = SIAGA;
  await self.registration.showNotification(title, { body, lang, tag, icon, badge: icon, silent: true, data: { path: data.path } });
}

async function opened({ notification }) {
  notification.close();
  const { path } = notification.data || {};
  const address = new URL(typeof path === "string" && path.startsWith("/") ? path : "/alerts", location.origin);
  if (address.origin !== location.origin) return;
  const pages = await self.clients.matchAll({ type: "window" });
  const page = pages.find((one) => one.url === address.href) || pages[0];
  if (!page) return self.clients.openWindow(address.href);
  await page.focus();
  if (page.url !== address.href) await page.navigate(address.href);
}

// The push service gave the browser another address
async function moved({ newSubscription, oldSubscription }) {
  const options = oldSubscription && oldSubscription.options;
  const found = newSubscription || (options && (await self.registration.pushManager.subscribe(options)));
  if (!found) return; // the next visit subscribes again
  const headers = { "Content-Type": "application/json" };
  await fetch("/account/push", { method: "POST", headers, body: JSON.stringify(found), redirect: "manual" });
}

async function silence() {
  if (navigator.clearAppBadge) await navigator.clearAppBadge().catch(() => {});
  if (!self.registration.pushManager) return;
  const found = await self.registration.pushManager.getSubscription();
  if (found) await found.unsubscribe();
}

self.addEventListener("push", (event) => event.waitUntil(shown(event)));
self.addEventListener("notificationclick", (event) => event.waitUntil(event.action === "take" ? taken(event) : opened(event)));
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(moved(event)));

self.addEventListener("message", (event) => event.waitUntil(heard(event.data)));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.method === "POST" && pathname === "/logout") {
    event.waitUntil(inTurn(() => forget("")));
    event.waitUntil(silence().catch(() => {})); // what the session was told of is nobody's any more
  }
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(event));
  else if (SIAGA.files.includes(pathname)) {
    event.respondWith(caches.match(request, { cacheName: FILES }).then((kept) => kept || fetch(request)));
  }
});
