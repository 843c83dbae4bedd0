import { homedir } from 'node:os';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { StreamParamsOf, TerminalInput, TerminalOutput } from '@shared/bridge/contract';
import type { Catalog } from '../catalog';
import type { Clock } from '../cluster/clock';
import { Doorbell } from '../informers/flow';
import { chooseShell, shellArguments, shellEnvironment, writeKubectlShim } from '../terminal/environment';
import { createTerminalSessions } from '../terminal/sessions';
import { ServiceError } from './errors';
import type { SettingsStore } from './settings';

export interface TerminalService {
  stream(
    params: StreamParamsOf<'terminal'>,
    context: { signal: AbortSignal; onInput: (listener: (input: TerminalInput) => void) => void },
  ): AsyncGenerator<TerminalOutput>;
  kill(session: string): void;
  close(): Promise<void>;
}

/** Local shells with KUBECONFIG for a cluster and the bundled kubectl last on the PATH. */
export function createTerminalService(options: {
  catalog: Catalog;
  settings: SettingsStore;
  dataDirectory: string;
  /** The words that run the bundled kubectl. */
  kubectlCommand: string[];
  clock: Clock;
  env?: NodeJS.ProcessEnv;
}): TerminalService {
  const { catalog, settings, dataDirectory, kubectlCommand, clock, env = process.env } = options;
  const sessions = createTerminalSessions(clock);
  const directory = join(dataDirectory, 'terminal');
  let shim: Promise<string> | undefined;

  /** A file with the cluster's one context, readable by the user alone. */
  const kubeconfigFor = async (cluster: string): Promise<string> => {
    const source = catalog.kubeconfigOf(cluster);
    if ('file' in source) return source.file;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const name = createHash('sha256').update(cluster).digest('hex').slice(0, 16);
    const file = join(directory, `kubeconfig-${name}`);
    await rm(file, { force: true });
    await writeFile(file, source.text, { mode: 0o600, flag: 'wx' });
    return file;
  };

  const start = async (params: StreamParamsOf<'terminal'>, notify: () => void) => {
    shim ??= writeKubectlShim(dataDirectory, kubectlCommand);
    shim.catch(() => (shim = undefined));
    const [shimDirectory, kubeconfig] = await Promise.all([shim, kubeconfigFor(params.cluster)]);
    const shell = chooseShell(settings.get().terminalShell, env, process.platform);
    if (shell.includes('/') && !existsSync(shell)) {
      throw new ServiceError('NotFound', `There is no shell ${shell}.`, { hint: 'Choose another in the settings.' });
    }
    const home = homedir();
    return sessions.open(
      {
        shell,
        args: shellArguments(shell, process.platform),
        cwd: existsSync(home) ? home : '/',
        env: shellEnvironment({ env, kubeconfig, shimDirectory }),
        columns: params.columns,
        rows: params.rows,
      },
      notify,
    );
  };

  return {
    async *stream(params, { signal, onInput }) {
      const bell = new Doorbell();
      const notify = () => bell.ring();
      const found = params.session ? sessions.attach(params.session, notify) : undefined;
      if (params.session && !found) {
        throw new ServiceError('NotFound', 'The terminal session has ended.', { hint: 'Open a new terminal.' });
      }
      const attachment = found ?? (await start(params, notify));
      try {
        if (found) found.resize(params.columns, params.rows);
        onInput((input) => {
          if (input.type === 'resize') attachment.resize(input.columns, input.rows);
          else attachment.write(input.data);
        });
        yield { type: 'session', id: attachment.id, shell: attachment.shell };
        while (!signal.aborted) {
          for (const event of attachment.take()) {
            yield event;
            if (event.type === 'exit') return;
          }
          await bell.wait(signal);
        }
      } finally {
        attachment.detach();
      }
    },
    kill(session) {
      if (!sessions.kill(session)) throw new ServiceError('NotFound', 'The terminal session has ended.');
    },
    async close() {
      await sessions.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
