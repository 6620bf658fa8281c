// What makes pages better where scripts run. Everything works without.
"use strict";

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || "download" in form.dataset) return; // the page stays when a file is handed over
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
  for (const button of form.querySelectorAll("button")) setTimeout(() => { button.disabled = true; });
});

// Coming back to a page, its forms can be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});

// The first wrong field is where to go on.
document.querySelector("[aria-invalid]")?.focus();

// Whoever signs out leaves no page behind that was kept for use without network.
document.addEventListener("submit", (event) => {
  if (window.caches && event.target.getAttribute("action") === "/sign-out") caches.delete("socho-kept");
});
