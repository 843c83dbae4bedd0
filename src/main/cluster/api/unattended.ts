import type { KindDefinition } from './kind';

/**
 * Kinds that can be stored but that no controller acts on yet, as PLURAL or
 * PLURAL.GROUP. Whoever adds a controller takes its line away.
 */
const unattended = new Set(['volumeattachments.storage.k8s.io']);

/** What to tell whoever creates an object that nothing will act on. */
export function unattendedWarnings({ group, plural }: Pick<KindDefinition, 'group' | 'plural'>): string[] {
  const name = group ? `${plural}.${group}` : plural;
  return unattended.has(name)
    ? [`Gantry does not run a controller for ${name} yet: the object is stored but nothing acts on it`]
    : [];
}
