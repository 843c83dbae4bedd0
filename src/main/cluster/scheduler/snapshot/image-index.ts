import type { Node } from '@shared/k8s';

interface KnownImage {
  sizeBytes: number;
  nodes: Set<string>;
}

/** Which node has which image, from what the nodes report. */
export class ImageIndex {
  private readonly images = new Map<string, KnownImage>();
  private readonly reported = new Map<string, Node['status']>();

  /** Takes note of what a node has now; undefined when it is gone. */
  set(name: string, node: Node | undefined): void {
    const before = this.reported.get(name)?.images;
    const now = node?.status?.images;
    if (before === now) return;
    for (const image of imageNames(before)) this.drop(image.name, name);
    for (const image of imageNames(now)) this.put(image.name, image.sizeBytes, name);
    if (now) this.reported.set(name, node!.status);
    else this.reported.delete(name);
  }

  /** An image by the name a container asks for. */
  get(image: string): KnownImage | undefined {
    return this.images.size === 0 ? undefined : this.images.get(normalName(image));
  }

  private put(image: string, sizeBytes: number, node: string): void {
    const known = this.images.get(image);
    if (!known) this.images.set(image, { sizeBytes, nodes: new Set([node]) });
    else {
      known.sizeBytes = sizeBytes;
      known.nodes.add(node);
    }
  }

  private drop(image: string, node: string): void {
    const known = this.images.get(image);
    known?.nodes.delete(node);
    if (known?.nodes.size === 0) this.images.delete(image);
  }
}

function imageNames(images: NonNullable<Node['status']>['images']): { name: string; sizeBytes: number }[] {
  return (images ?? []).flatMap(({ names = [], sizeBytes = 0 }) =>
    names.map((name) => ({ name: normalName(name), sizeBytes })),
  );
}

/** Nodes report images with their tag and sometimes their registry; pods often name neither. */
function normalName(image: string): string {
  const short = image.replace(/^(index\.)?docker\.io\/(library\/)?/, '');
  return short.lastIndexOf(':') > short.lastIndexOf('/') ? short : `${short}:latest`;
}
