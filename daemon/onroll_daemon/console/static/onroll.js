// Comfort only: every page works without this file.
(() => {
  "use strict";
  document.documentElement.classList.add("js");

  // A form that was sent is not sent twice. The browser's back button brings the page back as it was, so it is freed then.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
    if (form.dataset.download !== undefined) setTimeout(() => free(form), 3000);
  });
  const free = (form) => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  };
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));

  // Menus close with Escape and with a click elsewhere.
  const menus = () => document.querySelectorAll("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
    if (event.target.closest("[data-print]")) window.print();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of menus()) {
        if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
        menu.open = false;
      }
    }
    // In a table that says so, arrows go to the same control of the row above or below.
    const row = event.target.closest?.("[data-keys] tbody tr");
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!row || !step || event.target.matches("select, textarea, [type=text], [type=radio]")) return;
    const controls = (of) => [...of.querySelectorAll("a, button, input:not([type=hidden]), summary")];
    const place = controls(row).indexOf(event.target);
    const next = row[step] && controls(row[step]);
    if (next?.length) {
      event.preventDefault();
      next[Math.min(place, next.length - 1)].focus();
    }
  });

  // One box ticks all boxes of its name in its form.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.pickAll;
    if (!name) return;
    const form = event.target.form || document;
    for (const box of form.querySelectorAll("input[type=checkbox]")) {
      if (box.name === name) box.checked = event.target.checked;
    }
  });

  // A poll that brings nothing new changes nothing, so that a screen reader is not told the same thing every two seconds.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const old = event.detail.target;
    if (event.detail.xhr.status === 401) return window.location.reload();
    if (!old?.classList.contains("progress")) return;
    const fresh = document.createElement("template");
    fresh.innerHTML = event.detail.xhr.responseText;
    if (fresh.content.textContent.trim() === old.textContent.trim()) event.detail.shouldSwap = false;
  });
  const say = (text) => {
    const notice = document.getElementById("notice");
    if (notice && notice.textContent !== text) notice.textContent = text;
  };
  document.addEventListener("htmx:sendError", () => say("The console does not answer. Is the service running? Reload the page to try again."));
  // A refusal comes as a page of its own; its sentence is what the person needs.
  document.addEventListener("htmx:responseError", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const sentence = page.querySelector(".message .lead")?.textContent.trim();
    say(sentence || "The console could not do that. Reload the page to see why.");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) say("");
  });
})();
