// An inspection round: hold the camera to a stall's card and hear within a second
// whether it is the right one. All that is needed to tell stands in the page, so it
// works without network; what is found is kept and sent by offline.js.
//
// The page is data-cards of #inspect: [serial, stall, live, the first 16 bytes of
// what it pays to, salt], the bytes in base64. judge says the same as judge in
// inspect.go, which reads photographs.
"use strict";
document.addEventListener("DOMContentLoaded", () => { // offline.js stands at the foot of the page
  const part = document.getElementById("inspect"), words = part && part.dataset;
  if (!part || !window.offline || !window.crypto || !crypto.subtle) return;
  const video = part.querySelector("video"), stall = part.querySelector("[name=stall]"), verdict = part.querySelector("[role=status]");
  const begin = part.querySelector("[data-begin]"), photo = part.querySelector("[data-photo]");

  const all = JSON.parse(words.cards).map(([serial, at, live, pays, salt]) => ({ serial, stall: at, live: !!live, pays: cards.hex(cards.bytes(pays)), salt: cards.bytes(salt) }));
  const bySerial = new Map(all.map((c) => [c.serial, c]));
  const matches = async (card, p) => cards.hex(await cards.paysTo(card.serial, card.stall, p.bin, p.account, card.salt)).startsWith(card.pays);

  // judge says what was found: result as the ledger calls it, the card and stall,
  // and key, under which the words stand. Without result more is needed.
  async function judge(text, at) {
    const p = cards.payment(text);
    if (!p) {
      const l = cards.link(text), card = l && bySerial.get(l.serial);
      if (card && !card.live) return { result: "revoked", key: "revoked", card: card.serial, stall: at || card.stall };
      if (card) return { key: "large", stall: at || card.stall };
      return at ? { result: "unknown", key: "unknown", stall: at } : { key: "stall" };
    }
    const card = bySerial.get(p.serial);
    if (card) {
      const found = { card: card.serial, stall: at || card.stall };
      if (!await matches(card, p)) return { ...found, result: "other_account", key: "other_account", to: p };
      if (!card.live) return { ...found, result: "revoked", key: "revoked" };
      if (at && at !== card.stall) return { ...found, result: "unknown", key: "elsewhere", belongs: card.stall };
      return { ...found, result: "right", key: "right" };
    }
    if (!at) return { key: "stall" };
    const here = all.filter((c) => c.stall === at);
    for (const c of here) if (await matches(c, p)) return c.live ? { result: "right", key: "right", card: c.serial, stall: at } : { result: "revoked", key: "revoked", card: c.serial, stall: at };
    return here.some((c) => c.live) ? { result: "other_account", key: "other_account", stall: at, to: p } : { result: "unknown", key: "unknown", stall: at };
  }

  window.inspect = { judge };

  const tone = { right: "good", other_account: "bad", revoked: "bad", unknown: "warn", elsewhere: "warn", missing: "warn", unreadable: "warn" };
  let waiting = "", last = "", lastAt = 0;

  async function see(text) {
    const found = await judge(text, stall.value.trim());
    if (!found.result) {
      waiting = found.key === "stall" ? text : "";
      if (found.stall) stall.value = found.stall;
      return say(found, "calm");
    }
    waiting = "";
    const key = [found.stall, found.result, text].join(" ");
    if (key === last && Date.now() - lastAt < 60e3) return; // the camera still looks at it
    last = key;
    lastAt = Date.now();
    await record(found);
  }

  function say(found, kind) {
    verdict.className = "verdict note " + kind;
    verdict.dataset.result = found.result || "";
    verdict.textContent = (words[found.key] || "").replace("{stall}", found.stall || "").replace("{other}", found.belongs || "");
    if (navigator.vibrate) navigator.vibrate(kind === "good" ? 80 : [200, 100, 200]);
  }

  // record keeps what was found: on the device's disk before it is shown.
  async function record(found) {
    const data = { stall: found.stall, result: found.result };
    if (found.card) data.card = found.card;
    const fact = { type: "market.card_inspected", organization: words.organization, label: found.stall + " · " + words["word" + found.result], data };
    if (found.to) fact.personal = { account: found.to.account, bank_bin: found.to.bin };
    await offline.say(fact);
    stall.value = "";
    say(found, tone[found.key]);
    const row = part.querySelector("[data-count]");
    row.textContent = String(Number(row.textContent) + 1);
  }

  stall.addEventListener("change", () => { if (waiting && stall.value.trim()) see(waiting); });
  for (const button of part.querySelectorAll("[data-result]")) button.addEventListener("click", () => {
    const at = stall.value.trim();
    if (!at) return say({ key: "stall" }, "calm");
    record({ result: button.dataset.result, key: button.dataset.result, stall: at });
  });

  let end = null;
  async function camera() {
    if (end) { end(); end = null; begin.textContent = words.begin; video.hidden = true; return; }
    video.hidden = false;
    try {
      end = await cards.watch(video, see);
      begin.textContent = words.end;
    } catch (none) {
      video.hidden = true;
      say({ key: "camera" }, "warn");
    }
  }
  begin.addEventListener("click", camera);
  photo.addEventListener("change", async () => {
    const texts = photo.files[0] ? await cards.inFile(photo.files[0]).catch(() => []) : [];
    photo.value = "";
    // The payment code is what decides; the small one only names the stall.
    texts.sort((a, b) => !!cards.payment(b) - !!cards.payment(a));
    if (texts.length) await see(texts[0]); else say({ key: "unread" }, "warn");
  });

  offline.ready.then((ready) => {
    if (!ready) return;
    part.hidden = false;
    cards.prepare().catch(() => {}); // it is tried again when a code is to be read
    document.getElementById("by-photo").hidden = true; // the form for browsers that cannot
  });
});
