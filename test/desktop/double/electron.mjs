/**
 * A stand-in for the `electron` module where its binary cannot be had (D11).
 * The built main and preload bundles run unmodified; windows are pages of a real
 * Chromium. It keeps Electron's rules: what must happen before the app is ready,
 * what a sandboxed preload script may touch, what survives structured clone.
 */
import { app as plainApp } from './app.mjs';
import { BrowserWindow } from './browser-window.mjs';
import { ipcMain as plainIpcMain } from './ipc.mjs';
import { protocol as plainProtocol } from './protocol.mjs';
import { only, report } from './report.mjs';
import { state } from './state.mjs';

const handlers = {};
const defaultSession = only('session', {
  setPermissionRequestHandler: (handler) => void (handlers.request = handler),
  setPermissionCheckHandler: (handler) => void (handlers.check = handler),
  setDevicePermissionHandler: (handler) => void (handlers.device = handler),
});

const roles = new Set(
  'about appMenu close copy cut delete editMenu fileMenu forceReload front hide hideOthers minimize paste quit redo reload resetZoom selectAll services toggleDevTools togglefullscreen undo unhide viewMenu windowMenu zoom zoomIn zoomOut'.split(
    ' ',
  ),
);
const checkMenu = (template) => {
  for (const { role, type, submenu } of template) {
    if (type !== 'separator' && !roles.has(role)) throw new Error(`there is no menu role ${role}`);
    if (Array.isArray(submenu)) checkMenu(submenu);
  }
  return template;
};

export const app = only('app', plainApp);
export const ipcMain = only('ipcMain', plainIpcMain);
export const protocol = only('protocol', plainProtocol);
export const session = only('session', {
  get defaultSession() {
    if (!state.ready) throw new Error('Session can only be received when app is ready');
    return defaultSession;
  },
});
export const Menu = only('Menu', {
  buildFromTemplate: checkMenu,
  setApplicationMenu: (menu) => report('menu', { items: menu.length }),
});
export const shell = only('shell', { openExternal: async (url) => report('openExternal', { url }) });
export const dialog = only('dialog', { showErrorBox: (title, content) => report('errorBox', { title, content }) });
export const nativeTheme = only('nativeTheme', { shouldUseDarkColors: false });
export const screen = only('screen', {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }],
});
export { BrowserWindow };

/** What the test does to the app as a user or a page would. */
const commands = {
  quit: () => plainApp.quit(),
  setBounds: (bounds) => [...state.windows][0].setBounds(bounds),
  windows: () => [...state.windows].map((window) => ({ visible: window.visible, bounds: window.getNormalBounds() })),
  focusCount: () => state.focusCount ?? 0,
  sandboxed: () => state.sandboxed,
  permission: ({ permission, url }) =>
    new Promise((resolve) => {
      const granted = (request) =>
        resolve({ request, check: handlers.check(null, permission, url, {}), device: handlers.device({}) });
      handlers.request(null, permission, granted, { requestingUrl: url, isMainFrame: true });
    }),
  /** A message on our channel from a frame that is not our page. */
  connectFrom: ({ url, child }) => {
    let closed = false;
    const port = { close: () => (closed = true), start() {}, on() {}, postMessage() {} };
    plainIpcMain.emit('gantry:connect', { ports: [port], senderFrame: { url, parent: child ? {} : null } }, null);
    return { closed };
  },
};
process.on('message', async ({ id, command, params }) => {
  try {
    process.send({ id, result: (await commands[command](params)) ?? null });
  } catch (error) {
    process.send({ id, error: error.message });
  }
});
