/**
 * The scripts that make two worlds of one page, as Electron does with
 * contextIsolation: the preload script runs in its own and may only hand plain
 * values and functions over. Both talk by DOM events that carry JSON.
 */

/** The world of the page: builds what the preload script exposes. */
export const pageWorld = `(() => {
  if (window !== window.top) return;
  const callbacks = new Map();
  let count = 0;
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent('electron:' + name, { detail: JSON.stringify(detail) }));
  const hear = (name, act) => document.addEventListener('electron:' + name, (event) => act(JSON.parse(event.detail)));
  const pack = (value) => {
    if (typeof value !== 'function') return { value: structuredClone(value) };
    const id = (count += 1);
    callbacks.set(id, value);
    return { callback: id };
  };
  let returned;
  hear('return', (answer) => (returned = answer));
  hear('callback', ({ id, args }) => callbacks.get(id)?.(...args));
  const build = (shape) => {
    if (shape.fn !== undefined) {
      return (...args) => {
        returned = undefined;
        tell('call', { fn: shape.fn, args: args.map(pack) });
        if (returned?.error) throw new Error(returned.error);
        return returned?.value;
      };
    }
    if (shape.fields) return Object.freeze(Object.fromEntries(Object.entries(shape.fields).map(([key, field]) => [key, build(field)])));
    return shape.value;
  };
  hear('expose', ({ key, shape }) => {
    if (Object.hasOwn(window, key)) return;
    Object.defineProperty(window, key, { value: build(shape), enumerable: true, configurable: false, writable: false });
  });
  tell('ready', null);
})();`;

/** The world of the preload script, sandboxed: no Node, and of Electron only what a sandboxed renderer has. */
export const preloadWorld = (source, platform) => `(() => {
  if (window !== window.top) return;
  const ipc = (message) => globalThis.electronIpc(JSON.stringify(message));
  const problem = (text) => ipc({ type: 'problem', text });
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent('electron:' + name, { detail: JSON.stringify(detail) }));
  const hear = (name, act) => document.addEventListener('electron:' + name, (event) => act(JSON.parse(event.detail)));

  const functions = new Map();
  const exposed = new Map();
  const shapeOf = (value, path) => {
    if (typeof value === 'function') {
      const fn = functions.size + 1;
      functions.set(fn, value);
      return { fn };
    }
    if (typeof value === 'object' && value !== null) {
      if (Object.getPrototypeOf(value) !== Object.prototype) throw new TypeError('cannot expose ' + path);
      return { fields: Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shapeOf(field, path + '.' + key)])) };
    }
    return { value: structuredClone(value) };
  };
  hear('call', ({ fn, args }) => {
    const unpack = (arg) =>
      arg.callback === undefined ? arg.value : (...values) => tell('callback', { id: arg.callback, args: structuredClone(values) });
    try {
      tell('return', { value: functions.get(fn)(...args.map(unpack)) });
    } catch (error) {
      tell('return', { error: error.message });
    }
  });
  hear('ready', () => exposed.forEach((shape, key) => tell('expose', { key, shape })));

  const ports = new Map();
  let count = 0;
  /** Moves the port over to the main process: what the page holds of it afterwards is dead. */
  const transfer = (port) => {
    if (!(port instanceof MessagePort)) throw new TypeError('Invalid value for transfer');
    const id = (count += 1);
    const carrier = new MessageChannel();
    carrier.port2.onmessage = (event) => {
      const [moved] = event.ports;
      ports.set(id, moved);
      moved.addEventListener('message', (message) => ipc({ type: 'message', port: id, data: message.data }));
      moved.addEventListener('close', () => ipc({ type: 'close', port: id }));
      moved.start();
      ipc({ type: 'moved', port: id });
    };
    carrier.port1.postMessage(null, [port]);
    return id;
  };
  globalThis.electronDeliver = (id, data) => ports.get(id)?.postMessage(data);
  globalThis.electronClose = (id) => ports.get(id)?.close();

  const electron = Object.freeze({
    contextBridge: Object.freeze({
      exposeInMainWorld(key, api) {
        if (exposed.has(key)) throw new Error('Cannot bind an API on top of an existing property on the window object');
        const shape = shapeOf(api, key);
        exposed.set(key, shape);
        tell('expose', { key, shape });
      },
    }),
    ipcRenderer: Object.freeze({
      postMessage(channel, message, transferred = []) {
        const value = structuredClone(message);
        ipc({ type: 'ipc', channel, message: value === undefined ? null : value, ports: transferred.map(transfer) });
      },
    }),
  });
  const require = (name) => {
    if (name === 'electron' || name === 'electron/renderer') return electron;
    throw new Error('module not found: ' + name);
  };
  const process = Object.freeze({ type: 'renderer', sandboxed: true, contextIsolated: true, platform: ${JSON.stringify(platform)} });
  try {
    const module = { exports: {} };
    (function (require, module, exports, process) {
${source}
    })(require, module, module.exports, process);
  } catch (error) {
    problem('the preload script failed: ' + error.stack);
  }
})();`;
