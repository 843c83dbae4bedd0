import { EventEmitter } from 'node:events';
import { app } from './app.mjs';
import { only } from './report.mjs';
import { state } from './state.mjs';
import { preventable, WebContents } from './web-contents.mjs';

/** A window is a page of Chromium. Only the safe way of opening one exists here. */
export class BrowserWindow extends EventEmitter {
  #bounds;
  #maximized = false;
  #closed = false;
  visible = false;

  constructor(options) {
    super();
    if (!state.ready) throw new Error('Cannot create BrowserWindow before app is ready');
    const { preload, sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity } =
      options.webPreferences ?? {};
    const unsafe = {
      nodeIntegration,
      webviewTag,
      sandbox: sandbox === false,
      contextIsolation: contextIsolation === false,
    };
    for (const [name, value] of Object.entries({ ...unsafe, webSecurity: webSecurity === false })) {
      if (value) throw new Error(`the window is opened with an unsafe ${name}`);
    }
    this.#bounds = { x: options.x ?? 0, y: options.y ?? 0, width: options.width ?? 800, height: options.height ?? 600 };
    this.visible = options.show !== false;
    const contents = new WebContents(preload);
    this.webContents = only('webContents', contents);
    contents.on('destroyed', () => this.#ended());
    state.windows.add(this);
    app.emit('web-contents-created', {}, this.webContents);
  }

  async loadURL(url) {
    await this.webContents.opened;
    await this.webContents.page.setViewportSize({ width: this.#bounds.width, height: this.#bounds.height });
    await this.webContents.load(url);
    this.emit('ready-to-show');
  }
  show() {
    this.visible = true;
  }
  focus() {
    state.focused = this;
    state.focusCount = (state.focusCount ?? 0) + 1;
  }
  restore() {}
  isMinimized() {
    return false;
  }
  maximize() {
    this.#maximized = true;
    this.emit('maximize');
  }
  isMaximized() {
    return this.#maximized;
  }
  getNormalBounds() {
    return { ...this.#bounds };
  }
  setBounds(bounds) {
    this.#bounds = { ...this.#bounds, ...bounds };
    this.emit('resize');
    this.emit('move');
  }
  close() {
    const event = preventable({});
    this.emit('close', event);
    if (event.defaultPrevented) return;
    void this.webContents.page?.close();
  }

  #ended() {
    if (this.#closed) return;
    this.#closed = true;
    state.windows.delete(this);
    this.emit('closed');
    if (state.windows.size) return;
    if (app.listenerCount('window-all-closed')) app.emit('window-all-closed');
    else app.quit();
  }
}
