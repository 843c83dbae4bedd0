/** What a path names. */
export type Route =
  | { type: 'nonResource'; segments: string[] }
  | {
      type: 'resource';
      group: string;
      version: string;
      plural: string;
      namespace?: string;
      name?: string;
      subresource?: string;
      /** The old `/watch/` prefix. */
      watch: boolean;
    };

const namespaceSubresources = new Set(['status', 'finalize']);

/** Splits an API path. Escapes are decoded per segment, so that a name cannot add segments. */
export function parsePath(path: string): Route {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (path.includes('%')) {
    for (let index = 0; index < segments.length; index++) segments[index] = decode(segments[index]!);
  }
  const core = segments[0] === 'api';
  const start = core ? 2 : 3;
  if ((!core && segments[0] !== 'apis') || segments.length <= start) return { type: 'nonResource', segments };
  const group = core ? '' : segments[1]!;
  const version = segments[start - 1]!;
  const watch = segments[start] === 'watch';
  const rest = segments.slice(watch ? start + 1 : start);
  if (rest.length === 0) return { type: 'nonResource', segments };
  const inNamespace =
    rest[0] === 'namespaces' && rest.length >= 3 && !(rest.length === 3 && namespaceSubresources.has(rest[2]!));
  const [plural, name, ...sub] = inNamespace ? rest.slice(2) : rest;
  return {
    type: 'resource',
    group,
    version,
    plural: plural!,
    namespace: inNamespace ? rest[1] : undefined,
    name,
    subresource: sub.length > 0 ? sub.join('/') : undefined,
    watch,
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
