/**
 * Does `count` things in batches of 1, 2, 4, … so that a fault common to all
 * (a quota, a bad template) costs one request instead of hundreds. The batch in
 * which one failed is the last.
 * @returns how many succeeded, how many failed, and the first failure
 */
export async function slowStart(
  count: number,
  act: () => Promise<void>,
): Promise<{ done: number; failed: number; error?: unknown }> {
  let done = 0;
  for (let size = Math.min(1, count); size > 0; size = Math.min(2 * size, count - done)) {
    const results = await Promise.allSettled(Array.from({ length: size }, act));
    const failures = results.filter((result) => result.status === 'rejected');
    done += size - failures.length;
    if (failures[0]) return { done, failed: failures.length, error: failures[0].reason };
  }
  return { done, failed: 0 };
}
