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
    // What the camera sees, or a photograph shows, is as if it had been typed. Once a
    // line is found the camera is off, so that the line is seen.
    const part = document.querySelector("[data-scan]");
    if (part && window.cards) {
      const video = part.querySelector("video"), begin = part.querySelector("[data-begin]"), photo = part.querySelector("[data-photo]"), scanned = part.querySelector("[data-scanned]");
      const say = (key) => { scanned.hidden = !key; scanned.textContent = part.dataset[key] || ""; };
      let end = null;
      const close = () => { if (end) end(); end = null; video.hidden = true; begin.textContent = part.dataset.begin; };
      const see = (text) => {
        if (!text.trim() || !end && !video.hidden) return;
        close();
        if (navigator.vibrate) navigator.vibrate(80);
        input.value = text.trim();
        find.requestSubmit();
      };
      begin.addEventListener("click", async () => {
        if (end) return close();
        say("");
        video.hidden = false;
        try {
          end = await cards.watch(video, see);
          begin.textContent = part.dataset.end;
        } catch (none) {
          close();
          say("camera");
        }
      });
      photo.addEventListener("change", async () => {
        const texts = photo.files[0] ? await cards.inFile(photo.files[0]).catch(() => []) : [];
        photo.value = "";
        say(texts.length ? "" : "unread");
        if (texts.length) see(texts[0]);
      });
      cards.prepare().catch(() => {}); // it is tried again when a code is to be read
      part.hidden = false;
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
