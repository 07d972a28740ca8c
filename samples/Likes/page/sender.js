// Brings wishes to the server, each under its own key (user, post, seq), as often as it takes.
import * as server from './server.js';

export class Sender {
  #busy = new Set();

  // tell.settled(post, liked, count), tell.rolledBack(post, reason), tell.changed()
  constructor(outbox, user, tell) {
    this.outbox = outbox;
    this.user = user;
    this.tell = tell;
  }

  // True if something settled without the server saying how the post looks now.
  async sendAll() {
    const wishes = await this.outbox.all();
    const stale = await Promise.all(wishes.map(wish => this.send(wish.post)));
    return stale.includes(true);
  }

  // Sends a post's wish, and a later one that came meanwhile.
  async send(post) {
    if (this.#busy.has(post)) {
      return false;
    }

    this.#busy.add(post);
    try {
      let stale = false;
      for (let sent = null, wish; (wish = await this.outbox.find(post)) && wish.seq !== sent; sent = wish.seq) {
        const answer = wish.operation ? await server.operation(wish.operation) : await server.like(this.user, wish);
        stale = await this.#take(wish, answer);
        await this.tell.changed();
      }

      return stale;
    } finally {
      this.#busy.delete(post);
    }
  }

  async #take(wish, answer) {
    switch (answer.state) {
      case 'settled':
      case 'cancelled':
        if (await this.outbox.remove(wish) && answer.count !== null) {
          this.tell.settled(wish.post, answer.liked, answer.count);
          return false;
        }

        return true;
      case 'pending':
        await this.outbox.note(wish, answer.operation);
        return false;
      case 'unknown':
        await this.outbox.note(wish, null);     // the server has forgotten: ask it again
        return false;
      case 'rejected':
      case 'expired':
        if (await this.outbox.remove(wish)) {   // so the user is told once
          this.tell.rolledBack(wish.post, answer.reason);
        }

        return true;
      default:
        return false;       // unavailable: it stays here
    }
  }
}
