/** The parts of an image reference as Docker reads them. */
export interface ImageReference {
  registry: string;
  /** Repository with the registry where one was written, as it was written. */
  name: string;
  /** Absent when a digest is given alone. */
  tag?: string;
  digest?: string;
}

/** Docker Hub's own name for itself in credentials. */
export const dockerHub = 'docker.io';

/** @throws Error for an invalid reference, in the words kubelets use */
export function parseImage(text: string): ImageReference {
  const match =
    /^((?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:(?:[./]|_{1,2}|-+)[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(?:@([a-z0-9]+:[a-f0-9]{32,}))?$/.exec(
      text,
    );
  if (!match) throw new Error(`couldn't parse image name "${text}": invalid reference format`);
  const name = match[1]!;
  const first = name.split('/')[0]!;
  const hasRegistry = name.includes('/') && (first.includes('.') || first.includes(':') || first === 'localhost');
  const digest = match[3];
  const tag = match[2] ?? (digest ? undefined : 'latest');
  return { registry: hasRegistry ? first : dockerHub, name, ...(tag ? { tag } : {}), ...(digest ? { digest } : {}) };
}

/** The reference with the tag that is meant when none is written: without it Docker pulls all tags. */
export function withTag(text: string): string {
  const { name, tag, digest } = parseImage(text);
  return `${name}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}
