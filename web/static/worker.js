// Shows pages that were kept on this telephone while there is no network. It is
// served at one address for good, so that browsers find the next version of it.
"use strict";
const kept = "socho-kept", most = 200;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const request = event.request, address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (address.pathname.startsWith("/assets/")) {
    // The address holds the checksum: what is kept is what would come.
    event.respondWith(caches.match(request, { ignoreVary: true }).then((have) => have || fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(page(request));
  }
});

// page asks for a page, and keeps it where the server says that it may be. The
// kept one is shown only where no answer comes.
async function page(request) {
  let answer;
  try {
    answer = await fetch(request);
  } catch (away) {
    const have = await caches.match(request, { ignoreVary: true });
    if (have) return have;
    throw away;
  }
  if (answer.ok && answer.headers.get("Socho-Keep")) {
    const copy = answer.clone();
    caches.open(kept).then((cache) => cache.put(request, copy)).then(bound);
  }
  return answer;
}

// bound lets the oldest go: each day's pages and each release's files are others.
async function bound() {
  const cache = await caches.open(kept), all = await cache.keys();
  for (const old of all.slice(0, Math.max(all.length - most, 0))) await cache.delete(old);
}
