// Keeps a copy of the page and of the last list, for when the server is down, or has no list. The server's word goes first.
const cache = 'likes';

addEventListener('install', event => event.waitUntil((async () => {
  await (await caches.open(cache)).addAll(['./', 'app.js', 'outbox.js', 'sender.js', 'server.js']);
  await skipWaiting();
})()));

addEventListener('activate', event => event.waitUntil(clients.claim()));

addEventListener('fetch', event => {
  const path = new URL(event.request.url).pathname;
  if (event.request.method === 'GET' && !path.startsWith('/operations') && !path.startsWith('/control')) {
    event.respondWith(answer(event.request));
  }
});

async function answer(request) {
  const key = request.mode === 'navigate' ? './' : request;
  let response;
  try {
    response = await fetch(request);
    if (response.ok) {
      await (await caches.open(cache)).put(key, response.clone());
    }
  } catch {
    response = Response.error();
  }

  return response.ok || (response.status >= 400 && response.status < 500) ? response : await caches.match(key) ?? response;
}
