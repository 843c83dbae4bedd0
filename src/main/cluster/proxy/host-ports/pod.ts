import { createHash } from 'node:crypto';
import type { Pod } from '@shared/k8s';
import { manifestAnnotation } from '../manifests';
import { portId, type HostPort } from './wanted';

export const app = 'svclb';
export const namespaceLabel = 'gantry.dev/service-namespace';
export const nameLabel = 'gantry.dev/service-name';

/** The name of the pod that holds a Service's ports. */
export function podName(namespace: string, name: string): string {
  const hash = createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 8);
  return `${app}-${name}-${hash}`;
}

/**
 * The pod that publishes ports of this machine and passes what comes there on to the
 * Service's addresses. An engine opens a container's ports when it is made and never later,
 * so that other ports are another pod; it works on while the app is closed.
 */
export function hostPortsPod(values: {
  service: { namespace: string; name: string };
  node: string;
  image: string;
  ports: readonly HostPort[];
  /** Beside 127.0.0.1, for node ports alone. */
  nodeAddress?: string;
}): Pod {
  const { service, ports, nodeAddress } = values;
  const listening = ports.flatMap(({ use, port, protocol }) =>
    ['127.0.0.1', ...(use === 'node' && nodeAddress ? [nodeAddress] : [])].map((hostIP) => ({
      containerPort: port,
      hostPort: port,
      hostIP,
      protocol,
    })),
  );
  const spec = {
    nodeName: values.node,
    priorityClassName: 'system-node-critical',
    dnsPolicy: 'Default',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 1,
    tolerations: [{ operator: 'Exists' }],
    securityContext: { sysctls: [{ name: 'net.ipv4.ip_forward', value: '1' }] },
    containers: [
      {
        name: app,
        image: values.image,
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-c', 'printf %s "$RULES" | nft -f - && exec /pause'],
        env: [{ name: 'RULES', value: forwardRules(ports) }],
        ports: listening,
        startupProbe: {
          exec: { command: ['nft', 'list', 'table', 'ip', 'gantry'] },
          periodSeconds: 1,
          timeoutSeconds: 5,
          failureThreshold: 30,
        },
        securityContext: { capabilities: { add: ['NET_ADMIN'] } },
        resources: { requests: { cpu: '5m', memory: '8Mi' } },
      },
    ],
  };
  const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 16);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'kube-system',
      name: podName(service.namespace, service.name),
      labels: { 'k8s-app': app, [namespaceLabel]: service.namespace, [nameLabel]: service.name },
      // It belongs to the node, so a drain passes over it.
      annotations: { 'kubernetes.io/config.mirror': 'gantry', [manifestAnnotation]: hash },
    },
    spec,
  } as unknown as Pod;
}

/** The ports that a pod made by `hostPortsPod` holds. */
export function portsOf(pod: Pod): Set<string> {
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return new Set(ports.map(({ hostPort, protocol }) => portId({ port: hostPort!, protocol: protocol as 'TCP' })));
}

function forwardRules(ports: readonly HostPort[]): string {
  const rules = ports.map(
    ({ protocol, port, target }) => `${protocol.toLowerCase()} dport ${port} dnat to ${target.ip}:${target.port}`,
  );
  return [
    // Makes it exist, so that it can be deleted: a container that starts again finds its table.
    'table ip gantry',
    'delete table ip gantry',
    'table ip gantry {',
    '  chain prerouting {',
    '    type nat hook prerouting priority dstnat',
    ...rules.map((rule) => `    ${rule}`),
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat',
    '    ct status dnat masquerade',
    '  }',
    '}',
    '',
  ].join('\n');
}
