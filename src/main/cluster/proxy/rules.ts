import type { EndpointSlice, Pod, Service } from '@shared/k8s';
import { resources } from '../client/resources';
import type { EventRecorder } from '../client/events';
import type { InformerFactory, KubeClient } from '../client/types';
import type { Clock } from '../clock';
import type { Logger } from '../log';
import { healthChecks, healthChecksScript, renderHealthChecks, type HealthCheck } from './health-checks';
import { contentsOf, lostUdpBackends, renderRuleset, type TableContents } from './nftables';
import { serviceBackends, type ServicePortBackends } from './services';

const container = 'kube-proxy';
/** An engine that hangs must not hold up the next try. */
const execTimeoutMs = 30_000;

export const isRouter = (pod: Pod): boolean =>
  pod.metadata.namespace === 'kube-system' && pod.metadata.labels?.['k8s-app'] === container;

/** The id of a router's running container: other id, other kernel state. */
export function runningRouter(pod: Pod): string | undefined {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === container);
  return status?.state?.running && !pod.metadata.deletionTimestamp ? status.containerID : undefined;
}

/** What a router did not take. */
class RuleError extends Error {
  override name = 'RuleError';
}

/** Keeps the rules of all routers as the API's services and endpoints say. */
export interface Rules {
  /** Loads them where they are not what they should be. @throws Error when a router refused them */
  apply(): Promise<void>;
}

/** See Rules. Its informers are asked for here and must have been started before the first call. */
export function createRules(options: {
  client: KubeClient;
  informers: InformerFactory;
  serviceCidr: string;
  recorder: EventRecorder;
  clock: Clock;
  log: Logger;
  /** Called once per router with what runs commands there. */
  onNewRouter?(run: (command: string[]) => Promise<string>): Promise<void>;
}): Rules {
  const { client, informers, serviceCidr, recorder, clock, log } = options;
  const pods = informers.informer<Pod>(resources.pods);
  const services = informers.informer<Service>(resources.services);
  const slices = informers.informer<EndpointSlice>(resources.endpointSlices);
  /** What is loaded, by router container; a table that took no change is made anew. */
  const loaded = new Map<string, { text: string; ports: ServicePortBackends[]; contents: TableContents } | 'anew'>();

  /** Which health checks a router answers, by its container. */
  const answered = new Map<string, string>();

  /** What another run of the app left in a router. */
  async function found(pod: Pod): Promise<TableContents | undefined> {
    try {
      const listing = contentsOf(await run(pod, ['nft', '-t', 'list', 'table', 'ip', 'gantry']));
      return listing.chains.length > 0 ? listing : undefined;
    } catch (error) {
      if (error instanceof RuleError) return undefined;
      throw error;
    }
  }

  async function load(pod: Pod, id: string, ports: ServicePortBackends[]): Promise<void> {
    const before = loaded.get(id);
    const { text: wanted } = renderRuleset(ports, serviceCidr);
    if (before !== 'anew' && before?.text === wanted) return;
    const there = before === 'anew' ? undefined : (before?.contents ?? (await found(pod)));
    const { text, contents } = renderRuleset(ports, serviceCidr, there);
    loaded.set(id, 'anew');
    await run(pod, ['nft', '-f', '-'], text);
    loaded.set(id, { text: wanted, ports, contents });
    if (!before) await options.onNewRouter?.((command) => run(pod, command));
    const lost = before && before !== 'anew' ? lostUdpBackends(before.ports, ports) : [];
    if (lost.length === 0) return;
    const forget = lost.map(({ ip, port }) => `conntrack -D -p udp --reply-src ${ip} --reply-port-src ${port}`);
    // It fails when there was no such flow, which is fine.
    await run(pod, ['sh', '-c', `(${forget.join('; ')}) >/dev/null 2>&1; true`]);
  }

  async function answer(pod: Pod, id: string, checks: HealthCheck[]): Promise<void> {
    const wanted = checks.length > 0 ? renderHealthChecks(checks) : '';
    if ((answered.get(id) ?? '') === wanted) return;
    await run(pod, ['sh', '-c', healthChecksScript], wanted);
    answered.set(id, wanted);
  }

  /** Runs a command in a router; answers its output. @throws RuleError with what it wrote to stderr when it fails */
  async function run(pod: Pod, command: string[], input?: string): Promise<string> {
    const { namespace, name } = pod.metadata;
    const session = await client.transport.exec({
      namespace: namespace!,
      pod: name,
      container,
      command,
      stdin: input !== undefined,
      stdout: true,
      stderr: true,
    });
    const timer = clock.setTimeout(() => session.close(), execTimeoutMs);
    try {
      let complaint = '';
      let output = '';
      // Its end says more than a stream that breaks with it.
      for (const stream of [session.stdin, session.stdout, session.stderr]) stream?.on('error', () => {});
      session.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
      session.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
      session.stdin?.end(input);
      const { exitCode, error } = await session.done;
      if (exitCode !== 0 || error)
        throw new RuleError(
          `${command[0]} in ${name} ended with ${exitCode}: ${(error ?? complaint).trim().slice(0, 500)}`,
        );
      return output;
    } finally {
      timer.cancel();
    }
  }

  return {
    async apply() {
      const routers = new Map<string, Pod>();
      for (const pod of pods.list('kube-system')) {
        const id = isRouter(pod) ? runningRouter(pod) : undefined;
        if (id) routers.set(id, pod);
      }
      for (const known of [loaded, answered]) for (const id of known.keys()) if (!routers.has(id)) known.delete(id);
      if (routers.size === 0) return;
      const all = services.list();
      const endpoints = slices.list();
      const results = await Promise.allSettled(
        [...routers].map(async ([id, pod]) => {
          const node = pod.spec?.nodeName;
          try {
            await load(pod, id, serviceBackends(all, endpoints, node));
            await answer(pod, id, healthChecks(all, endpoints, node));
          } catch (error) {
            // A router that is just ending is no fault of its rules.
            if (error instanceof RuleError) recorder.event(pod, 'Warning', 'FailedApplyRules', error.message);
            throw error;
          }
        }),
      );
      log.debug('the service rules are loaded', { routers: routers.size, services: all.length });
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
