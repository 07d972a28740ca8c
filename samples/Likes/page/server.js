// The server's answers. What is no answer of its own is 'unavailable': the server may be down, or this device offline.

const limit = 5000;     // milliseconds

async function ask(path, options = {}) {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(limit) });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0 };
  }
}

// The list of posts; null if nobody can say.
export async function posts(user) {
  const { status, body } = await ask(`posts?user=${encodeURIComponent(user)}`);
  return status === 200 ? body : null;
}

export async function like(user, wish) {
  const { status, body } = await ask(wish.liked ? 'likes' : 'unlikes', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, post: wish.post, seq: wish.seq }),
  });
  return status === 200 || status === 202 ? body
    : status >= 400 && status < 500 ? { state: 'rejected', reason: body?.reason ?? body?.detail ?? 'it was refused' }
    : { state: 'unavailable' };
}

export async function operation(id) {
  const { status, body } = await ask(`operations/${encodeURIComponent(id)}`);
  return status === 200 ? body : { state: status === 404 ? 'unknown' : 'unavailable' };
}
