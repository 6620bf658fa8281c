// Today's takings as they come (web/trader_takings.go). The page says as of which
// offset it was made; the stream goes on from there, and after a loss of the network
// from the last one that arrived, so that nothing is lost and nothing comes twice.
// A tap allows the sound, which browsers ask for, and keeps the screen lit.
"use strict";
(() => {
  const part = document.getElementById("takings"), list = document.querySelector("[data-list]");
  if (!part || !window.EventSource) return;
  const words = part.dataset, find = (name) => part.querySelector("[data-" + name + "]");
  const most = 300; // rows on the page
  let after = Number(words.after), source = null, timer = 0, loud = null, lamp = null;

  const say = (text, bad) => {
    const state = find("state");
    if (state.textContent !== text) state.textContent = text;
    state.className = bad ? "problem" : "quiet";
  };

  // row shows a sale, on top where it is new. It is found by its event, however often
  // it is told.
  function row(sale) {
    let item = list.querySelector("[data-id=" + CSS.escape(sale.id) + "]");
    const fresh = !item && !sale.undone && sale.on === words.today;
    if (!item) {
      if (sale.on !== words.today) return false;
      item = document.createElement("li");
      item.dataset.id = sale.id;
      const clock = document.createElement("time"), much = document.createElement("b"), how = document.createElement("span");
      clock.textContent = sale.clock;
      much.textContent = sale.amount;
      how.textContent = sale.how;
      item.append(clock, " ", much, " ", how);
      list.prepend(item);
      while (list.children.length > most) list.lastChild.remove();
      document.querySelector("[data-empty]")?.remove();
    }
    if (sale.undone && !item.classList.contains("undone")) {
      item.classList.add("undone");
      item.querySelector("span").append(" · " + words.undone);
      item.querySelector("form")?.remove();
    }
    return fresh;
  }

  // ---- the sound: two short tones, made here ----
  function ring() {
    if (!loud || loud.state !== "running") return;
    for (const [at, height] of [[0, 880], [0.14, 1318.5]]) {
      const tone = loud.createOscillator(), level = loud.createGain(), begin = loud.currentTime + at;
      tone.frequency.value = height;
      level.gain.setValueAtTime(0.0001, begin);
      level.gain.exponentialRampToValueAtTime(0.6, begin + 0.02);
      level.gain.exponentialRampToValueAtTime(0.0001, begin + 0.3);
      tone.connect(level).connect(loud.destination);
      tone.start(begin);
      tone.stop(begin + 0.32);
    }
    navigator.vibrate?.(120);
  }

  async function light() {
    if (!navigator.wakeLock || document.hidden || !loud) return;
    try { lamp = await navigator.wakeLock.request("screen"); } catch (refused) { lamp = null; }
  }

  const button = find("sound");
  const Sound = window.AudioContext || window.webkitAudioContext;
  if (Sound) {
    button.hidden = false;
    button.onclick = async () => {
      loud ||= new Sound();
      await loud.resume();
      button.textContent = words.loud;
      button.classList.add("second");
      ring();
      light();
    };
  }

  // ---- the stream ----
  let last = null, told = 0; // the newest that is to be shown large, and when the last sound was
  function open() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(words.stream + "?after=" + after);
    source.onopen = () => say(words.live, false);
    source.addEventListener("sale", (event) => {
      after = Number(event.lastEventId);
      const sale = JSON.parse(event.data);
      if (row(sale)) last = sale;
    });
    source.addEventListener("sum", (event) => {
      const sum = JSON.parse(event.data);
      if (sum.on !== words.today) return location.reload(); // a new day
      find("sum").textContent = sum.sum;
      find("cash").textContent = sum.cash;
      find("count").textContent = sum.count;
      if (!last) return;
      find("latest").textContent = "+ " + last.amount;
      if (last.method === "bank" && Date.now() - told > 400) { told = Date.now(); ring(); }
      last = null;
    });
    source.onerror = () => {
      say(words.away, true);
      if (source.readyState !== EventSource.CLOSED) return; // the browser asks again by itself
      clearTimeout(timer);
      timer = setTimeout(open, 5000);
    };
  }
  open();

  addEventListener("online", open);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    light();
    if (source.readyState === EventSource.CLOSED) open();
  });
  addEventListener("pagehide", () => { source.close(); clearTimeout(timer); });
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
})();
