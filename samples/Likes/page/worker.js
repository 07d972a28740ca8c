// Keeps a copy of the page and of the last list, for when the server is down. The server's word goes first.
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
  const isPage = request.mode === 'navigate';
  try {
    const response = await fetch(request);
    if (response.ok) {
      await (await caches.open(cache)).put(isPage ? './' : request, response.clone());
    }

    return response;
  } catch {
    return await caches.match(isPage ? './' : request) ?? Response.error();
  }
}
