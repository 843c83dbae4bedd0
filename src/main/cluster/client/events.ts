import type { Event, KubeObject, ObjectReference } from '@shared/k8s';
import { ApiError } from '../api/errors';
import { timestamp, type Clock } from '../clock';
import type { Logger } from '../log';
import { isNotFound } from './controller';
import { resources } from './resources';
import type { KubeClient } from './types';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /**
   * Records that something happened to an object. Returns at once and never
   * throws; a failure is logged. A repeat of the same object, reason and message
   * counts up the Event that is there.
   * @param fieldPath the part concerned, e.g. `spec.containers{web}`
   */
  event(object: KubeObject, type: EventType, reason: string, message: string, fieldPath?: string): void;
  /** Resolves when all that was recorded so far is written. */
  flushed(): Promise<void>;
}

export interface EventRecorderOptions {
  client: KubeClient;
  clock: Clock;
  log: Logger;
  /** Who reports, e.g. `deployment-controller`, `kubelet`. */
  component: string;
  /** The node's name, for reporters that live on one. */
  host?: string;
  /** 0 ≤ x < 1, keeps the names of several recorders apart. */
  random?: () => number;
}

/** One Event object: what is to be written and what is. */
interface Recorded {
  name: string;
  namespace: string;
  reference: ObjectReference;
  type: EventType;
  reason: string;
  message: string;
  count: number;
  first: number;
  last: number;
  writtenCount: number;
  writing?: Promise<void>;
}

/** The limits of Kubernetes' event correlator: a noisy object must not flood the API. */
const similarLimit = 10;
const similarWindowMs = 600_000;
const burst = 25;
const refillMs = 300_000;
const cacheSize = 4096;

/** Builds a recorder that writes core/v1 Events. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

class Recorder implements EventRecorder {
  private readonly recorded = new Map<string, Recorded>();
  private readonly similar = new Map<string, { messages: number; last: number }>();
  private readonly buckets = new Map<string, { tokens: number; at: number }>();
  private readonly pending = new Set<Promise<void>>();
  private readonly offset: bigint;
  private lastStamp = 0n;

  constructor(private readonly options: EventRecorderOptions) {
    this.offset = BigInt(Math.floor((options.random ?? Math.random)() * 1e6));
  }

  event(object: KubeObject, type: EventType, reason: string, message: string, fieldPath?: string): void {
    const now = this.options.clock.now();
    const reference = referenceTo(object, fieldPath);
    const target = `${reference.kind}/${reference.namespace ?? ''}/${reference.name}/${reference.uid ?? ''}/${fieldPath ?? ''}`;
    const group = `${target}/${type}/${reason}`;
    const single = `${group}/${message}`;
    const combined = this.combine(group, this.recorded.has(single), now);
    const key = combined ? group : single;
    if (!this.allow(target, now)) return;

    let entry = this.recorded.get(key);
    if (entry) {
      entry.count++;
      entry.last = now;
      if (combined) entry.message = `(combined from similar events): ${message}`;
    } else {
      entry = {
        name: this.name(reference.name ?? '', now),
        namespace: reference.namespace || 'default',
        reference,
        type,
        reason,
        message: combined ? `(combined from similar events): ${message}` : message,
        count: 1,
        first: now,
        last: now,
        writtenCount: 0,
      };
    }
    remember(this.recorded, key, entry);
    if (!entry.writing) {
      const writing = this.write(entry);
      entry.writing = writing;
      this.pending.add(writing);
      void writing.finally(() => this.pending.delete(writing));
    }
  }

  async flushed(): Promise<void> {
    while (this.pending.size) await Promise.all(this.pending);
  }

  /** Writes until nothing newer was recorded, so that a burst costs few requests. */
  private async write(entry: Recorded): Promise<void> {
    try {
      while (entry.writtenCount < entry.count) {
        const count = entry.count;
        if (entry.writtenCount === 0 || !(await this.bump(entry))) await this.create(entry);
        entry.writtenCount = count;
      }
    } catch (error) {
      entry.writtenCount = entry.count;
      // Events about objects of a namespace that is going away are refused; that is expected.
      const expected = error instanceof ApiError && (error.code === 403 || error.code === 404);
      const fields = { object: entry.reference.name ?? '', reason: entry.reason, error: error as Error };
      this.options.log[expected ? 'debug' : 'warn']('an event could not be written', fields);
    } finally {
      entry.writing = undefined;
    }
  }

  /** @returns false when the Event is gone meanwhile */
  private async bump({ namespace, name, count, last, message }: Recorded): Promise<boolean> {
    try {
      const patch = { count, lastTimestamp: timestamp(last), message };
      await this.options.client.patch(resources.events, namespace, name, patch);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  private async create(entry: Recorded): Promise<void> {
    const { component, host } = this.options;
    const event: Omit<Event, 'metadata'> & Pick<KubeObject, 'metadata'> = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: entry.name, namespace: entry.namespace },
      involvedObject: entry.reference,
      type: entry.type,
      reason: entry.reason,
      message: entry.message,
      count: entry.count,
      firstTimestamp: timestamp(entry.first),
      lastTimestamp: timestamp(entry.last),
      source: { component, ...(host ? { host } : {}) },
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
    await this.options.client.create(resources.events, event);
  }

  /** Many different messages of one reason (1,000 pods created) become one Event that counts. */
  private combine(group: string, known: boolean, now: number): boolean {
    let seen = this.similar.get(group);
    if (!seen || now - seen.last > similarWindowMs) seen = { messages: 0, last: now };
    seen.last = now;
    remember(this.similar, group, seen);
    if (known) return false;
    if (seen.messages >= similarLimit) return true;
    seen.messages++;
    return false;
  }

  /** A token bucket per object. */
  private allow(target: string, now: number): boolean {
    const bucket = this.buckets.get(target) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillMs);
    bucket.at = now;
    remember(this.buckets, target, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  /** `POD.HEX`: the object's name and the time in nanoseconds, unique within this recorder. */
  private name(object: string, now: number): string {
    const stamp = BigInt(now) * 1_000_000n + this.offset;
    this.lastStamp = stamp > this.lastStamp ? stamp : this.lastStamp + 1n;
    return `${object.slice(0, 236)}.${this.lastStamp.toString(16)}`;
  }
}

/** Puts an entry at the young end and drops the oldest beyond the cache's size. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > cacheSize) map.delete(map.keys().next().value!);
}

function referenceTo(object: KubeObject, fieldPath?: string): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata ?? {};
  return {
    kind: object.kind ?? '',
    apiVersion: object.apiVersion ?? '',
    ...(namespace ? { namespace } : {}),
    name: name ?? '',
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(fieldPath ? { fieldPath } : {}),
  };
}
