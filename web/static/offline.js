// Facts said where there may be no network. They are kept in this browser, in
// order, and sent to POST /queue (web/queue.go) when the network is there. Each
// has its id, a UUIDv7, from the moment it is said, so sending it twice is one
// fact; device and sequence go with it.
//
// A page uses it by answering with view.keep: it then has the part "offline" at its
// foot, and opens without network as well. Its forms work without scripts; those
// that may wait say so:
//
//   <form method="post" data-fact="benefit.paid_in_cash" data-organization="hg-quy"
//         data-key="o2609-…" data-label="o2609-… · 500.000 đ">
//     <input type="hidden" name="payout" value="o2609-…" data-field="payout">
//     <input name="receiver_name" data-personal="receiver_name">
//     <button>…</button>
//     <output data-said></output> <button type="button" data-undo hidden>…</button>
//   </form>
//
// What data-field and data-personal name becomes the fact's data and personal;
// effective_on is today's day in Vietnam unless a field says it. data-key tells
// lines of a page apart: a form whose key has been said, and not taken back, is
// closed, says so in data-said, and shows data-undo, which says ledger.reversed.
// data-label is shown while it waits, and must name nobody.
//
// Scripts may use window.offline: ready (whether anything can be kept here),
// say(fact), undo(id), facts(), send(); "offline:change" comes on the document
// whenever something has changed.
//
// What stays on the device: ids and amounts. What is personal in a fact stays
// until the server has it, no longer. Answered facts are forgotten after three
// days or when somebody else signs in; what has not been sent stays until the
// one who said it signs in again, for cash that changed hands must be told.
// Pages that were kept go when somebody signs out (socho.js) or else signs in.
"use strict";
(() => {
  const part = document.getElementById("offline-part");
  if (!part || !window.indexedDB) return;
  const words = part.dataset, person = words.person;
  const most = 50, mostBytes = 40000, forget = 3 * 86400e3, kept = "socho-kept";

  // ---- what is kept: "facts" by sequence, and "about" the device ----
  const opened = new Promise((resolve, reject) => {
    const request = indexedDB.open("socho-offline", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("facts", { keyPath: "seq" });
      request.result.createObjectStore("about");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  // within runs one transaction; work asks for things with a function that
  // promises its result.
  async function within(mode, work) {
    const db = await opened;
    const transaction = db.transaction(["facts", "about"], mode);
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    const ask = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const result = await work(transaction.objectStore("facts"), transaction.objectStore("about"), ask);
    await done;
    return result;
  }

  const all = () => within("readonly", (facts, _, ask) => ask(facts.getAll()));
  const ready = opened.then(() => true, () => false);

  // ---- saying ----
  let skew = 0; // how far the server's clock is ahead of this one's, in ms
  const now = () => Date.now() + skew;
  const today = () => new Date(now() + 7 * 3600e3).toISOString().slice(0, 10);

  // newID is a UUIDv7 (RFC 9562): when, and 74 bits of chance.
  function newID() {
    const b = crypto.getRandomValues(new Uint8Array(16));
    let at = now();
    for (let i = 5; i >= 0; i--) { b[i] = at % 256; at = Math.floor(at / 256); }
    b[6] = 0x70 | (b[6] & 0x0f);
    b[8] = 0x80 | (b[8] & 0x3f);
    const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  const chance = () => Array.from(crypto.getRandomValues(new Uint8Array(10)), (x) => (x % 32).toString(32)).join("");

  // say keeps a fact, and sends what waits. Once it has returned, the fact is on
  // the device's disk: closing the page or an empty battery loses nothing.
  async function say(fact) {
    const id = newID();
    await within("readwrite", async (facts, about, ask) => {
      const device = await ask(about.get("device")) || "d-" + chance();
      const seq = (await ask(about.get("seq")) || 0) + 1;
      about.put(device, "device");
      about.put(seq, "seq");
      facts.add({ seq, id, device, person, at: now(), ...fact, data: { effective_on: today(), ...fact.data } });
    });
    await changed();
    send();
    return id;
  }

  async function undo(id) {
    const facts = await all(), fact = facts.find((f) => f.id === id);
    if (!fact || facts.some((f) => f.takes === id && !refused(f))) return;
    await say({ type: "ledger.reversed", organization: fact.organization, takes: id, label: fact.label, key: fact.key,
      data: { reverses: id, reverses_source: "urn:socho:pages", reason: "entered_wrongly" } });
  }

  // ---- sending ----
  let state = "", sending = false, again = 0, timer = 0;

  async function send() {
    if (sending) return;
    sending = true;
    clearTimeout(timer);
    try {
      const run = async (lock) => { if (lock !== null) while (await sendSome()); };
      await (navigator.locks ? navigator.locks.request("socho-offline", { ifAvailable: true }, run) : run());
    } catch (away) {
      state = "away";
    }
    sending = false;
    await changed();
    if ((await mine()).length > 0 && state !== "signin") {
      again = Math.min((again || 5) * 2, 120);
      timer = setTimeout(send, again * 1000);
    }
  }

  const waits = (f) => !f.answer;
  const mine = async () => (await all()).filter((f) => waits(f) && f.person === person);

  // sendSome sends what one request holds, and says whether there is more.
  async function sendSome() {
    const waiting = await mine(), some = [];
    let bytes = 0;
    for (const f of waiting) {
      const fact = { id: f.id, seq: f.seq, type: f.type, organization: f.organization, data: f.data };
      if (f.personal) fact.personal = f.personal;
      bytes += JSON.stringify(fact).length;
      if (some.length === most || (some.length > 0 && (bytes > mostBytes || f.device !== waiting[0].device))) break;
      some.push(fact);
    }
    const answer = await fetch("/queue", { method: "POST", headers: { "Content-Type": "application/json" }, redirect: "manual", cache: "no-store",
      body: JSON.stringify({ device: some.length ? waiting[0].device : "", person, facts: some }) });
    if (answer.type === "opaqueredirect" || answer.status === 403) { state = "signin"; return false; }
    if (!answer.ok) { state = "trouble"; return false; }
    // By the server's clock, as the time that a page says it was made at; to the
    // end of that second.
    const at = Date.parse(answer.headers.get("Date")) + 999 || now();
    skew = at - Date.now();
    if (Math.abs(skew) < 30e3) skew = 0;
    const said = await answer.json();
    if (said.person !== person) { state = "signin"; return false; }
    state = "";
    again = 0;
    await within("readwrite", async (facts, about, ask) => {
      about.put(skew, "skew");
      for (const a of said.answers) {
        if (!a.final) continue;
        const { seq } = waiting.find((f) => f.id === a.id);
        const f = await ask(facts.get(seq));
        delete f.personal;
        facts.put({ ...f, answer: a, answeredAt: at });
      }
    });
    const final = said.answers.filter((a) => a.final).length;
    if (final < said.answers.length) state = "trouble";
    await changed();
    return final > 0 && final === said.answers.length && waiting.length > final;
  }

  // ---- showing ----
  // A reversal that was refused leaves what it was to take back as it was.
  const refused = (f) => f.answer && !f.answer.taken;
  // The page was made after the fact was answered, and knows of it and of all since.
  const old = (f) => f.answer && f.answeredAt < Number(words.at);

  async function changed() {
    const facts = await all();
    const backs = new Set(facts.filter((f) => f.takes && !refused(f)).map((f) => f.takes));
    for (const form of document.querySelectorAll("form[data-fact]")) {
      const fact = facts.findLast((f) => f.type === form.dataset.fact && f.key === form.dataset.key && f.organization === form.dataset.organization);
      const open = !form.dataset.key || !fact || refused(fact) || backs.has(fact.id) || old(fact);
      show(form, open ? null : fact);
    }
    list(facts);
    document.dispatchEvent(new CustomEvent("offline:change", { detail: { facts, takenBack: backs } }));
  }

  function show(form, fact) {
    const word = !fact ? "" : waits(fact) ? words.kept : fact.answer.words ? words.marked.replace("{why}", fact.answer.words) : words.taken;
    form.dataset.state = !fact ? "" : waits(fact) ? "waiting" : "taken";
    for (const e of form.elements) if (!("undo" in e.dataset)) e.disabled = !!fact || saying.has(form);
    const output = form.querySelector("[data-said]");
    if (output && output.textContent !== word) output.textContent = word;
    const back = form.querySelector("[data-undo]");
    if (back) { back.hidden = !fact; back.disabled = false; back.onclick = () => { back.disabled = true; undo(fact.id); }; }
  }

  // list says how many wait, and what was refused or needs a second look.
  function list(facts) {
    const own = facts.filter((f) => f.person === person), waiting = own.filter(waits).length;
    const others = facts.filter((f) => waits(f) && f.person !== person).length;
    const odd = own.filter((f) => f.answer && f.answer.words && !f.seen);
    part.hidden = waiting + others + odd.length === 0;
    const say = [];
    if (waiting) say.push((state && words[state] || words.sending).replace("{n}", waiting));
    if (others) say.push(words.others.replace("{n}", others));
    if (!waiting && odd.length) say.push(words.odd.replace("{n}", odd.length));
    const text = part.querySelector("[role=status]");
    if (text.textContent !== say.join(" ")) text.textContent = say.join(" ");
    part.querySelector("ul").replaceChildren(...own.filter((f) => waits(f) || odd.includes(f)).map((f) => {
      const item = document.createElement("li"), label = document.createElement("b");
      label.textContent = (f.takes ? words.undone + " " : "") + (f.label || f.type);
      item.append(label, " ", waits(f) ? words.kept : (f.answer.taken ? words.marked : words.refused).replace("{why}", f.answer.words));
      if (!waits(f)) {
        const ok = document.createElement("button");
        ok.type = "button";
        ok.className = "second";
        ok.textContent = words.read;
        ok.onclick = () => within("readwrite", (store, _, ask) => ask(store.get(f.seq)).then((had) => store.put({ ...had, seen: true }))).then(changed);
        item.append(" ", ok);
      }
      return item;
    }));
  }

  // ---- forms ----
  // Once the queue is known to work, forms that may wait go through it, with
  // network as well: one way, and a page that need not load again.
  const saying = new Set(); // forms whose fact is not kept yet
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.fact || !works) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const data = {}, personal = {};
    for (const e of form.elements) {
      const value = e.value && e.value.trim();
      if (!value || ((e.type === "checkbox" || e.type === "radio") && !e.checked)) continue;
      if (e.dataset.field) data[e.dataset.field] = value;
      if (e.dataset.personal) personal[e.dataset.personal] = value;
    }
    const fact = { type: form.dataset.fact, organization: form.dataset.organization, key: form.dataset.key, label: form.dataset.label, data };
    if (Object.keys(personal).length > 0) fact.personal = personal;
    if (saying.has(form)) return; // a second tap says nothing, whatever the page drew meanwhile
    saying.add(form);
    for (const e of form.elements) e.disabled = true;
    say(fact).then(() => {
      saying.delete(form);
      if (!form.dataset.key) form.reset();
      for (const e of form.querySelectorAll("[data-personal]")) e.value = "";
      changed();
    }, () => location.reload());
  }, true);

  // ---- beginning ----
  let works = false;
  async function begin() {
    if (!(works = await ready)) return;
    const whose = await within("readwrite", async (facts, about, ask) => {
      const before = await ask(about.get("person"));
      skew = await ask(about.get("skew")) || 0;
      about.put(person, "person");
      for (const f of await ask(facts.getAll())) {
        if (!waits(f) && (f.person !== person || now() - f.answeredAt > forget)) facts.delete(f.seq);
      }
      return before;
    });
    if (window.caches && whose && whose !== person) await caches.delete(kept);
    if (navigator.serviceWorker && words.worker) {
      navigator.serviceWorker.register(words.worker).catch(() => {});
      if (window.caches) keep();
    }
    await changed();
    send();
  }

  // keep fetches what belongs to this page once, until the worker does it.
  async function keep() {
    const cache = await caches.open(kept);
    const needs = [...document.querySelectorAll("link[href], script[src], img[src]")].map((e) => e.href || e.src).filter((a) => a.startsWith(location.origin));
    for (const address of needs) if (!await cache.match(address, { ignoreVary: true })) await cache.add(address).catch(() => {});
    if (navigator.serviceWorker.controller || !navigator.onLine) return;
    const answer = await fetch(location.href).catch(() => null);
    if (answer && answer.ok && !answer.redirected && answer.headers.get("Socho-Keep")) await cache.put(location.href, answer);
  }

  addEventListener("online", send);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) send(); });
  window.offline = { ready, say, undo, facts: all, send };
  begin().catch(() => { works = false; });
})();
