// A pay point: finds a line by its code, adds up what has not reached the server
// yet, and compares with what was counted. The pages work without it.
"use strict";
(() => {
  const find = document.querySelector("form[data-find]"), till = document.querySelector("[data-till]");
  const group = (n) => (n < 0 ? "−" : "") + String(n < 0 ? -n : n).replace(/\B(?=(\d{3})+$)/g, document.documentElement.lang === "vi" ? "." : ",") + "\u00a0đ";

  // A code that is scanned or typed leads to its line, with no network as well.
  const show = (code) => {
    const line = code && document.getElementById(code);
    document.querySelector("[data-missing]").hidden = !!line || navigator.onLine;
    if (!line) return false;
    line.scrollIntoView({ block: "center" });
    for (const marked of document.querySelectorAll(".handouts [aria-current]")) marked.removeAttribute("aria-current");
    line.setAttribute("aria-current", "true");
    line.querySelector("button:not([hidden])").focus({ preventScroll: true });
    return true;
  };
  if (find) {
    const input = find.querySelector("[name=code]");
    find.addEventListener("submit", (event) => {
      if (!show(input.value.trim().toLowerCase()) && navigator.onLine) return;
      event.preventDefault();
      input.value = "";
    });
    // A photo of the code, where the browser reads codes by itself.
    if (window.BarcodeDetector) {
      const photo = document.createElement("input");
      photo.type = "file"; photo.accept = "image/*"; photo.capture = "environment"; photo.ariaLabel = "QR";
      photo.onchange = async () => {
        const picture = photo.files[0] && await createImageBitmap(photo.files[0]);
        const found = picture ? await new BarcodeDetector({ formats: ["qr_code"] }).detect(picture).catch(() => []) : [];
        photo.value = "";
        if (found.length > 0) { input.value = found[0].rawValue; find.requestSubmit(); }
      };
      find.append(photo);
    }
  }
  if (!till) return;

  // What this device has said and the page does not know of yet changes what
  // should be in the till.
  let left = BigInt(till.dataset.till);
  const made = () => Number(document.getElementById("offline-part").dataset.at);
  document.addEventListener("offline:change", ({ detail: { facts, takenBack } }) => {
    let out = 0n;
    for (const f of facts) {
      if (f.type !== "benefit.paid_in_cash" || f.data.pay_point !== till.dataset.point || takenBack.has(f.id)) continue;
      if (f.answer && (!f.answer.taken || f.answeredAt < made())) continue;
      out += BigInt(f.data.amount);
    }
    left = BigInt(till.dataset.till) - out;
    till.querySelector("[data-left]").textContent = group(left);
    const queued = till.querySelector("[data-queued]");
    queued.hidden = out === 0n;
    queued.textContent = queued.dataset.words.replace("{sum}", group(out));
    compare();
  });

  const count = document.querySelector("form[data-count]"), said = document.querySelector("[data-difference]");
  const compare = () => {
    const typed = count.querySelector("[name=counted]").value.replace(/[^0-9]/g, "");
    said.hidden = typed === "";
    if (typed === "") return;
    const difference = BigInt(typed) - left;
    const words = difference === 0n ? said.dataset.equal : difference > 0n ? said.dataset.over : said.dataset.short;
    said.className = "note " + (difference === 0n ? "good" : "bad");
    said.textContent = words.replace("{sum}", group(difference < 0n ? -difference : difference));
  };
  count.addEventListener("submit", (event) => { event.preventDefault(); compare(); });
})();
