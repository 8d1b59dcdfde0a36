// A button that copies the text of the field beside it. Without this file people select it themselves.
"use strict";
(() => {
  function add(field) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = field.dataset.copy;
    button.addEventListener("click", async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        if (!document.execCommand("copy")) return; // by plain HTTP there is no other way; the text stays selected
      }
      button.textContent = field.dataset.copied;
    });
    field.closest("label").after(button);
  }

  function prepare() {
    for (const field of document.querySelectorAll("[data-copy]")) {
      if (field.closest("label").nextElementSibling?.matches("button")) continue;
      add(field);
    }
  }

  document.addEventListener("siaga:fresh", prepare);
  prepare();
})();
