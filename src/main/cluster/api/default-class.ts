interface Class {
  metadata: { name: string; creationTimestamp?: string };
}

/** Which of several classes that are marked as default counts: the newest, and of equally old ones the first by name. */
export const newestClass = <T extends Class>(classes: readonly T[]): T | undefined => classes.toSorted(newestFirst)[0];

function newestFirst(a: Class, b: Class): number {
  const [left, right] = [a, b].map((one) => Date.parse(one.metadata.creationTimestamp ?? '') || 0);
  return right! - left! || (a.metadata.name < b.metadata.name ? -1 : 1);
}
