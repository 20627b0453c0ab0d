// The live events, kept open: the browser reconnects by itself, except where it gives up.

import { printable } from "./format.js";

// A connection whose other end vanished stays "open" for minutes: silence ends it.
const SILENCE_SECONDS = 8;

export class Stream {
  #url;
  #onSnapshot;
  #source = null;
  #heardAt = 0;

  constructor(url, onSnapshot) {
    this.#url = url;
    this.#onSnapshot = onSnapshot;
    this.#connect();
  }

  get isOpen() {
    return this.#source.readyState === EventSource.OPEN;
  }

  /** To be called often: starts anew where the browser has given up, or hears nothing. */
  check() {
    const silent = performance.now() - this.#heardAt;
    const givenUp = this.#source.readyState === EventSource.CLOSED && silent > 1000;
    if (givenUp || silent > SILENCE_SECONDS * 1000) this.#connect();
  }

  #connect() {
    this.#source?.close();
    this.#heardAt = performance.now();
    this.#source = new EventSource(this.#url);
    this.#source.onmessage = (message) => {
      this.#heardAt = performance.now();
      this.#onSnapshot(JSON.parse(message.data, (_, value) => (typeof value === "string" ? printable(value) : value)));
    };
    this.#source.onerror = () => {
      this.#heardAt = performance.now();
    };
  }
}
