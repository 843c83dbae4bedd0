import type { EndpointSlice, Service } from '@shared/k8s';
import { inService, slicesByService } from './services';

/** What a node says of a Service to load balancers that want to know which nodes have endpoints of it. */
export interface HealthCheck {
  namespace: string;
  name: string;
  /** The Service's `healthCheckNodePort`. */
  port: number;
  /** How many endpoints are on the node. */
  endpoints: number;
}

/** The checks that a node answers, ordered by port. Pure. */
export function healthChecks(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: string | undefined,
): HealthCheck[] {
  const asked = services.filter(({ spec }) => spec?.healthCheckNodePort);
  if (asked.length === 0) return [];
  const groups = slicesByService(slices);
  return asked
    .map(({ metadata, spec }) => {
      const { namespace = '', name } = metadata;
      const all = (groups.get(`${namespace}/${name}`) ?? []).flatMap(({ endpoints }) => endpoints ?? []);
      const near = inService(all.filter(({ nodeName }) => nodeName === node));
      const endpoints = new Set(near.map(({ addresses }) => addresses[0])).size;
      return { namespace, name, port: spec!.healthCheckNodePort!, endpoints };
    })
    .sort((a, b) => a.port - b.port);
}

/** A configuration of nginx that answers them as kube-proxy does: 200 where there are endpoints, 503 where there are none. */
export function renderHealthChecks(checks: readonly HealthCheck[]): string {
  const servers = checks.flatMap(({ namespace, name, port, endpoints }) => {
    const answer = { service: { namespace, name }, localEndpoints: endpoints, serviceProxyHealthy: true };
    return [
      `  server {`,
      `    listen ${port};`,
      `    add_header X-Content-Type-Options nosniff always;`,
      `    add_header X-Load-Balancing-Endpoint-Weight ${endpoints} always;`,
      `    return ${endpoints > 0 ? 200 : 503} '${JSON.stringify(answer)}\\n';`,
      `  }`,
    ];
  });
  return [
    `pid ${pidFile};`,
    'error_log /dev/null;',
    'worker_processes 1;',
    'events { worker_connections 64; }',
    'http {',
    '  access_log off;',
    '  server_tokens off;',
    '  default_type application/json;',
    ...servers,
    '}',
    '',
  ].join('\n');
}

const pidFile = '/run/health-checks.pid';

/** Takes a configuration from its standard input: starts nginx, has it read anew, or ends it where there is nothing. */
export const healthChecksScript = `c=/run/health-checks.conf; cat > $c
p=$(cat ${pidFile} 2>/dev/null) && kill -0 "$p" 2>/dev/null || p=
if [ ! -s $c ]; then [ -z "$p" ] || kill -QUIT "$p"; exit 0; fi
nginx -q -t -e stderr -c $c || exit 1
if [ -n "$p" ]; then kill -HUP "$p"; else nginx -e /dev/null -c $c >/dev/null 2>&1 </dev/null; fi`;
