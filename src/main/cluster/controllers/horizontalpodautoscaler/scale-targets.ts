import type { KubeObject } from '@shared/k8s';
import { isNotFound } from '../../client/controller';
import { resourcePath, resources } from '../../client/resources';
import type { KubeClient, ResourceRef } from '../../client/types';
import { discover } from '../discovery';

/** What an autoscaler refers to. */
export interface TargetRef {
  apiVersion?: string;
  kind: string;
  name: string;
}

/** The scale subresource of a target. */
export interface Scale {
  path: string;
  object: KubeObject;
  /** How many pods are wanted. */
  specReplicas: number;
  /** How many there are. */
  statusReplicas: number;
  /** In the string form of the API; empty when the target names none. */
  selector: string;
}

/** Reads and writes the scale of whatever has one: workloads and custom resources. */
export class ScaleTargets {
  /** Kinds beyond the built-in ones, by `group/Kind`. */
  private readonly found = new Map<string, ResourceRef>();

  constructor(private readonly client: KubeClient) {}

  /** @throws Error when the kind is not served, the object is not there or cannot be scaled */
  async get(namespace: string, target: TargetRef): Promise<Scale> {
    const group = groupOf(target.apiVersion ?? '');
    const ref = await this.kind(group, target.kind);
    const path = resourcePath(ref, namespace, target.name, 'scale');
    try {
      const { body } = await this.client.transport.request<KubeObject>({ method: 'GET', path });
      return {
        path,
        object: body,
        specReplicas: body.spec?.replicas ?? 0,
        statusReplicas: body.status?.replicas ?? 0,
        selector: body.status?.selector ?? '',
      };
    } catch (error) {
      if (isNotFound(error)) this.found.delete(`${group}/${target.kind}`);
      throw error;
    }
  }

  /** @throws ApiError, a conflict when the target changed since it was read */
  async set({ path, object }: Scale, replicas: number): Promise<void> {
    const body = { ...object, spec: { ...object.spec, replicas } };
    await this.client.transport.request({ method: 'PUT', path, body });
  }

  /** What the API calls objects of a kind, with the group where there is one: `ingresses.networking.k8s.io`. */
  async resourceOf(apiVersion: string, kind: string): Promise<string> {
    const { plural, group } = await this.kind(groupOf(apiVersion), kind);
    return group ? `${plural}.${group}` : plural;
  }

  private async kind(group: string, kind: string): Promise<ResourceRef> {
    const known = Object.values(resources).find((one) => one.group === group && one.kind === kind);
    const id = `${group}/${kind}`;
    const ref = known ?? this.found.get(id) ?? (await this.discovered(group, kind));
    if (!ref) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
    if (!known) this.found.set(id, ref);
    return ref;
  }

  private async discovered(group: string, kind: string): Promise<ResourceRef | undefined> {
    const { resources: served } = await discover(this.client);
    return served.find((one) => one.group === group && one.kind === kind);
  }
}

/** @throws Error for more than one slash */
function groupOf(apiVersion: string): string {
  const parts = apiVersion.split('/');
  if (parts.length > 2) {
    throw new Error(`invalid API version in scale target reference: unexpected GroupVersion string: ${apiVersion}`);
  }
  return parts.length === 2 ? parts[0]! : '';
}
