import { join } from 'node:path';
import { app, BrowserWindow, dialog, ipcMain, Menu, nativeTheme, protocol, screen, session, shell } from 'electron';
import { startApp, type App } from '../app';
import { systemClock } from '../cluster/clock';
import { createLogger } from '../cluster/log';
import { parseAppOptions } from '../options';
import { appRoot, rendererDirectory } from '../paths';
import { createBridgeHost, type BridgeHost } from '../services/bridge-host';
import { ownArguments } from './arguments';
import { listenForPages } from './bridge';
import { guardContents, guardSession } from './guards';
import { menuTemplate } from './menu';
import { isWeb, pageUrl } from './origin';
import { declareScheme, servePage } from './protocol';
import { keepWindowState, readWindowState } from './window-state';

/** The page's background before it has painted. */
const background = () => (nativeTheme.shouldUseDarkColors ? '#111418' : '#ffffff');

/**
 * Runs the app in a desktop window until it is closed. Workloads go on after it.
 * Must be called before Electron is ready.
 */
export function runDesktop(): void {
  app.setName('Gantry');
  declareScheme(protocol);
  let options: ReturnType<typeof parseAppOptions>;
  try {
    options = parseAppOptions(ownArguments(process.argv, app.isPackaged));
  } catch (error) {
    process.stderr.write(`gantry: ${(error as Error).message}\n`);
    app.exit(2);
    return;
  }
  const log = createLogger('gantry', options.verbose ? 'debug' : 'info');
  const directory = join(options.dataDirectory, 'desktop');
  // One window per data directory: two apps may run on two clusters.
  app.setPath('userData', directory);
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  app.enableSandbox();

  const openExternal = async (url: string): Promise<void> => {
    if (!isWeb(url)) throw new Error(`refused to open ${url}`);
    await shell.openExternal(url);
  };
  guardContents(app, (url) => void openExternal(url), log);

  let running: Promise<App> | undefined;
  let bridge: BridgeHost | undefined;
  let stopping = false;
  let window: BrowserWindow | undefined;
  let saveWindow: (() => void) | undefined;
  const show = () => {
    if (!window) return;
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  };
  const fail = (what: string, error: unknown) => {
    log.error(what, { error: error as Error });
    if (stopping) return;
    dialog.showErrorBox(what, error instanceof Error ? error.message : String(error));
    app.quit();
  };
  const open = () => {
    const stateFile = join(directory, 'window.json');
    const state = readWindowState(
      stateFile,
      screen.getAllDisplays().map((display) => display.workArea),
    );
    window = new BrowserWindow({
      ...state.bounds,
      minWidth: 800,
      minHeight: 500,
      title: 'Gantry',
      show: false,
      backgroundColor: background(),
      autoHideMenuBar: true,
      webPreferences: {
        preload: join(appRoot, 'out', 'preload', 'index.cjs'),
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        navigateOnDragDrop: false,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    });
    if (state.maximized) window.maximize();
    window.once('ready-to-show', show);
    window.on('closed', () => (window = saveWindow = undefined));
    saveWindow = keepWindowState(window, stateFile, systemClock);
    window.loadURL(pageUrl).catch((error: unknown) => fail('The page could not be loaded', error));
  };

  const stop = async () => {
    bridge?.close();
    const started = await running?.catch(() => undefined);
    await started?.stop().catch((error: unknown) => log.error('stopping failed', { error: error as Error }));
  };

  app.on('second-instance', () => (window ? show() : open()));
  app.on('activate', () => {
    if (!window && app.isReady()) open();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('before-quit', (event) => {
    if (stopping) return;
    stopping = true;
    event.preventDefault();
    saveWindow?.();
    void stop().finally(() => app.exit(0));
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit());

  void app.whenReady().then(() => {
    guardSession(session.defaultSession);
    servePage(protocol, rendererDirectory);
    Menu.setApplicationMenu(
      Menu.buildFromTemplate(menuTemplate({ platform: process.platform, development: !app.isPackaged })),
    );
    running = startApp({ ...options, host: 'desktop', log, openExternal });
    const ready = running
      .then((started) => started.services())
      .then((services) => (bridge = createBridgeHost({ services, log: log.child('bridge') })));
    listenForPages(ipcMain, ready, log);
    open();
    ready.catch((error: unknown) => fail('Gantry could not start', error));
  });
}
