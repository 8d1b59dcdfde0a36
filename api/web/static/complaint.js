// The citizen's form on a bad link: sent again until it is answered. Its stamp makes it one complaint. What was entered
// stays when it is refused. Without this script the browser sends the form as it is.
(() => {
  "use strict";
  const form = document.getElementById("complaint");
  if (!form) return;
  const [SOONEST, LATEST] = [5000, 60000]; // ms between two attempts; each pause is twice the one before
  const LATER = [408, 502, 503, 504]; // nobody has looked at it
  const said = form.querySelector(".said");

  const send = async (body) => {
    for (let pause = SOONEST; ; pause = Math.min(LATEST, pause * 2)) {
      let told = 0; // ms that the answer asks for
      try {
        const answer = await fetch(form.action, { method: "POST", body });
        const page = await answer.text();
        if (!LATER.includes(answer.status)) return [answer, page];
        told = 1000 * (parseInt(answer.headers.get("Retry-After"), 10) || 0);
      } catch {
        // the link broke
      }
      said.textContent = form.dataset.again;
      await new Promise((done) => setTimeout(done, Math.max(pause, told)));
    }
  };

  const refused = (page) => {
    const fresh = new DOMParser().parseFromString(page, "text/html");
    const why = fresh.querySelector("main [role=alert], main.sentence > p");
    const alert = document.querySelector("main [role=alert]") || document.createElement("p");
    alert.className = "notice wrong";
    alert.setAttribute("role", "alert");
    alert.textContent = why ? why.textContent : form.dataset.failed;
    form.before(alert);
    alert.scrollIntoView({ block: "nearest" });
    const next = fresh.getElementById("complaint");
    if (next) form.action = next.getAttribute("action"); // a form that is too old gets a new stamp
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = form.querySelectorAll("button");
    const body = new FormData(form);
    const photo = body.get("photo");
    said.textContent = form.dataset.sending;
    for (const button of buttons) button.disabled = true;
    if (photo && photo.size) body.set("photo", await siagaShrink(photo), "photo.jpg");
    else body.delete("photo");
    const [answer, page] = await send(body);
    if (answer.ok) return window.location.assign(answer.url);
    refused(page);
    said.textContent = "";
    for (const button of buttons) button.disabled = false;
  });
})();
