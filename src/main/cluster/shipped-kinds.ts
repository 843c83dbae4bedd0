import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import gatewayClasses from '../../../resources/crds/gateway-gatewayclasses.yaml?raw';
import gateways from '../../../resources/crds/gateway-gateways.yaml?raw';
import httpRoutes from '../../../resources/crds/gateway-httproutes.yaml?raw';
import referenceGrants from '../../../resources/crds/gateway-referencegrants.yaml?raw';
import type { CustomResourceDefinition } from './api/apiextensions/types';
import { isAlreadyExists, isConflict, isNotFound } from './client/controller';
import { resources } from './client/resources';
import type { KubeClient } from './client/types';
import type { Clock, Timer } from './clock';
import type { Logger } from './log';

const group = 'gateway.networking.k8s.io';

/** The definitions that come with every cluster. */
export const shippedKinds: ReadonlyMap<string, string> = new Map([
  [`gatewayclasses.${group}`, gatewayClasses],
  [`gateways.${group}`, gateways],
  [`httproutes.${group}`, httpRoutes],
  [`referencegrants.${group}`, referenceGrants],
]);

/** Marks a definition with the manifest it was made from, so that a new version of the app is noticed. */
const manifestAnnotation = 'gantry.dev/manifest-hash';
/** What the official manifests carry: whoever installed those wants those. */
const officialAnnotation = `${group}/bundle-version`;
/** A cluster that starts has better things to do. In ms. */
const patience = 2000;

/** The definition a manifest holds. */
export function shippedDefinition(manifest: string): CustomResourceDefinition {
  const definition = parse(manifest, { maxAliasCount: 1000 }) as CustomResourceDefinition;
  const annotations = { ...definition.metadata.annotations, [manifestAnnotation]: hashOf(manifest) };
  return { ...definition, metadata: { ...definition.metadata, annotations } };
}

const hashOf = (manifest: string) => createHash('sha256').update(manifest).digest('hex').slice(0, 16);

/**
 * Installs the definitions that come with every cluster, a while after it started,
 * and replaces those that an older version of the app installed. What others
 * installed in their place stays.
 */
export function installShippedKinds(options: { client: KubeClient; clock: Clock; log: Logger }): { stop(): void } {
  const { clock, log } = options;
  let timer: Timer | undefined;
  let stopped = false;
  const left = [...shippedKinds];
  const next = (): void => {
    const [entry] = left;
    if (stopped || !entry) return;
    install(options.client, ...entry).then(
      () => {
        left.shift();
        timer = clock.setTimeout(next, 0);
      },
      (error: Error) => {
        if (stopped) return;
        log.warn('a definition could not be installed', { name: entry[0], error: error.message });
        timer = clock.setTimeout(next, 10_000);
      },
    );
  };
  timer = clock.setTimeout(next, patience);
  return {
    stop() {
      stopped = true;
      timer?.cancel();
    },
  };
}

/** Creates or replaces one definition. Its manifest is read only when it is needed. */
export async function install(client: KubeClient, name: string, manifest: string): Promise<void> {
  const ref = resources.customResourceDefinitions;
  try {
    const current = await client.get(ref, undefined, name);
    const { annotations = {} } = current.metadata;
    const hash = annotations[manifestAnnotation];
    if (hash === undefined || hash === hashOf(manifest) || annotations[officialAnnotation] !== undefined) return;
    const { spec, metadata } = shippedDefinition(manifest);
    const merged = { ...current.metadata, annotations: { ...annotations, ...metadata.annotations } };
    await client.update(ref, { ...current, metadata: merged, spec });
  } catch (error) {
    if (!isNotFound(error)) {
      if (isConflict(error)) return install(client, name, manifest);
      throw error;
    }
    await client.create(ref, shippedDefinition(manifest)).catch((failure: unknown) => {
      if (!isAlreadyExists(failure)) throw failure;
    });
  }
}
