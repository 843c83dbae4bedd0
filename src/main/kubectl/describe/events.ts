import type { Event, KubeObject } from '@shared/k8s';
import { humanAge } from '@shared/duration';
import { isNotFound } from '../errors';
import { listAll } from '../resources';
import type { Session } from '../session';
import type { Lines } from './lines';

/** When an event happened last. */
export const lastSeen = (event: Event): string | undefined =>
  event.series?.lastObservedTime ??
  event.lastTimestamp ??
  event.eventTime ??
  event.firstTimestamp ??
  event.metadata.creationTimestamp;

/** The order of two time stamps; what has none comes first. */
export function compareTimes(a: string | undefined, b: string | undefined): number {
  return (a ? Date.parse(a) : 0) - (b ? Date.parse(b) : 0);
}

/** How long ago, and how often: `5s`, `2m (x3 over 10m)`. */
export function eventAge(event: Event, now: number): string {
  const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp;
  const count = event.series?.count ?? event.count ?? 1;
  const age = humanAge(lastSeen(event), now);
  return count > 1 ? `${age} (x${count} over ${humanAge(first, now)})` : age;
}

/** The events about an object, oldest first. */
export async function eventsOf(session: Session, object: KubeObject): Promise<Event[]> {
  const discovery = await session.discovery();
  const mapping = discovery.lookup('events');
  if (!mapping) return [];
  const { name, namespace, uid } = object.metadata ?? {};
  const selector = [`involvedObject.name=${name}`, ...(namespace ? [`involvedObject.namespace=${namespace}`] : [])];
  // Nodes report events about themselves under their name, so the uid does not tell there.
  if (uid && object.kind !== 'Node') selector.push(`involvedObject.uid=${uid}`);
  if (object.kind) selector.push(`involvedObject.kind=${object.kind}`);
  try {
    const list = await listAll(session, mapping, namespace, { fieldSelector: selector.join(',') });
    return (list.items as Event[]).sort((a, b) => compareTimes(lastSeen(a), lastSeen(b)));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Where an event comes from. */
export const eventSource = (event: Event): string => event.source?.component || event.reportingComponent || '';

/** Adds the table of events, or `<none>`. */
export function eventLines(lines: Lines, events: readonly Event[], now: number): void {
  if (events.length === 0) {
    lines.add(0, 'Events:\t<none>');
    return;
  }
  lines.add(0, 'Events:\n  Type\tReason\tAge\tFrom\tMessage');
  lines.add(1, '----\t------\t----\t----\t-------');
  for (const event of events) {
    // Which part of the object it is about: spec.containers{web}.
    const field = event.involvedObject.fieldPath ? `${event.involvedObject.fieldPath}: ` : '';
    lines.add(
      1,
      `${event.type}\t${event.reason}\t${eventAge(event, now)}\t${eventSource(event)}\t${field}${(event.message ?? '').trim()}`,
    );
  }
}
