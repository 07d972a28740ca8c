// The page: the server's list, with what waits in the outbox laid over it.
import { Outbox } from './outbox.js';
import { Sender } from './sender.js';
import * as server from './server.js';

const asked = new URLSearchParams(location.search);
const user = asked.get('user') ?? (localStorage.user ??= `user-${crypto.randomUUID().slice(0, 8)}`);
const every = Number(asked.get('every') ?? 2000);       // how often what waits is looked at, in milliseconds

const outbox = await Outbox.open(user);
const sender = new Sender(outbox, user, { settled, rolledBack, changed: render });
let posts = [];

// What a user sees of a post. A like that the server has counted already is not counted again.
function overlaid(post, wish) {
  return wish ? { ...post, liked: wish.liked, count: post.count + Number(wish.liked) - Number(post.liked), pending: true } : post;
}

async function load() {
  posts = await server.posts(user) ?? posts;
  await render();
}

async function render() {
  const wishes = new Map((await outbox.all()).map(wish => [wish.post, wish]));
  document.querySelector('#posts').replaceChildren(...posts.map(post => row(overlaid(post, wishes.get(post.id)))));
}

function row(post) {
  const item = document.createElement('li');
  item.dataset.post = post.id;
  item.classList.toggle('pending', post.pending === true);
  const text = document.createElement('span');
  text.textContent = post.text;
  const button = document.createElement('button');
  button.ariaPressed = String(post.liked);
  button.textContent = `♥ ${post.count}`;
  button.ariaLabel = `Like: ${post.text}`;
  item.append(text, button);
  return item;
}

// One listener for all rows: they are made anew while a click goes on. The second click of a double click is the same wish.
document.querySelector('#posts').addEventListener('click', async event => {
  const post = event.target.closest('li')?.dataset.post;
  if (post && event.target.closest('button') && event.detail < 2) {
    const shown = overlaid(posts.find(p => p.id === post), await outbox.find(post));
    await outbox.put(post, !shown.liked);       // kept before anything is sent
    await render();
    await sender.send(post);
  }
});

function settled(post, liked, count) {
  posts = posts.map(p => p.id === post ? { ...p, liked, count } : p);
}

function rolledBack(post, reason) {
  const notice = document.createElement('p');
  const text = posts.find(p => p.id === post)?.text ?? `post ${post}`;
  notice.textContent = `Your click on “${text}” could not be kept: ${reason}`;
  document.querySelector('#notices').append(notice);
}

async function look() {
  if (await sender.sendAll()) {
    await load();       // something settled that this page has no count of
  }
}

addEventListener('online', look);
setInterval(look, every);
if ('serviceWorker' in navigator) {
  navigator.serviceWorker.register('worker.js');        // so that the page opens while the server is down
}

await render();
await load();
await look();
document.body.dataset.ready = 'true';
