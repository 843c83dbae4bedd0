import type { Container, KubeObject } from './k8s';

/** A port that something offers. */
export interface OfferedPort {
  port: number;
  name?: string;
}

/** The TCP ports that a service, a pod or the template of a workload declares, each once. */
export function offeredPorts(object: KubeObject): OfferedPort[] {
  const { spec } = object;
  const containers = (spec?.containers ?? spec?.template?.spec?.containers ?? []) as Container[];
  const declared =
    object.kind === 'Service'
      ? ((spec?.ports ?? []) as { port: number; name?: string; protocol?: string }[])
      : containers.flatMap(({ ports }) => ports ?? []).map((port) => ({ ...port, port: port.containerPort }));
  const tcp = declared.filter(({ protocol = 'TCP' }) => protocol === 'TCP');
  return [...new Map(tcp.map(({ port, name }) => [port, { port, ...(name ? { name } : {}) }])).values()];
}
