import type { KubeObject } from '@shared/k8s';
import { toJson } from '../output/yaml';

/** Where `kubectl apply` keeps the configuration it applied last. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

function annotated(object: KubeObject, annotations: Record<string, string>): KubeObject {
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** The object with itself, as it was given, in the annotation. */
export function withLastApplied(object: KubeObject): KubeObject {
  const annotations = { ...object.metadata?.annotations };
  delete annotations[lastAppliedAnnotation];
  const plain = annotated(object, annotations);
  return annotated(object, { ...annotations, [lastAppliedAnnotation]: `${toJson(plain, 0)}\n` });
}

/** The configuration applied last; undefined when there is none or it cannot be read. */
export function lastAppliedOf(object: KubeObject): KubeObject | undefined {
  const text = object.metadata?.annotations?.[lastAppliedAnnotation];
  if (!text) return undefined;
  try {
    return JSON.parse(text) as KubeObject;
  } catch {
    return undefined;
  }
}
