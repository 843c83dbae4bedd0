import type { APIService, EndpointSlice, Service } from '@shared/k8s';
import type { ExtensionServers } from './extension-server';
import { discovered } from './discovered';
import type { Store } from '../../store/types';
import type { ServedResource } from '../served';

/** How long the discovery document may take (as in Kubernetes), in ms. */
const timeoutMs = 5000;
/** How many endpoints are tried at once. */
const mostAttempts = 5;
/** The largest discovery document that is read, in bytes. */
const mostBytes = 4 * 1024 * 1024;

/** The Available condition without its time. */
export interface Verdict {
  status: 'True' | 'False';
  reason: string;
  message: string;
}

export interface Checked {
  verdict: Verdict;
  /** What the server serves, where it told. */
  resources?: ServedResource[];
}

const passed: Verdict = { status: 'True', reason: 'Passed', message: 'all checks passed' };
const failed = (reason: string, message: string): Checked => ({ verdict: { status: 'False', reason, message } });

/**
 * Whether the server behind an APIService answers, in the reasons and messages of
 * Kubernetes. Other than there the check trusts no certificate that requests would not trust.
 */
export async function check(
  store: Store,
  servers: ExtensionServers,
  api: APIService,
  signal: AbortSignal,
): Promise<Checked> {
  const { service, group = '', version = '' } = api.spec!;
  const { namespace = '', name = '', port = 443 } = service!;
  const found = store.get(`/registry/core/services/${namespace}/${name}`)?.value as Service | undefined;
  if (!found) return failed('ServiceNotFound', `service/${name} in ${JSON.stringify(namespace)} is not present`);
  let endpoints = 1;
  if (found.spec?.type === 'ClusterIP') {
    const where = `service/${name} in ${JSON.stringify(namespace)}`;
    const listening = found.spec.ports?.find((one) => one.port === port);
    if (!listening) return failed('ServicePortError', `${where} is not listening on port ${port}`);
    const slices = store
      .list(`/registry/discovery.k8s.io/endpointslices/${namespace}/`)
      .items.map(({ value }) => value as EndpointSlice)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
    if (slices.length === 0) return failed('EndpointsNotFound', `cannot find endpointslices for ${where}`);
    const portName = listening.name ?? '';
    endpoints = slices
      .filter(({ ports }) => ports?.some((one) => (one.name ?? '') === portName && one.port !== undefined))
      .reduce((sum, slice) => sum + (slice.endpoints ?? []).filter(isReady).length, 0);
    if (endpoints === 0) {
      const without = `have no addresses with port name ${JSON.stringify(portName)}`;
      return failed('MissingEndpoints', `endpointslices for ${where} ${without}`);
    }
  }
  const url = `https://${hostOf(found)}:${port}/apis/${group}/${version}`;
  const attempt = async (): Promise<Checked> => {
    const { status, text } = await servers
      .ask(api, `/apis/${group}/${version}`, { timeoutMs, mostBytes, signal })
      .catch((error: Error) => {
        throw new Error(`Get ${JSON.stringify(url)}: ${error.message}`, { cause: error });
      });
    if (status < 200 || status > 299) throw new Error(`bad status from ${url}: ${status}`);
    return { verdict: passed, resources: discovered(text, group, version) };
  };
  try {
    return await Promise.any(Array.from({ length: Math.min(endpoints, mostAttempts) }, attempt));
  } catch (error) {
    const [first] = (error as AggregateError).errors as Error[];
    return failed('FailedDiscoveryCheck', `failing or missing response from ${url}: ${first!.message}`);
  }
}

const isReady = ({ conditions }: EndpointSlice['endpoints'][number]): boolean => conditions?.ready !== false;

function hostOf({ spec, metadata }: Service): string {
  const address = spec?.clusterIP && spec.clusterIP !== 'None' ? spec.clusterIP : undefined;
  const host = spec?.externalName ?? address ?? `${metadata.name}.${metadata.namespace}.svc`;
  return host.includes(':') ? `[${host}]` : host;
}
