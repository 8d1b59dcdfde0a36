// Push messages to this browser: turned on and off on the account's page, renewed at each visit of the same person.
"use strict";
(() => {
  const { person, look } = document.currentScript.dataset;
  const NAME = "siaga-push"; // who turned it on in this browser, in which language, and when it was renewed
  const VISIT = 1800000; // ms: a visit ends with half an hour without a look
  const PATIENCE = 10000; // ms
  const place = document.getElementById("push");
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;

  const kept = () => {
    try {
      return JSON.parse(localStorage.getItem(NAME)) || {};
    } catch {
      return {};
    }
  };
  const asked = async (address, options) => {
    const answer = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(PATIENCE), ...options });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer;
  };
  const base64url = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function subscribe() {
    const { pushManager } = await navigator.serviceWorker.ready;
    const { key } = await (await asked("/account/push")).json();
    let found = await pushManager.getSubscription();
    if (found && base64url(found.options.applicationServerKey) !== key) {
      await found.unsubscribe(); // siaga has another key since: push services refuse its messages to this one
      found = null;
    }
    found = found || (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
    const headers = { "Content-Type": "application/json" };
    await asked("/account/push", { method: "POST", headers, body: JSON.stringify(found) });
    localStorage.setItem(NAME, JSON.stringify({ person, look, at: Date.now() }));
  }

  async function unsubscribe() {
    localStorage.removeItem(NAME);
    const found = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
    if (!found) return;
    const body = new URLSearchParams({ endpoint: found.endpoint });
    await Promise.allSettled([found.unsubscribe(), fetch("/account/push/remove", { method: "POST", body })]);
  }

  const mine = () => kept().person === person && Notification.permission === "granted";
  if (mine() && (Date.now() - kept().at > VISIT || kept().look !== look)) subscribe().catch(() => {}); // the next visit tries again

  if (!place) return;
  const on = document.getElementById("push-on"), off = document.getElementById("push-off");
  const said = document.getElementById("push-said");
  document.getElementById("push-needs").hidden = true;
  on.hidden = mine();
  off.hidden = !mine();
  on.addEventListener("click", async () => {
    if ((await Notification.requestPermission()) !== "granted") {
      said.textContent = place.dataset.denied;
      return;
    }
    try {
      await subscribe();
      location.reload();
    } catch (problem) {
      said.textContent = place.dataset.failed.replace("{why}", problem.message);
    }
  });
  off.addEventListener("click", () => unsubscribe().finally(() => location.reload()));
})();
