import type { Volume } from '@shared/k8s';

/** What a volume is made of. */
export interface VolumeParts {
  /** The kind of its source, as in the manifest: `emptyDir`. */
  source: string;
  /** Objects whose content it has. */
  objects: { kind: 'ConfigMap' | 'Secret' | 'PersistentVolumeClaim'; name: string }[];
  /** What else is said of it: `medium: Memory, sizeLimit: 64Mi`. */
  words: string;
}

type Fields = Record<string, unknown>;

/** Objects that a volume or a source of a projected one names. */
function objectsOf({
  configMap,
  secret,
  persistentVolumeClaim,
}: Partial<Record<string, Fields>>): VolumeParts['objects'] {
  const named: [VolumeParts['objects'][number]['kind'], unknown][] = [
    ['ConfigMap', configMap?.['name']],
    ['Secret', secret?.['secretName'] ?? secret?.['name']],
    ['PersistentVolumeClaim', persistentVolumeClaim?.['claimName']],
  ];
  return named.flatMap(([kind, name]) => (typeof name === 'string' ? [{ kind, name }] : []));
}

/** A volume in words; modes of files, which are numbers without a meaning to most, are left out. */
export function volumeParts(volume: Volume): VolumeParts {
  const [source = '', value] = Object.entries(volume).find(([key]) => key !== 'name') ?? [];
  const projected =
    source === 'projected' ? ((value as { sources?: Partial<Record<string, Fields>>[] }).sources ?? []) : [];
  const objects = [volume as unknown as Partial<Record<string, Fields>>, ...projected].flatMap(objectsOf);
  const scalars = Object.entries((value ?? {}) as Fields)
    .filter(
      ([key, each]) =>
        typeof each !== 'object' && each !== '' && key !== 'defaultMode' && !objects.some(({ name }) => name === each),
    )
    .map(([key, each]) => `${key}: ${String(each)}`);
  const others = projected
    .flatMap((each) => Object.keys(each))
    .filter((key) => key !== 'configMap' && key !== 'secret');
  return { source, objects, words: [...scalars, ...others].join(', ') };
}
