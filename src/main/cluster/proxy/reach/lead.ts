import type { Duplex } from 'node:stream';

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
    join(from, to);
    join(to, from);
  } catch {
    from.destroy();
  }
}

/** Unlike `pipeline`, what was sent before an end arrives, however slowly it is read. */
function join(one: Duplex, other: Duplex): void {
  one.pipe(other);
  one.on('error', () => other.destroy());
  one.once('close', () => {
    if (other.writableFinished) return other.destroy();
    other.once('finish', () => other.destroy());
    return other.end();
  });
}
