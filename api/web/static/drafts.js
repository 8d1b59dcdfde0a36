// The drafts of attestations in the browser's database, and how they are sent.
// A draft is shown to the person who made it alone, and sent in the name of that person alone.
// Pages and the service worker use it.
"use strict";
self.siagaDrafts = (() => {
  if (!self.indexedDB) return null;
  const GIVE_UP = 120000; // ms
  const LATER = [408, 429]; // too early

  const opened = new Promise((resolve, reject) => {
    const asked = indexedDB.open("siaga-drafts", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("draft", { keyPath: "draft" }); // to be sent
      asked.result.createObjectStore("form", { keyPath: ["person", "village"] }); // not finished yet
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  // A change is done when its transaction is, not when its request is
  const act = async (store, mode, verb) => {
    const database = await opened;
    return new Promise((resolve, reject) => {
      const change = database.transaction(store, mode, { durability: "strict" });
      const asked = verb(change.objectStore(store));
      change.oncomplete = () => resolve(asked.result);
      change.onerror = change.onabort = () => reject(change.error);
    });
  };
  const put = (draft) => act("draft", "readwrite", (rows) => rows.put(draft));
  const drop = (draft) => act("draft", "readwrite", (rows) => rows.delete(draft));
  const waiting = async (person) => {
    const all = await act("draft", "readonly", (rows) => rows.getAll());
    return all.filter((one) => one.person === person);
  };
  const keepForm = (form) => act("form", "readwrite", (rows) => rows.put(form));
  const dropForm = (person, village) => act("form", "readwrite", (rows) => rows.delete([person, village]));
  const form = (person, village) => act("form", "readonly", (rows) => rows.get([person, village]));

  // Set by 401 and 403: nothing more is sent until a page is opened by who has signed in then
  let stranger = false;

  // True: it need not be sent again. Only 200 and 201 mean that it is stored
  const sendOne = async (one) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(one.said)) body.append(name, value);
    one.photos.forEach((photo, n) => {
      body.append("photo", photo.blob, `${n + 1}.jpg`);
      body.append("source", photo.source);
    });
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), GIVE_UP);
    try {
      const headers = { "X-Siaga-Person": encodeURIComponent(one.person) };
      const answer = await fetch("/api/v1/attestations", { method: "POST", headers, body, signal: stop.signal });
      if (answer.status === 200 || answer.status === 201) return drop(one.draft).then(() => true);
      stranger = [401, 403].includes(answer.status);
      if (!stranger && answer.status >= 400 && answer.status < 500 && !LATER.includes(answer.status)) {
        const told = await answer.json().catch(() => ({}));
        await put({ ...one, problem: String(told.detail || answer.status) });
      }
    } catch {
      // no connection: it stays
    } finally {
      clearTimeout(late);
    }
    return false;
  };

  let busy = false;
  const changed = new Set();
  const channel = "BroadcastChannel" in self ? new BroadcastChannel("siaga-drafts") : null;
  const tell = (sent) => changed.forEach((verb) => verb(sent));
  if (channel) channel.onmessage = ({ data }) => tell(data);

  const flush = async (person) => {
    if (busy) return;
    busy = true;
    let sent = 0;
    try {
      for (const one of await waiting(person)) if (!stranger && !one.problem && (await sendOne(one))) sent += 1;
    } finally {
      busy = false;
    }
    tell(sent);
    if (channel) channel.postMessage(sent);
  };
  // One of all tabs sends. `inTurn`: after the one that sends now, whose answer may have failed
  const send = (person, inTurn = false) =>
    navigator.locks
      ? navigator.locks.request("siaga-drafts", { ifAvailable: !inTurn }, (lock) => lock && flush(person))
      : flush(person);

  const trust = () => (stranger = false); // for the service worker, which lives on while pages come and go

  return { put, drop, waiting, keepForm, dropForm, form, sendOne, send, trust, onchange: (verb) => changed.add(verb) };
})();
