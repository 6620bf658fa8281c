// Checking one card's two codes against each other, in this browser: the small one
// has led here and signs where the large one has to pay to.
"use strict";
(() => {
  const part = document.getElementById("cardcheck"), words = part && part.dataset;
  if (!part || !window.crypto || !crypto.subtle) return;
  const video = part.querySelector("video"), verdict = part.querySelector("[role=status]"), begin = part.querySelector("[data-begin]"), photo = part.querySelector("[data-photo]");
  const salt = cards.bytes(words.salt), signature = cards.bytes(words.signature), keys = JSON.parse(words.keys).map(cards.bytes);

  // signed says whether one of the ledger's keys signed it; null where this
  // browser knows no Ed25519.
  async function signed(pays) {
    const text = new TextEncoder().encode(["socho.card.v1", words.serial, words.stall, pays].join("\0"));
    for (const raw of keys) {
      try {
        const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
        if (await crypto.subtle.verify({ name: "Ed25519" }, key, signature, text)) return true;
      } catch (unknown) {
        return null;
      }
    }
    return false;
  }

  function say(key, kind) {
    verdict.className = "verdict note " + kind;
    verdict.dataset.result = key;
    verdict.textContent = words[key];
  }

  async function see(text) {
    const p = cards.payment(text);
    if (!p) return cards.link(text) ? undefined : say("unknown", "warn");
    const pays = cards.hex(await cards.paysTo(words.serial, words.stall, p.bin, p.account, salt));
    const holds = await signed(pays);
    if (holds === false || (holds === null && pays !== words.pays)) return say("other", "bad");
    if (words.dead) return say("dead", "bad");
    part.querySelector("[data-account]").textContent = words.tail.replace("{bank}", JSON.parse(words.banks)[p.bin] || p.bin).replace("{tail}", p.account.slice(-4));
    say(holds ? "right" : "book", "good");
  }

  let end = null;
  begin.addEventListener("click", async () => {
    if (end) { end(); end = null; video.hidden = true; begin.textContent = words.begin; return; }
    video.hidden = false;
    try {
      end = await cards.watch(video, see);
      begin.textContent = words.end;
    } catch (none) {
      video.hidden = true;
      say("camera", "warn");
    }
  });
  photo.addEventListener("change", async () => {
    const texts = photo.files[0] ? await cards.inFile(photo.files[0]).catch(() => []) : [];
    photo.value = "";
    const paying = texts.find(cards.payment);
    if (paying) await see(paying); else say("unread", "warn");
  });
  part.hidden = false;
})();
