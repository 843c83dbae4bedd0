import type { Registry } from 'prom-client';
import type { Exposed, Monitoring } from '../../apiserver/monitoring';
import type { NodeUsage, VolumeUsage } from '../metrics';
import { expose, type Collect, type Family } from './families';
import { containerFamilies, kubeletFamilies, resourceFamilies, summary } from './node';
import { RequestCounts } from './requests';

export { queueFamilies, schedulerFamilies, storeFamilies } from './control-plane';
export { gauge, one, type Collect, type Family } from './families';

export interface ClusterMonitoring extends Monitoring {
  /** Tells these at /metrics as well. */
  add(collect: Collect): void;
}

/**
 * Counts requests from now on and tells figures when somebody asks; until then
 * nothing of the Prometheus library is loaded. Each cluster has a registry of its own.
 * @param now in ms, of a clock that does not jump
 * @param volumes how full the claims are that pods of a node use
 */
export function createMonitoring(
  usage: (node: string) => NodeUsage | undefined,
  now: () => number = () => performance.now(),
  volumes: (node: string) => Promise<readonly VolumeUsage[]> = async () => [],
): ClusterMonitoring {
  const requests = new RequestCounts(now);
  const collectors: Collect[] = [() => requests.families()];
  const library = () => import('prom-client');
  let processRegistry: Promise<Registry> | undefined;
  /** The figures of the process, which Prometheus' own dashboards look for. */
  const ofProcess = (): Promise<Registry> =>
    (processRegistry ??= library().then(({ collectDefaultMetrics, Registry: Kind }) => {
      const register = new Kind();
      collectDefaultMetrics({ register });
      return register;
    }));
  const exposed = async (families: Family[], ...others: Registry[]): Promise<Exposed> =>
    expose((await library()).Registry, families, ...others);
  return {
    begin: (request, route) => requests.begin(request, route),
    add: (collect) => void collectors.push(collect),
    async controlPlane() {
      const families = await Promise.all(collectors.map((collect) => collect()));
      return exposed(families.flat(), await ofProcess());
    },
    async node(name, path) {
      const found = usage(name);
      if (!found) return undefined;
      switch (path) {
        case 'metrics':
          return exposed(kubeletFamilies(found, await volumes(name)));
        case 'metrics/resource':
          return exposed(resourceFamilies(found));
        case 'metrics/cadvisor':
          return exposed(containerFamilies(found));
        case 'stats/summary':
          return json(summary(found, await volumes(name)));
        default:
          return undefined;
      }
    },
  };
}

const json = (value: object): Exposed => ({ contentType: 'application/json', text: JSON.stringify(value) });
