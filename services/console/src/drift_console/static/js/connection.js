// The live state of one model: a stream of events; while that is broken, polling; and always a visible status.

const SILENCE = 8000; // the stream is silent while nothing changes: after this long, ask whether it still lives
const POLL = 2000;
const SILENT = "the server does not answer";
const SLOW = 5000; // after this long without an answer the page says so, and goes on waiting for it
const PATIENCE = 60_000; // a long span of many features may take many seconds
const LONGEST_WAIT = 8000;

export class Connection {
  #query = "";
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

  /** Follow what a query names ({model, minutes}; null values are left to the server), leaving the one before. */
  follow(query) {
    const given = Object.entries(query).filter(([, value]) => value !== null);
    this.#query = new URLSearchParams(given).toString();
    this.#generation += 1;
    this.#cancel("poll");
    this.#cancel("retry");
    this.#wait = 500;
    this.onStatus("connecting");
    this.#listen();
  }

  #listen() {
    this.#source?.close();
    const source = new EventSource(`console/api/stream?${this.#query}`);
    this.#source = source;
    this.#after("silence", SILENCE, () => this.#ask());
    source.addEventListener("state", (event) => {
      if (source !== this.#source) return;
      this.#wait = 500;
      this.#cancel("poll");
      this.#cancel("retry");
      this.#after("silence", SILENCE, () => this.#ask());
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

  /** A silent stream is fine as long as the server answers. */
  async #ask() {
    const source = this.#source;
    const answer = await this.#fetch();
    if (source === null || source !== this.#source) return;
    if (answer.problem || source.readyState === EventSource.CLOSED) return this.#broken();
    this.#after("silence", SILENCE, () => this.#ask());
    // The stream of a slow server may not have begun yet, while its answers come.
    this.onStatus(source.readyState === EventSource.OPEN ? "live" : "polling");
    this.onState(answer);
  }

  async #poll() {
    const generation = this.#generation;
    this.#timers.set("poll", null); // under way: the next one waits for the answer
    const answer = await this.#fetch();
    if (generation !== this.#generation || !this.#timers.has("poll")) return;
    this.#after("poll", POLL, () => this.#poll());
    this.onStatus(answer.problem ? "lost" : "polling", answer.problem);
    if (!answer.problem) this.onState(answer);
  }

  async #fetch() {
    const generation = this.#generation;
    const late = setTimeout(() => generation === this.#generation && this.onStatus("lost", SILENT), SLOW);
    try {
      const response = await fetch(`console/api/state?${this.#query}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      return response.ok ? await response.json() : { problem: await problem(response) };
    } catch {
      return { problem: SILENT };
    } finally {
      clearTimeout(late);
    }
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
