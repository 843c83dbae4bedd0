import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report } from './report.mjs';
import { state } from './state.mjs';
import { connect, preventable } from './web-contents.mjs';

const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

class App extends EventEmitter {
  isPackaged = false;
  #paths = new Map();
  #ready = new Promise((resolve) => {
    // Entry modules are evaluated before the app is ready.
    setTimeout(async () => {
      await connect();
      state.ready = true;
      resolve();
      this.emit('ready');
    }, 20);
  });

  setName(name) {
    this.name = name;
  }
  setPath(name, path) {
    this.#paths.set(name, path);
  }
  isReady() {
    return state.ready;
  }
  whenReady() {
    return this.#ready;
  }
  enableSandbox() {
    if (state.ready) throw new Error('app.enableSandbox() can only be called before app is ready');
    state.sandboxed = true;
  }

  /** One process per userData directory; a second one knocks and is told no. */
  requestSingleInstanceLock() {
    const directory = this.#paths.get('userData');
    if (!directory) throw new Error('the test never uses the default userData directory');
    mkdirSync(directory, { recursive: true });
    const lock = join(directory, 'SingletonLock');
    const knock = join(directory, 'second-instance');
    if (existsSync(lock) && alive(Number(readFileSync(lock, 'utf8')))) {
      writeFileSync(knock, String(process.pid));
      return false;
    }
    writeFileSync(lock, String(process.pid));
    process.on('exit', () => rmSync(lock, { force: true }));
    watch(directory, (_, name) => {
      if (name !== 'second-instance' || !existsSync(knock)) return;
      rmSync(knock);
      this.emit('second-instance', {}, [], '');
    }).unref();
    return true;
  }

  quit() {
    const event = preventable({});
    this.emit('before-quit', event);
    if (event.defaultPrevented) return;
    for (const window of state.windows) window.close();
    this.exit(0);
  }

  exit(code = 0) {
    const pages = [...state.windows].map((window) => window.webContents.page?.close().catch(() => {}));
    report('exit', { code });
    void Promise.all(pages).finally(() => process.exit(code));
  }
}

export const app = new App();
