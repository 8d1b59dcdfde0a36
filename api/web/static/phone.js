// Makes the pages of who has signed in an app: registers the service worker, and tells it what to keep.
"use strict";
(async () => {
  if (!("serviceWorker" in navigator)) return;
  const look = document.currentScript.dataset.look; // language and colours
  const tell = (said) => navigator.serviceWorker.ready.then((found) => found.active.postMessage(said));

  // The stream of alerts goes past the worker: what it heard last is an answer too
  document.addEventListener("siaga:link", ({ detail }) => detail.state === "lost" && tell({ answered: detail.since }));

  try {
    await navigator.serviceWorker.register("/worker.js");
  } catch {
    return; // a private window, or storage that is full: the pages work without
  }
  const village = /^\/(?:attest|villages)\/([\d.]+)$/.exec(location.pathname);
  const form = village && `/attest/${village[1]}`;
  const keep = form && (form === location.pathname || document.querySelector(`a[href="${form}"]`)) ? form : null;
  tell({ look, keep });
})();
