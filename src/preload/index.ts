/**
 * All that the page gets of the desktop: one pipe to the app. It runs sandboxed,
 * in its own world; the page can neither reach Electron nor name a channel.
 */
import { contextBridge, ipcRenderer } from 'electron';

const { port1, port2 } = new MessageChannel();
const early: unknown[] = [];
let deliver: (message: unknown) => void = (message) => void early.push(message);
let closed = false;
const closers: (() => void)[] = [];

port1.addEventListener('message', (event) => deliver(event.data));
port1.start();
port1.addEventListener('close', () => {
  closed = true;
  for (const close of closers.splice(0)) close();
});
ipcRenderer.postMessage('gantry:connect', null, [port2]);

contextBridge.exposeInMainWorld('gantry', {
  post: (message: unknown): void => port1.postMessage(message),
  onMessage: (listener: (message: unknown) => void): void => {
    deliver = listener;
    for (const message of early.splice(0)) listener(message);
  },
  onClose: (listener: () => void): void => {
    if (closed) listener();
    else closers.push(listener);
  },
});
