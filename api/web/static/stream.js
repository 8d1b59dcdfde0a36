// One stream of alerts a browser, however many tabs it has: the tab that holds a Web Lock leads and reads the stream,
// the others hear of it by BroadcastChannel. A browser that has neither polls.
// Tells the page by events of the document: siaga:event (an alert was raised, changed or cleared), siaga:reload (some
// of them were missed), siaga:link (live, lost or polling), siaga:beat (the server is there, every 15 s at least).
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const NAME = "siaga-alerts";
  const SILENT = 40000; // ms; the server says every 15 s that it is there
  const POLL = 60000;
  const KEPT = 500; // events that a tab which opens late can still be told of
  let last = Number(live.dataset.after); // the newest event that this page has seen
  let from = last; // as leader: from where on all events are kept
  let kept = [];
  let source = null;
  let leading = false;
  let heard = Date.now();
  let state = "";
  let refused = 0; // how often the server has refused the stream, one time after the other

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const canShare = "BroadcastChannel" in window && "locks" in navigator && "EventSource" in window;
  const channel = canShare ? new BroadcastChannel(NAME) : null;

  function link(next, since) {
    if (next !== state) tell("siaga:link", { state: (state = next), since });
  }

  function take(record) {
    if (record.id <= last) return;
    last = record.id;
    tell("siaga:event", { ...record, leading });
  }

  function open() {
    if (source) source.close();
    source = new EventSource(`/alerts/stream?after=${last}`);
    for (const type of ["raised", "updated", "cleared"]) {
      source.addEventListener(type, (said) => {
        const record = { id: Number(said.lastEventId), type, alert: JSON.parse(said.data) };
        kept.push(record);
        if (kept.length > KEPT) from = kept.shift().id;
        channel.postMessage({ record });
        take(record);
        beat();
      });
    }
    source.addEventListener("beat", beat);
    source.onopen = beat;
    source.onerror = () => lose(source.readyState === EventSource.CLOSED);
  }

  function beat() {
    heard = Date.now();
    refused = 0;
    link("live");
    channel.postMessage({ state: "live" });
    tell("siaga:beat");
  }

  function lose(ended) {
    link("lost", heard);
    channel.postMessage({ state: "lost", since: heard });
    if (!ended) return;
    // The server refused it, as while it starts: soon again, then rarely, and not all browsers at once
    setTimeout(open, Math.min(10000, 500 * 2 ** refused) * (0.5 + Math.random()));
    refused += 1;
  }

  function hear({ data }) {
    if (leading) {
      if (data.hello !== undefined) answer(data.hello);
      return;
    }
    heard = Date.now();
    if (data.record) take(data.record);
    if (data.here) channel.postMessage({ hello: last });
    if (data.missed !== undefined && data.missed === last) tell("siaga:reload");
    if (data.state) link(data.state, data.since);
    if (data.state === "live") tell("siaga:beat");
  }

  function answer(after) {
    if (after < from) channel.postMessage({ missed: after });
    for (const record of kept) if (record.id > after) channel.postMessage({ record });
    channel.postMessage({ state, since: heard });
  }

  function lead() {
    leading = true;
    from = last;
    kept = [];
    open();
    channel.postMessage({ here: true });
    return new Promise(() => {}); // until the tab is closed: the lock goes to the next
  }

  function watch() {
    if (Date.now() - heard < SILENT) return;
    if (leading) {
      lose(false);
      open();
    } else {
      link("lost", heard);
    }
  }

  function start() {
    if (!canShare) {
      link("polling");
      setInterval(() => document.hidden || tell("siaga:reload"), POLL);
      return;
    }
    channel.onmessage = hear;
    channel.postMessage({ hello: last });
    navigator.locks.request(NAME, lead);
    setInterval(watch, 5000);
  }

  window.addEventListener("pageshow", (shown) => shown.persisted && tell("siaga:reload"));
  document.addEventListener("DOMContentLoaded", start); // when the script of the page listens
})();
