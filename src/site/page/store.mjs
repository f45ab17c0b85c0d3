// Loads the catalogue's data. `fetch` does not work on file://, so each file is a script that calls one function.

import { openShard } from "./shard.mjs";

const FOLDER = "index-data/";
// How many documents' search data stay in memory; the least recently used shards leave first.
const IN_MEMORY = 240_000;

const DATA = /^(start|(binders|search|details|changes)-[A-Za-z0-9-]+)\.js$/;

// Loads one script and returns what it called its function with.
export function loadScript(name) {
  return new Promise((resolve, reject) => {
    if (!DATA.test(name)) throw new Error(`${name} is no data`);
    const element = document.createElement("script");
    element.src = FOLDER + encodeURIComponent(name);
    element.onload = () => {
      element.remove();
      const values = window.ibinder.inbox;
      window.ibinder.inbox = null;
      if (values) resolve(values);
      else reject(new Error(`${name} has no data`));
    };
    element.onerror = () => {
      element.remove();
      reject(new Error(`${name} can't be read`));
    };
    document.head.append(element);
  });
}

// A script's load event comes before the next script runs.
export function receiveScripts() {
  const receive = (...values) => {
    window.ibinder.inbox = values;
  };
  window.ibinder = {
    inbox: null,
    start: receive,
    binders: receive,
    search: receive,
    details: receive,
    changes: receive,
  };
}

export function createStore(load = loadScript, inMemory = IN_MEMORY) {
  const shards = new Map();
  const loading = new Map();
  const once = (name) => {
    if (!loading.has(name)) {
      const promise = load(name);
      loading.set(name, promise);
      promise.catch(() => {}).then(() => loading.delete(name));
    }
    return loading.get(name);
  };
  const makeRoom = () => {
    let documents = 0;
    for (const shard of shards.values()) documents += shard.count;
    for (const [file, shard] of shards) {
      if (documents <= inMemory || shards.size === 1) return;
      shards.delete(file);
      documents -= shard.count;
    }
  };
  const keep = (place, shard) => {
    shards.delete(place.file);
    shards.set(place.file, shard);
    makeRoom();
    return shard;
  };
  let changes = null;
  return {
    start: null,
    binders: [],
    places: [],
    async open() {
      [this.start] = await once("start.js");
      const [entries] = await once(this.start.binders);
      const times = new Map(Object.entries(this.start.read));
      this.binders = entries.map((entry) => {
        const [mirrored, certified, inaccessible] = times.get(entry.id) ?? [null, null, null];
        return { ...entry, mirrored, certified, inaccessible };
      });
      this.places = this.binders.flatMap((binder) =>
        binder.search.map((file, number) => ({ binder: binder.id, number, file })),
      );
      this.places.forEach((place, n) => (place.position = n * 2 ** 24));
    },
    binder(id) {
      return this.binders.find((binder) => binder.id === id) ?? null;
    },
    placesOf(binder) {
      return binder ? this.places.filter((place) => place.binder === binder) : this.places;
    },
    // The shard if it is in memory.
    held(place) {
      const shard = shards.get(place.file);
      return shard ? keep(place, shard) : null;
    },
    async shard(place) {
      return this.held(place) ?? keep(place, openShard(place, (await once(place.file))[2]));
    },
    async versions(row) {
      const file = this.binder(row.binder)?.details[row.shard];
      if (!file) return null;
      const [, , all] = await once(file);
      return Object.prototype.hasOwnProperty.call(all, row.id) ? all[row.id] : null;
    },
    async changes() {
      if (!changes) changes = this.start.changes ? (await once(this.start.changes))[0] : [];
      return changes;
    },
  };
}
