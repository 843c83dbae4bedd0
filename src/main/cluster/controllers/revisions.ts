/** ControllerRevisions: the templates a DaemonSet or StatefulSet has had. */
import type { ControllerRevision, KubeObject, LabelSelector, PodTemplateSpec } from '@shared/k8s';
import { isAlreadyExists, isNotFound } from '../client/controller';
import { controllerRef, isControlledBy } from '../client/owners';
import { resources } from '../client/resources';
import type { Informer, KubeClient, ResourceRef } from '../client/types';
import { claim } from './claim';
import { canonicalTemplate, templateHash } from './deployment/template';

/** What a workload with such revisions has in common. */
export type Revisioned = KubeObject & {
  metadata: { name: string; uid: string };
  spec?: { selector: LabelSelector; template: PodTemplateSpec; revisionHistoryLimit?: number };
  status?: { collisionCount?: number };
};

export interface RevisionParts<O extends Revisioned> {
  client: KubeClient;
  ref: ResourceRef<O>;
  revisions: Informer<ControllerRevision>;
  /** The label of a revision that carries the hash of its template. */
  hashLabel: string;
}

/** The template a revision keeps, without the mark that makes its data a patch. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data as { spec?: { template?: any } } | undefined)?.spec?.template ?? {};
  return template;
}

/** The revisions of an owner, oldest first; matching orphans become its own. */
export async function claimRevisions<O extends Revisioned>(
  { client, ref, revisions }: RevisionParts<O>,
  owner: O,
): Promise<ControllerRevision[]> {
  const claimed = await claim({
    client,
    owner,
    ownerRef: ref,
    selector: owner.spec?.selector,
    informer: revisions,
    ref: resources.controllerRevisions,
  });
  return claimed.sort((a, b) => a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/**
 * The revision of the owner's present template, and all others. Made when there
 * is none yet; one from before is numbered anew when the owner went back to it.
 * @param history as `claimRevisions` gives it
 * @returns also the collision count, raised when a name was taken by another template
 */
export async function currentRevision<O extends Revisioned>(
  parts: RevisionParts<O>,
  owner: O,
  history: readonly ControllerRevision[],
): Promise<{ current: ControllerRevision; others: ControllerRevision[]; collisionCount: number | undefined }> {
  const { client } = parts;
  const collisionCount = owner.status?.collisionCount;
  const wanted = canonicalTemplate(owner.spec!.template);
  const next = (history.at(-1)?.revision ?? 0) + 1;
  const equal = history.findLast((revision) => canonicalTemplate(templateOf(revision)) === wanted);
  if (!equal) return { ...(await create(parts, owner, next)), others: [...history] };
  const others = history.filter((revision) => revision !== equal);
  if (others.every(({ revision }) => revision < equal.revision)) return { current: equal, others, collisionCount };
  const current = await client.update<ControllerRevision>(resources.controllerRevisions, { ...equal, revision: next });
  return { current, others, collisionCount };
}

async function create<O extends Revisioned>(
  { client, ref, hashLabel }: RevisionParts<O>,
  owner: O,
  revision: number,
): Promise<{ current: ControllerRevision; collisionCount: number | undefined }> {
  const { template } = owner.spec!;
  const { namespace, name, annotations } = owner.metadata;
  for (let collisionCount = owner.status?.collisionCount; ; collisionCount = (collisionCount ?? 0) + 1) {
    const hash = templateHash(template, collisionCount);
    const object = {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels: { ...template.metadata?.labels, [hashLabel]: hash },
        annotations,
        ownerReferences: [controllerRef(ref, owner)],
      },
      data: { spec: { template: { ...template, $patch: 'replace' } } },
      revision,
    };
    try {
      const current = await client.create<ControllerRevision>(resources.controllerRevisions, object);
      return { current, collisionCount };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const existing = await client.get(resources.controllerRevisions, namespace, object.metadata.name);
    const same = canonicalTemplate(templateOf(existing)) === canonicalTemplate(template);
    // Ours, only not in the cache yet.
    if (same && isControlledBy(existing, owner)) return { current: existing, collisionCount };
  }
}

/** Deletes the oldest revisions beyond the limit, except those still in use. @param old oldest first */
export async function truncateHistory(
  client: KubeClient,
  old: readonly ControllerRevision[],
  limit: number,
  inUse: (revision: ControllerRevision) => boolean,
): Promise<void> {
  let surplus = old.length - limit;
  for (const revision of old) {
    if (surplus <= 0) return;
    if (inUse(revision)) continue;
    const { namespace, name, uid } = revision.metadata;
    try {
      await client.delete(resources.controllerRevisions, namespace, name, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    surplus--;
  }
}
