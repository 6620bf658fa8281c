// Reading the codes of a stall's card with the camera, or out of a picture, and
// what they say. Used by inspect.js, cardcheck.js and paypoint.js; decides nothing
// itself.
//
// Where the browser reads QR codes itself (BarcodeDetector), it does; elsewhere
// jsqr.js is fetched once, from the address in data-decoder of this script.
"use strict";
window.cards = (() => {
  const decoder = document.currentScript.dataset.decoder;
  const most = 1600; // pixels of the longer side of what is looked at

  // ---- codes in pictures ----
  let native; // promise of a BarcodeDetector, null where there is none
  const own = () => native ||= (async () => {
    if (!window.BarcodeDetector) return null;
    const formats = await BarcodeDetector.getSupportedFormats().catch(() => []);
    return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
  })();

  let vendored; // promise of jsQR
  const fetched = () => vendored ||= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = decoder;
    script.onload = () => resolve(window.jsQR);
    script.onerror = () => { vendored = null; reject(new Error("no decoder")); };
    document.head.append(script);
  });

  // prepare fetches what reading needs, and keeps it for when there is no network.
  async function prepare() {
    if (await own()) return;
    await fetched();
    if (!window.caches) return;
    const kept = await caches.open("socho-kept"); // static/worker.js shows from there
    if (!await kept.match(decoder, { ignoreVary: true })) await kept.add(decoder);
  }

  const canvas = document.createElement("canvas");

  // read returns the texts of the codes in a video, picture or canvas.
  async function read(source, width, height) {
    const detector = await own();
    if (detector) return (await detector.detect(source)).map((code) => code.rawValue);
    const jsQR = await fetched(), scale = Math.min(1, most / Math.max(width, height));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const code = jsQR(data, canvas.width, canvas.height, { inversionAttempts: "dontInvert" });
    return code && code.data ? [code.data] : [];
  }

  // watch shows the camera behind in a video and tells each code that it sees;
  // it returns a function that ends it. Throws where there is no camera.
  async function watch(video, tell) {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } } });
    video.srcObject = stream;
    await video.play();
    let on = true;
    (async () => {
      while (on) {
        if (video.videoWidth) for (const text of await read(video, video.videoWidth, video.videoHeight).catch(() => [])) if (on) await tell(text);
        await new Promise((next) => setTimeout(next, 120));
      }
    })();
    return () => { on = false; for (const track of stream.getTracks()) track.stop(); video.srcObject = null; };
  }

  // inFile reads the codes of a photograph.
  async function inFile(file) {
    const picture = await createImageBitmap(file);
    return read(picture, picture.width, picture.height);
  }

  // ---- what codes say ----
  // fields takes one level of tag, length and value apart; null where it is none.
  function fields(text) {
    const found = {};
    for (let i = 0; i < text.length;) {
      const head = text.slice(i, i + 4), length = Number(head.slice(2));
      if (!/^[0-9]{4}$/.test(head) || i + 4 + length > text.length) return null;
      found[head.slice(0, 2)] = text.slice(i + 4, i + 4 + length);
      i += 4 + length;
    }
    return found;
  }

  // sum is CRC-16/CCITT-FALSE, as four capitals.
  function sum(text) {
    let crc = 0xffff;
    for (let i = 0; i < text.length; i++) {
      crc ^= text.charCodeAt(i) << 8;
      for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
    return crc.toString(16).toUpperCase().padStart(4, "0");
  }

  // payment is where a VietQR pays to, and the serial and text on it; null for any
  // other text.
  function payment(text) {
    const all = fields(text);
    if (!all || !all["38"] || text.slice(-8, -4) !== "6304" || sum(text.slice(0, -4)) !== text.slice(-4).toUpperCase()) return null;
    const to = fields(all["38"]), at = to && to["00"] === "A000000727" && fields(to["01"] || "");
    if (!at || !/^[0-9]{6}$/.test(at["00"] || "") || !at["01"]) return null;
    const more = fields(all["62"] || "") || {};
    return { bin: at["00"], account: at["01"], serial: more["07"] || "", text: more["08"] || "" };
  }

  const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  // link is what a card's small code carries; null for any other text.
  function link(text) {
    const parts = /^(?:https?:\/\/[^/]+(?:\/[^?#]*?)?\/C\/([^/?#:]+)\/|URN:SOCHO:C:([^:]+):)([0-9A-Z]{128})$/i.exec(text);
    const serial = parts && (parts[1] || parts[2]), named = serial && /^[^-]+-(.+)-[1-9][0-9]*$/.exec(serial);
    if (!named) return null;
    const bytes = new Uint8Array(80);
    for (let i = 0, held = 0, bits = 0, at = 0; i < parts[3].length; i++) {
      const value = alphabet.indexOf(parts[3][i]);
      if (value < 0) return null;
      held = (held << 5) | value;
      bits += 5;
      if (bits >= 8) { bits -= 8; bytes[at++] = held >> bits; held &= (1 << bits) - 1; }
    }
    return { serial, stall: named[1], salt: bytes.slice(0, 16), signature: bytes.slice(16) };
  }

  // paysTo is the digest that qr.PaysTo makes.
  async function paysTo(serial, stall, bin, account, salt) {
    const head = new TextEncoder().encode(["socho.card.v1", serial, stall, bin, account, ""].join("\0"));
    const whole = new Uint8Array(head.length + salt.length);
    whole.set(head);
    whole.set(salt, head.length);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  }

  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  return { prepare, watch, inFile, payment, link, paysTo, hex, bytes };
})();
