import type { Ingress, IngressClass, KubeObject } from '@shared/k8s';
import { isAlreadyExists } from '../../client/controller';
import { resources } from '../../client/resources';
import { classAnnotation } from '../../api/networking/ingress';
import type { KubeClient } from '../../client/types';

/** Names this controller in IngressClasses. */
export const ingressController = 'gantry.dev/ingress-nginx';
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';

/** The class that comes with every cluster. */
const shippedClass = {
  metadata: { name: 'nginx', annotations: { [defaultAnnotation]: 'true' } },
  spec: { controller: ingressController },
} as unknown as KubeObject;

/** Creates the class unless there is one of that name, whoever's it is. */
export async function ensureIngressClass(client: KubeClient, known: readonly IngressClass[]): Promise<void> {
  if (known.some(({ metadata }) => metadata.name === shippedClass.metadata!.name)) return;
  await client.create(resources.ingressClasses, shippedClass).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

/** The Ingresses this controller serves: those of its classes, and those without one where the default is its own. */
export function ingressesServed(ingresses: readonly Ingress[], classes: readonly IngressClass[]): Ingress[] {
  const own = new Set(
    classes.filter(({ spec }) => spec?.controller === ingressController).map((one) => one.metadata.name),
  );
  const byDefault = classes.some(
    ({ metadata }) => own.has(metadata.name) && metadata.annotations?.[defaultAnnotation] === 'true',
  );
  return ingresses.filter(({ metadata, spec }) => {
    if (metadata.deletionTimestamp) return false;
    const named = spec?.ingressClassName ?? metadata.annotations?.[classAnnotation];
    return named === undefined ? byDefault : own.has(named);
  });
}
