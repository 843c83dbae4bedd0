import { EventEmitter } from 'node:events';
import { cloned } from './report.mjs';

/** The main process's end of a message port. Messages wait until `start`. */
export class MessagePortMain extends EventEmitter {
  #waiting = [];
  #started = false;
  #closed = false;
  #unsent = [];
  #connected = false;

  /** @param evaluate runs an expression in the page, made from the port's id there */
  constructor(evaluate) {
    super();
    this.evaluate = evaluate;
  }

  postMessage(message) {
    if (this.#closed) return;
    const text = JSON.stringify(cloned(message));
    const send = () => this.evaluate((id) => `electronDeliver(${id}, ${text})`);
    if (this.#connected) send();
    else this.#unsent.push(send);
  }

  start() {
    this.#started = true;
    for (const data of this.#waiting.splice(0)) this.emit('message', { data, ports: [] });
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.evaluate((id) => `electronClose(${id})`);
    this.emit('close');
  }

  /** The page's side of the relay is there. */
  connected() {
    this.#connected = true;
    for (const send of this.#unsent.splice(0)) send();
  }

  receive(data) {
    if (this.#closed) return;
    if (this.#started) this.emit('message', { data: cloned(data), ports: [] });
    else this.#waiting.push(cloned(data));
  }

  closedByPeer() {
    if (this.#closed) return;
    this.#closed = true;
    this.emit('close');
  }
}

/** Channels from pages; only what the app listens for is heard. */
export const ipcMain = new EventEmitter();
