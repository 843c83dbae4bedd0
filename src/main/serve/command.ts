import { spawn } from 'node:child_process';
import { startApp, type App } from '../app';
import { createLogger, type Logger } from '../cluster/log';
import { UsageError, type AppOptions } from '../options';
import { rendererDirectory } from '../paths';
import { readAddress, writeAddress } from './address';
import { serveUi, type UiServer } from './index';

/** Opens a URL in the user's browser; where that cannot be done the printed line has to do. */
function openBrowser(url: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  const child = spawn(command!, args, { stdio: 'ignore', detached: true });
  child.on('error', () => process.stderr.write(`gantry: no browser could be opened; the window is at ${url}\n`));
  child.unref();
}

/** Serves the window where it was served last, so that a page left open finds it again; elsewhere when that port is taken. */
async function serveWindow(app: App, options: AppOptions, log: Logger): Promise<UiServer> {
  const { port, token } = await readAddress(options.dataDirectory);
  const services = await app.services();
  const on = (wanted: number) => serveUi({ services, rendererDirectory, port: wanted, token, log: log.child('serve') });
  const ui = await on(options.uiPort ?? port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    if (options.uiPort)
      throw new UsageError(`port ${options.uiPort} is in use: choose another with --port, or 0 for any free one`);
    return on(0);
  });
  await writeAddress(options.dataDirectory, { port: Number(new URL(ui.url).port), token });
  return ui;
}

/**
 * `gantry serve`: runs the app until it is told to stop. Prints one line of JSON
 * on stdout when the API is ready; workloads go on after it ends.
 */
export async function serve(options: AppOptions): Promise<number> {
  const log = createLogger('gantry', options.verbose ? 'debug' : 'info');
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  const app = await startApp({ ...options, host: 'browser', log });
  const ui = options.ui ? await serveWindow(app, options, log) : undefined;
  process.stdout.write(
    `${JSON.stringify({ ready: true, api: app.cluster.server, ...(ui ? { ui: ui.url } : {}), kubeconfig: app.cluster.kubeconfigFile })}\n`,
  );
  if (ui && options.open) openBrowser(ui.url);
  log.info('stopping', { signal: await stopped });
  await ui?.close();
  await app.stop();
  return 0;
}
