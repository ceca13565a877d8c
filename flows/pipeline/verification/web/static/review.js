// Keys, the field of another pack, pictures that do not come, and answers that did not go out.
// Everything else is the server's.
"use strict";
(() => {
  const isTyping = (node) =>
    node instanceof HTMLElement && (node.matches("textarea, select") ||
      (node.matches("input") && !node.matches("[type=radio], [type=checkbox], [type=hidden]")));

  const isShown = (node) => node.getClientRects().length > 0 || node.matches("[type=radio]");

  const openFactor = (button) => {
    const box = document.getElementById("factor");
    const chosen = document.querySelector("input[name=sku]:checked");
    box.hidden = false;
    button.setAttribute("aria-expanded", "true");
    const times = document.getElementById("times");
    times.value = chosen ? chosen.dataset.factor : "";
    times.focus();
    times.select();
  };

  const closeFactor = () => {
    const box = document.getElementById("factor");
    if (!box || box.hidden) return false;
    box.hidden = true;
    const opener = document.querySelector("[data-opens=factor]");
    opener.setAttribute("aria-expanded", "false");
    if (document.activeElement) document.activeElement.blur();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.key === "Escape") {
      if (closeFactor()) event.preventDefault();
      return;
    }
    if (event.key === "Enter" && event.target instanceof Element && event.target.id === "times") {
      event.preventDefault();
      document.querySelector("#factor .go").click();
      return;
    }
    if (isTyping(event.target) || event.key.length !== 1) return;
    // Keyboards of other scripts: the place of the key, where it is no Latin letter.
    const typed = event.key.toLowerCase();
    const place = /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : typed;
    const key = /[a-z0-9]/.test(typed) ? typed : place;
    const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(isShown);
    if (!found || found.disabled) return;
    event.preventDefault();
    found.click();
  });

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const opener = event.target.closest("[data-opens=factor]");
    if (opener) openFactor(opener);
    if (event.target.closest("[data-closes=factor]")) closeFactor();
  });

  document.addEventListener("change", (event) => {
    const times = document.getElementById("times");
    if (times && event.target instanceof HTMLInputElement && event.target.name === "sku") {
      times.value = event.target.dataset.factor;
    }
  });

  document.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) {
      const said = document.createElement("span");
      said.className = "nothing";
      said.textContent = "no picture";
      event.target.replaceWith(said);
    }
  }, true);

  // The answer keeps its id, so pressing the key again cannot count twice.
  const unsent = () => {
    const notice = document.getElementById("notice");
    if (notice) {
      const said = document.createElement("p");
      said.className = "notice";
      said.textContent = "No connection: the answer was not taken. Press the key again.";
      notice.replaceChildren(said);
    }
  };
  document.addEventListener("htmx:sendError", unsent);
  document.addEventListener("htmx:timeout", unsent);
})();
