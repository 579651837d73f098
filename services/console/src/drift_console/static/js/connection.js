// The live state of one model: a stream of events; while that is broken, polling; and always a visible status.

const SILENCE = 6000; // the stream sends about once a second: longer than this is a lost stream
const POLL = 2000;
const LONGEST_WAIT = 8000;

export class Connection {
  #model = null;
  #source = null;
  #timers = new Map();
  #wait = 500;
  #generation = 0;

  /** onState(state) for each document; onStatus("connecting"|"live"|"polling"|"lost", detail). */
  constructor(onState, onStatus) {
    this.onState = onState;
    this.onStatus = onStatus;
    addEventListener("online", () => this.#listen());
    addEventListener("offline", () => this.#broken());
  }

  /** Follow a model (null: the server's default), leaving the one before. */
  follow(model) {
    this.#model = model;
    this.#generation += 1;
    this.#wait = 500;
    this.onStatus("connecting");
    this.#listen();
  }

  #query() {
    return this.#model === null ? "" : `?model=${encodeURIComponent(this.#model)}`;
  }

  #listen() {
    this.#source?.close();
    const source = new EventSource(`console/api/stream${this.#query()}`);
    this.#source = source;
    this.#after("silence", SILENCE, () => this.#broken());
    source.addEventListener("state", (event) => {
      if (source !== this.#source) return;
      this.#wait = 500;
      this.#cancel("poll");
      this.#cancel("retry");
      this.#after("silence", SILENCE, () => this.#broken());
      this.onStatus("live");
      this.onState(JSON.parse(event.data));
    });
    source.addEventListener("error", () => source === this.#source && this.#broken());
  }

  #broken() {
    this.#source?.close();
    this.#source = null;
    this.#cancel("silence");
    this.#after("retry", this.#wait, () => this.#listen());
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    if (!this.#timers.has("poll")) this.#poll();
  }

  async #poll() {
    const generation = this.#generation;
    this.#after("poll", POLL, () => this.#poll());
    let answer = null;
    try {
      const response = await fetch(`console/api/state${this.#query()}`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      answer = response.ok ? await response.json() : { problem: await problem(response) };
    } catch {
      answer = { problem: "the server does not answer" };
    }
    if (generation !== this.#generation || !this.#timers.has("poll")) return;
    this.onStatus(answer.problem ? "lost" : "polling", answer.problem);
    if (!answer.problem) this.onState(answer);
  }

  #after(name, milliseconds, action) {
    this.#cancel(name);
    this.#timers.set(name, setTimeout(action, milliseconds));
  }

  #cancel(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/** What a failed response says of itself: the problem document's detail or its status. */
export async function problem(response) {
  const fallback = `the server answered ${response.status}`;
  try {
    const document = await response.json();
    return document.detail ?? document.title ?? fallback;
  } catch {
    return fallback;
  }
}
