import type { AppInfo, RowBatch, StreamParamsOf } from '@shared/bridge/contract';
import { kindView } from '@shared/kinds';
import type { Catalog } from '../catalog';
import type { Clock } from '../cluster/clock';
import type { Logger } from '../cluster/log';
import { latest } from '../informers/flow';
import { createInformerPool } from '../informers/pool';
import { streamRows } from '../informers/table';
import { createUsageSource } from '../informers/usage';
import { applyText } from './apply';
import { findCustomView, streamCustomKinds } from './custom-kinds';
import { describeObject } from './describe';
import { createDrain, drainMethods } from './drain';
import type { EmbeddedCluster } from './embedded';
import { errorText, ServiceError } from './errors';
import { streamExec } from './exec';
import { kubeMethods } from './kube';
import { streamLogs } from './logs';
import { metricsMethods } from './metrics';
import { streamObject } from './object';
import { nodeMethods } from './nodes';
import { createPortForwards } from './port-forwards';
import { createKinds } from './resources';
import type { SettingsStore } from './settings';
import { storageMethods } from './storage';
import { createTaskBoard } from './tasks';
import { createTerminalService } from './terminal';
import type { Services } from './types';
import { workloadMethods } from './workloads';

export interface ServicesOptions {
  catalog: Catalog;
  embedded: EmbeddedCluster;
  settings: SettingsStore;
  /** Where the kubectl of the built-in terminal is written. */
  dataDirectory: string;
  appInfo: AppInfo;
  log: Logger;
  clock: Clock;
  /** Opens a page in the user's browser, where the host can. */
  openExternal?: (url: string) => Promise<void>;
  /** The words that run the bundled kubectl, e.g. `['node', 'cli.js', 'kubectl']`. */
  kubectlCommand: string[];
}

/** Everything the page can ask for, the same under every host. */
export function createServices(options: ServicesOptions): Services {
  const { catalog, embedded, settings, dataDirectory, appInfo, log, clock, openExternal, kubectlCommand } = options;
  const transportFor = (cluster: string) => catalog.transport(cluster);
  const pool = createInformerPool({ clock, log: log.child('informers'), transportFor, explain: errorText });
  const usage = createUsageSource({ clock, transportFor, explain: errorText });
  const kinds = createKinds(transportFor, () => clock.now());
  const tasks = createTaskBoard(embedded.tasks, clock);
  const terminal = createTerminalService({ catalog, settings, dataDirectory, kubectlCommand, clock });
  const forwards = createPortForwards({ transportFor, clock });
  const removeReplaced = catalog.onReplaced((cluster) => {
    pool.forget(cluster);
    usage.forget(cluster);
    kinds.forget(cluster);
  });
  if (settings.problem) tasks.start('Reading the settings').fail(settings.problem);

  /** A stream of a cluster; begun anew when the connection to the cluster is replaced. */
  async function* connected<T>(
    cluster: string,
    signal: AbortSignal,
    open: (signal: AbortSignal) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    while (!signal.aborted) {
      const connection = new AbortController();
      const stop = () => connection.abort();
      signal.addEventListener('abort', stop);
      const remove = catalog.onReplaced((replaced) => {
        if (replaced === cluster) stop();
      });
      try {
        yield* open(connection.signal);
      } finally {
        remove();
        signal.removeEventListener('abort', stop);
      }
    }
  }

  async function* rows({ kind, ...request }: StreamParamsOf<'rows'>, signal: AbortSignal): AsyncGenerator<RowBatch> {
    const view = kindView(kind) ?? (await findCustomView(transportFor(request.cluster), kind, signal));
    if (!view) throw new ServiceError('invalidParams', `There is no kind "${kind}".`);
    yield* connected(request.cluster, signal, (open) =>
      streamRows(view, request, { pool, usage, clock, signal: open }),
    );
  }

  return {
    methods: {
      'app.info': async () => appInfo,
      async 'app.openExternal'({ url }) {
        if (!openExternal)
          throw new ServiceError('unavailable', 'This host cannot open a browser.', { hint: `Open ${url} yourself.` });
        await openExternal(url);
      },
      'settings.get': async () => settings.get(),
      'settings.set': (change) => settings.set(change),
      'engine.status': async () => embedded.engine.status(),
      'engine.retry': () => embedded.engine.retry(),
      'engine.simulate': ({ nodes }) => embedded.engine.simulate(nodes),
      'clusters.list': async () => catalog.list(),
      ...kubeMethods({ transportFor, clock, describe: describeObject }),
      'kube.apply': (params, { signal }) =>
        applyText(params, { transport: transportFor(params.cluster), kinds, signal }),
      ...workloadMethods({ transportFor, clock }),
      ...drainMethods({ transportFor, tasks, clock }),
      ...nodeMethods({ embedded, drain: createDrain({ transportFor, tasks, clock }), log }),
      ...metricsMethods({ embedded, usage, transportFor, clock }),
      ...storageMethods({ transportFor }),
      ...forwards.methods,
      async 'tasks.cancel'({ id }) {
        if (!tasks.cancel(id)) throw new ServiceError('NotFound', 'The task has ended or cannot be cancelled.');
      },
      async 'terminal.kill'({ session }) {
        terminal.kill(session);
      },
    },
    streams: {
      rows: (params, { signal }) => rows(params, signal),
      customKinds: ({ cluster }, { signal }) =>
        connected(cluster, signal, (open) => streamCustomKinds(cluster, { pool, clock, signal: open })),
      async *object(params, { signal }) {
        const ref = await kinds.resolve(params.cluster, params.resource);
        yield* streamObject(ref, params, { pool, clock, signal });
      },
      clusters: (_, { signal }) =>
        latest({ read: () => catalog.list(), subscribe: (changed) => catalog.onChange(changed), signal, clock }),
      engine: (_, { signal }) =>
        latest({
          read: () => embedded.engine.status(),
          subscribe: (changed) => embedded.engine.onStatus(changed),
          signal,
          clock,
        }),
      tasks: (_, { signal }) =>
        latest({ read: () => tasks.list(), subscribe: (changed) => tasks.onChange(changed), signal, clock }),
      portForwards: ({ cluster }, { signal }) => forwards.stream(cluster, signal),
      logs: (params, { signal }) => streamLogs(transportFor(params.cluster), params, { clock, signal }),
      exec: (params, context) => streamExec(transportFor(params.cluster), params, context),
      terminal: (params, context) => terminal.stream(params, context),
    },
    async close() {
      removeReplaced();
      pool.close();
      usage.close();
      forwards.close();
      await terminal.close();
    },
  };
}
