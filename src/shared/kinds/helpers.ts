import type { Container, KubeObject } from '../k8s';
import type { StatusValue, Tone } from './types';

/** A status without more ado. */
export function status(text: string, tone: Tone, detail?: string): StatusValue {
  return detail ? { text, tone, detail } : { text, tone };
}

/** The controlling owner as `Kind/name`, or null. */
export function controlledBy(object: KubeObject): string | null {
  const owner = object.metadata?.ownerReferences?.find((reference) => reference.controller);
  return owner ? `${owner.kind}/${owner.name}` : null;
}

/** The condition of that type, if it is reported. */
export function condition(
  object: KubeObject,
  type: string,
): { status: string; reason?: string; message?: string } | undefined {
  return object.status?.conditions?.find((candidate: { type: string }) => candidate.type === type);
}

/** The images of a pod spec's containers, in their order. */
export function imagesOf(podSpec: { containers?: Container[] } | undefined): string[] {
  return (podSpec?.containers ?? []).map((container) => container.image ?? '');
}

/** `3 keys` are shown as their names, sorted. */
export function keysOf(...maps: (Record<string, unknown> | undefined)[]): string[] {
  return maps.flatMap((map) => Object.keys(map ?? {})).toSorted();
}

/** Ports as kubectl prints them: `80/TCP`, `80:30080/TCP`. */
export function portText(port: { port?: number; nodePort?: number; protocol?: string; name?: string }): string {
  return `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol ?? 'TCP'}`;
}

/** Access modes as `RWO, RWX`. */
export function accessModesOf(modes: string[] | undefined): string {
  const short: Record<string, string> = {
    ReadWriteOnce: 'RWO',
    ReadOnlyMany: 'ROX',
    ReadWriteMany: 'RWX',
    ReadWriteOncePod: 'RWOP',
  };
  return (modes ?? []).map((mode) => short[mode] ?? mode).join(', ');
}

/** The subjects of a binding: users and groups by name, service accounts with their namespace. */
export function subjectsOf(subjects: { kind: string; name: string; namespace?: string }[] | undefined): string[] {
  return (subjects ?? []).map(({ kind, name, namespace }) =>
    kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name,
  );
}

/** What rules of RBAC are about: resources and URLs, each once. */
export function resourcesOf(
  rules: { resources?: string[]; nonResourceURLs?: string[] }[] | null | undefined,
): string[] {
  return [
    ...new Set((rules ?? []).flatMap(({ resources = [], nonResourceURLs = [] }) => [...resources, ...nonResourceURLs])),
  ];
}
