/** How long output may still be missing after the command has ended, in ms. */
const drainMs = 5_000;

/**
 * Waits for a command's output after the command itself has ended: to its end, however slowly the client takes it, but
 * not for what a process left behind in the container keeps open without writing.
 * @param ended the end of all outputs
 * @param progress a number that changes as long as output moves
 * @param held whether the client has still to take what was sent
 */
export async function drained(ended: Promise<unknown>, progress: () => number, held: () => boolean): Promise<void> {
  let over = false;
  const end = ended.then(() => void (over = true));
  for (let before = -1; ;) {
    await Promise.race([end, new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref())]);
    const now = progress();
    if (over || (now === before && !held())) return;
    before = now;
  }
}
