import { pipeline, type Duplex } from 'node:stream';

/**
 * Leads a connection, which may be half closed, on to where `dial` connects. Both end together; what fails is
 * told by that alone.
 */
export async function lead(from: Duplex, dial: (signal: AbortSignal) => Promise<Duplex>): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  from.on('error', () => {}).once('close', leave);
  try {
    const to = await dial(gone.signal);
    // From now on its end must not cut off what it has sent.
    from.off('close', leave);
    to.on('error', () => {});
    pipeline(from, to, from, () => {});
  } catch {
    from.destroy();
  }
}
