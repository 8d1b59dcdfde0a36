// The citizen's form on a bad link: the photo is made smaller, and the form is sent again until it was taken. Its stamp
// makes it one complaint however often it arrives. Without this script the browser sends the form as it is.
(() => {
  "use strict";
  const form = document.getElementById("complaint");
  if (!form || !window.fetch || !window.FormData) return;
  const SIDE = 1600; // pixels: the server makes no photo larger than that
  const AGAIN = 5000; // ms
  const said = form.querySelector(".said");

  // What the browser cannot read goes as it is: the server says what is wrong with it
  const shrink = async (file) => {
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
      const made = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
      return made && made.size < file.size ? made : file;
    } catch {
      return file;
    }
  };

  const send = async (body) => {
    for (;;) {
      try {
        const answer = await fetch(form.action, { method: "POST", body });
        if (answer.status !== 503) return answer;
      } catch {
        // the link broke
      }
      said.textContent = form.dataset.again;
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new FormData(form);
    const photo = body.get("photo");
    said.textContent = form.dataset.sending;
    for (const button of form.querySelectorAll("button")) button.disabled = true;
    if (photo && photo.size) body.set("photo", await shrink(photo), "photo.jpg");
    else body.delete("photo");
    const answer = await send(body);
    if (answer.ok) window.location.assign(answer.url);
    else HTMLFormElement.prototype.submit.call(form); // the page that comes says what is wrong
  });
})();
