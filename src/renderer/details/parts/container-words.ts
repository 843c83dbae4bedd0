import { canonicalQuantity } from '@shared/quantity';
import type { Container, Probe } from '@shared/k8s';

type EnvVar = NonNullable<Container['env']>[number];

/** Where a variable's value comes from, as a message; a plain value as it is. Values of secrets never appear. */
export function envWords(variable: EnvVar): { value: string } | { key: string; values: Record<string, string> } {
  const from = variable.valueFrom;
  if (from?.secretKeyRef)
    return { key: 'details.fromSecret', values: { name: from.secretKeyRef.name ?? '', key: from.secretKeyRef.key } };
  if (from?.configMapKeyRef)
    return {
      key: 'details.fromConfigMap',
      values: { name: from.configMapKeyRef.name ?? '', key: from.configMapKeyRef.key },
    };
  if (from?.fieldRef) return { key: 'details.fromField', values: { path: from.fieldRef.fieldPath } };
  if (from?.resourceFieldRef) return { key: 'details.fromResource', values: { path: from.resourceFieldRef.resource } };
  return { value: variable.value ?? '' };
}

/** What a probe does: `GET http://:8080/healthy`, `TCP :5432`, or its command. */
export function probeWords(probe: Probe): string {
  if (probe.httpGet) {
    const { scheme, host, port, path } = probe.httpGet;
    return `GET ${(scheme ?? 'HTTP').toLowerCase()}://${host ?? ''}:${String(port)}${path ?? '/'}`;
  }
  if (probe.tcpSocket) return `TCP ${probe.tcpSocket.host ?? ''}:${String(probe.tcpSocket.port)}`;
  if (probe.grpc) return `gRPC :${probe.grpc.port}${probe.grpc.service ? ` ${probe.grpc.service}` : ''}`;
  return (probe.exec?.command ?? []).join(' ');
}

/** When a probe runs, with the defaults of Kubernetes. */
export function probeTiming(probe: Probe): Record<string, number> {
  return {
    delay: probe.initialDelaySeconds ?? 0,
    period: probe.periodSeconds ?? 10,
    timeout: probe.timeoutSeconds ?? 1,
    failures: probe.failureThreshold ?? 3,
  };
}

/** `cpu 50m, memory 32Mi`, in canonical quantities. */
export function resourceWords(list: Record<string, string> | undefined): string {
  return Object.entries(list ?? {})
    .map(([name, quantity]) => `${name} ${canonicalQuantity(quantity)}`)
    .join(', ');
}

/** `80/TCP (http)` */
export function portWords(port: NonNullable<Container['ports']>[number]): string {
  const { hostPort, containerPort, protocol = 'TCP', name } = port;
  return `${hostPort ? `${hostPort}:` : ''}${containerPort}/${protocol}${name ? ` (${name})` : ''}`;
}

/** A command line for reading: arguments with blanks are quoted. */
export function commandLine(words: string[] | undefined): string {
  return (words ?? [])
    .map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
