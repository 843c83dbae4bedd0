import type Docker from 'dockerode';

/** How long somebody else's removal of a container may take, ms. */
const longestMs = 10_000;

/**
 * Kills and removes a container with its anonymous volumes; where that is under way already, waits for it. One that is
 * gone is fine. @throws as dockerode does
 */
export async function removeContainer(docker: Docker, id: string, patienceMs = longestMs): Promise<void> {
  const container = docker.getContainer(id);
  const unlessGone = (error: { statusCode?: number }): void => {
    if (error.statusCode !== 404) throw error;
  };
  try {
    await container.remove({ force: true, v: true }).catch(unlessGone);
  } catch (error) {
    const { statusCode, message } = error as Error & { statusCode?: number };
    if (statusCode !== 409 || !message.includes('already in progress')) throw error;
    const abortSignal = AbortSignal.timeout(patienceMs);
    await container.wait({ condition: 'removed', abortSignal }).catch((cause: Error & { statusCode?: number }) => {
      // A removal that fails tells nobody who waits for it.
      if (abortSignal.aborted) throw error;
      unlessGone(cause);
    });
  }
}
