import { spawn } from 'node:child_process';
import { startApp } from '../app';
import { createLogger } from '../cluster/log';
import type { AppOptions } from '../options';
import { rendererDirectory } from '../paths';
import { serveUi } from './index';

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
  const ui = options.ui
    ? await serveUi({
        services: await app.services(),
        rendererDirectory,
        port: options.uiPort,
        log: log.child('serve'),
      })
    : undefined;
  process.stdout.write(
    `${JSON.stringify({ ready: true, api: app.cluster.server, ...(ui ? { ui: ui.url } : {}), kubeconfig: app.cluster.kubeconfigFile })}\n`,
  );
  if (ui && options.open) openBrowser(ui.url);
  log.info('stopping', { signal: await stopped });
  await ui?.close();
  await app.stop();
  return 0;
}
