// Sends forms without leaving the page. While the line is gone the page stays, with what was filled in; a sentence says
// so, and a button sends it again. Forms that are marked `data-send` get the page that answers; a script of a page may
// send another form by siagaSend. Without this file the browser sends them.
"use strict";
(() => {
  const PATIENCE = 20000; // ms until a form counts as not answered
  const said = document.currentScript.dataset;
  let sending = false;

  function put(notice) {
    document.querySelectorAll("body > .notice").forEach((one) => one.remove());
    if (notice) document.getElementById("main").before(notice);
  }

  function say(text, again) {
    const notice = document.createElement("p");
    notice.className = "notice wrong";
    notice.setAttribute("role", "alert");
    notice.textContent = `${text} `;
    if (again) {
      const button = document.createElement("button");
      button.type = "button";
      button.id = "send-again";
      button.textContent = said.again;
      button.addEventListener("click", again);
      notice.append(button);
    }
    put(notice);
    notice.scrollIntoView({ block: "nearest" });
  }

  // Calls `took` with the page that answers; says why, where there is none
  async function send(address, body, took) {
    if (sending) return;
    sending = true;
    const offline = !navigator.onLine; // then nothing leaves; a connection lost later may have carried it
    let answer, fresh;
    try {
      answer = await fetch(address, { method: "POST", body, signal: AbortSignal.timeout(PATIENCE) });
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return say(offline ? said.offline : said.unanswered, () => send(address, body, took));
    } finally {
      sending = false;
    }
    const refused = fresh.querySelector("main.sentence > p");
    if (refused || !fresh.getElementById("main")) {
      // Behind a redirect only the page is refused that follows what was done
      return say(refused && !answer.redirected ? refused.textContent : said.unanswered);
    }
    put(fresh.querySelector("body > .notice"));
    took(fresh);
  }

  function show(fresh) {
    const live = document.getElementById("live");
    if (live) fresh.getElementById("live")?.replaceWith(live); // how the line is, the server does not know
    document.getElementById("main").replaceWith(fresh.getElementById("main"));
    (document.querySelector("main [role=alert]") || document.querySelector("body > .notice"))?.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new Event("siaga:fresh"));
  }

  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (event.defaultPrevented || form.dataset.send === undefined) return;
    event.preventDefault();
    const address = button?.hasAttribute("formaction") ? button.formAction : form.action;
    send(address, new URLSearchParams(new FormData(form, button)), show);
  });

  globalThis.siagaSend = send;
})();
