// What the user wants and nobody has confirmed, in IndexedDB: it outlives reloads and crashes. At most one wish per post, the last one.
//   { post, liked, seq, operation }    operation: the server's, once it holds the wish; asked for instead of sent again

const wait = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export class Outbox {
  static async open(user) {
    const opening = indexedDB.open(`likes of ${user}`, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore('wishes', { keyPath: 'post' });
      opening.result.createObjectStore('numbers');
    };
    return new Outbox(await wait(opening));
  }

  constructor(db) {
    this.db = db;
  }

  all() {
    return wait(this.db.transaction('wishes').objectStore('wishes').getAll());
  }

  find(post) {
    return wait(this.db.transaction('wishes').objectStore('wishes').get(post));
  }

  // Keeps a wish under the next sequence number. It takes the place of an earlier one for the post.
  put(post, liked) {
    return this.#change(async (wishes, numbers) => {
      const seq = Math.max(Date.now(), (await wait(numbers.get('seq')) ?? 0) + 1);
      numbers.put(seq, 'seq');
      wishes.put({ post, liked, seq, operation: null });
      return true;
    });
  }

  // The server holds the wish under an operation, or does not know the operation any more.
  note(wish, operation) {
    return this.#ifThere(wish, wishes => wishes.put({ ...wish, operation }));
  }

  // The wish is settled or in vain. True for the one who takes it away: a second tab, or a later wish, gets false.
  remove(wish) {
    return this.#ifThere(wish, wishes => wishes.delete(wish.post));
  }

  #ifThere(wish, act) {
    return this.#change(async wishes => {
      const isThere = (await wait(wishes.get(wish.post)))?.seq === wish.seq;
      if (isThere) {
        act(wishes);
      }

      return isThere;
    });
  }

  // Resolves when the change is on disk.
  async #change(act) {
    const transaction = this.db.transaction(['wishes', 'numbers'], 'readwrite', { durability: 'strict' });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const result = await act(transaction.objectStore('wishes'), transaction.objectStore('numbers'));
    await done;
    return result;
  }
}
