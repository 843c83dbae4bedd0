import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { ipcMain, MessagePortMain } from './ipc.mjs';
import { protocols } from './protocol.mjs';
import { report } from './report.mjs';
import { pageWorld, preloadWorld } from './worlds.mjs';

const WORLD = 'electron-preload';
let browser;

/** The Chromium that the test started; its pages stand for Electron's. */
export const connect = () =>
  (browser ??= chromium.connectOverCDP(process.env.GANTRY_DOUBLE_BROWSER, { isLocal: true }));

/** Chromium knows no scheme of ours: app://gantry/x is http://gantry.app.localhost/x, and never leaves the machine. */
export function toBrowser(url) {
  const { protocol, host, pathname, search, hash } = new URL(url);
  if (!protocols.has(protocol.slice(0, -1))) return url;
  return `http://${host}.${protocol.slice(0, -1)}.localhost${pathname}${search}${hash}`;
}
export function fromBrowser(url) {
  const match = /^http:\/\/([^/:]+)\.([a-z]+)\.localhost(\/.*)$/.exec(url);
  return match && protocols.has(match[2]) ? `${match[2]}://${match[1]}${match[3]}` : url;
}

/** An event that can be prevented. */
const preventable = (fields) => ({
  ...fields,
  defaultPrevented: false,
  preventDefault() {
    this.defaultPrevented = true;
  },
});

/** A page with its preload script in a world of its own. */
export class WebContents extends EventEmitter {
  /** Ports by execution context and id. */
  #ports = new Map();
  #openHandler = () => ({ action: 'allow' });
  #loading = false;

  constructor(preload) {
    super();
    this.opened = this.#open(preload);
  }

  setWindowOpenHandler(handler) {
    this.#openHandler = handler;
  }

  getURL() {
    return fromBrowser(this.page?.url() ?? '');
  }

  async load(url) {
    await this.opened;
    this.#loading = true;
    await this.page.goto(toBrowser(url), { waitUntil: 'domcontentloaded' });
  }

  async #open(preload) {
    const [context] = (await connect()).contexts();
    const page = (this.page = await context.newPage());
    const cdp = (this.cdp = await context.newCDPSession(page));
    await page.route('**/*', (route) => this.#route(route).catch(() => {}));
    page.on('popup', (popup) => void popup.close().catch(() => {}));
    page.on('close', () => {
      this.#closePorts();
      this.emit('destroyed');
    });
    cdp.on('Page.windowOpen', ({ url }) => {
      const { action } = this.#openHandler({
        url: fromBrowser(url),
        frameName: '',
        features: '',
        disposition: 'foreground-tab',
      });
      if (action !== 'deny') report('problem', { message: `a window was opened for ${url}` });
    });
    cdp.on('Runtime.bindingCalled', ({ payload, executionContextId }) =>
      this.#hear(JSON.parse(payload), executionContextId),
    );
    cdp.on('Runtime.executionContextDestroyed', ({ executionContextId }) => this.#closePorts(executionContextId));
    cdp.on('Runtime.executionContextsCleared', () => this.#closePorts());
    await cdp.send('Page.enable');
    await cdp.send('Runtime.enable');
    await cdp.send('Runtime.addBinding', { name: 'electronIpc', executionContextName: WORLD });
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source: pageWorld });
    const source = preloadWorld(readFileSync(preload, 'utf8'), process.platform);
    await cdp.send('Page.addScriptToEvaluateOnNewDocument', { source, worldName: WORLD });
  }

  #closePorts(context) {
    for (const [key, port] of this.#ports) {
      if (context !== undefined && !key.startsWith(`${context}/`)) continue;
      this.#ports.delete(key);
      port.closedByPeer();
    }
  }

  #hear(message, context) {
    const key = `${context}/${message.port}`;
    switch (message.type) {
      case 'problem':
        return report('problem', { message: message.text });
      case 'moved':
        return this.#ports.get(key)?.connected();
      case 'message':
        return this.#ports.get(key)?.receive(message.data);
      case 'close':
        this.#ports.get(key)?.closedByPeer();
        return void this.#ports.delete(key);
      case 'ipc': {
        const ports = message.ports.map((id) => {
          const port = new MessagePortMain((call) =>
            this.cdp.send('Runtime.evaluate', { contextId: context, expression: call(id) }).catch(() => {}),
          );
          this.#ports.set(`${context}/${id}`, port);
          return port;
        });
        const senderFrame = { url: this.getURL(), parent: null };
        ipcMain.emit(message.channel, { sender: this, senderFrame, ports }, message.message);
      }
    }
  }

  async #route(route) {
    const request = route.request();
    const url = fromBrowser(request.url());
    if (request.isNavigationRequest() && !this.#mayNavigate(request, url)) return route.abort('aborted');
    const { protocol } = new URL(url);
    const handler = protocols.get(protocol.slice(0, -1))?.handler;
    if (!handler) {
      // Nothing of the app comes from anywhere else.
      if (!request.isNavigationRequest()) report('problem', { message: `the page asked for ${url}` });
      return route.abort('blockedbyclient');
    }
    const response = await handler(new Request(url, { method: request.method(), headers: request.headers() }));
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    });
  }

  /** As Electron: no events for what the main process loads itself, for the rest the app may say no. */
  #mayNavigate(request, url) {
    const isMainFrame = request.frame() === this.page.mainFrame();
    if (isMainFrame && this.#loading) {
      this.#loading = false;
      return true;
    }
    const event = preventable({ url, isMainFrame });
    this.emit('will-frame-navigate', event);
    if (isMainFrame && !event.defaultPrevented) this.emit('will-navigate', event, url);
    return !event.defaultPrevented;
  }
}

export { preventable };
