// The desk by keyboard: j and k move between lines, Enter takes the first
// suggestion, o opens the line, u takes back what was just done. Everything works
// without.
"use strict";

const cases = [...document.querySelectorAll("[data-keys] > li")];
let at = -1;

// Where the visitor was, the next line comes into their place.
const stays = "desk-at:" + location.pathname + location.search.replace(/[?&]act=[^&]*/, "");

function go(to) {
  if (cases.length === 0) return;
  at = Math.max(0, Math.min(cases.length - 1, to));
  cases[at].focus();
  cases[at].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const onButton = event.target.closest("button, a, summary");
  switch (event.key) {
    case "j": go(at + 1); break;
    case "k": go(at - 1); break;
    case "o": cases[at]?.querySelector(".case-head a")?.click(); break;
    case "u": document.querySelector("[data-undo] button")?.click(); break;
    case "Enter":
      if (onButton) return;
      cases[at]?.querySelector(".offers button")?.click();
      break;
    default: return;
  }
  event.preventDefault();
});

for (const [i, one] of cases.entries()) one.addEventListener("focusin", () => { at = i; });

document.addEventListener("submit", () => { sessionStorage.setItem(stays, String(at)); });
const before = sessionStorage.getItem(stays);
if (before !== null && cases.length > 0) {
  sessionStorage.removeItem(stays);
  go(Number(before));
}

// While a statement is taken, the page looks again by itself.
if (document.querySelector("[data-reload]")) setTimeout(() => location.reload(), 2000);
