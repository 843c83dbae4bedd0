import type { Event, Pod } from '@shared/k8s';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestbed, type Testbed } from '../../../../test/support/testbed';
import { createLogger } from '../log';
import { createEventRecorder, type EventRecorder } from './events';
import { resources } from './resources';

let bed: Testbed;
let recorder: EventRecorder;
let lines: string[];
beforeEach(async () => {
  bed = await startTestbed();
  lines = [];
  const log = createLogger('test', 'warn', (line) => void lines.push(line));
  recorder = createEventRecorder({
    client: bed.client,
    clock: bed.clock,
    log,
    component: 'kubelet',
    host: 'n',
    random: () => 0,
  });
});
afterEach(() => bed.stop());

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '5' },
} as unknown as Pod;
const list = async () => {
  await recorder.flushed();
  return (await bed.client.list<Event>(resources.events)).items;
};

describe('an event recorder', () => {
  it('writes what kubectl describe shows', async () => {
    recorder.event(pod, 'Normal', 'Started', 'Started container web', 'spec.containers{web}');
    const [event] = await list();
    expect(event).toMatchObject({
      metadata: { namespace: 'default' },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        namespace: 'default',
        name: 'web',
        uid: 'u',
        resourceVersion: '5',
        fieldPath: 'spec.containers{web}',
      },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container web',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'kubelet', host: 'n' },
    });
    expect(event!.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/);
  });

  it('counts repeats in the Event that is there, and makes it anew when it is gone', async () => {
    recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting');
    await recorder.flushed();
    await bed.clock.advance(10_000);
    for (let i = 0; i < 3; i++) recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting');
    let [event, ...others] = await list();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      count: 4,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:10Z',
    });
    await bed.client.delete(resources.events, 'default', event!.metadata.name);
    recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting');
    [event, ...others] = await list();
    expect(others).toEqual([]);
    expect(event!.count).toBe(5);
  });

  it('puts events of cluster-wide objects into default', async () => {
    recorder.event(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n', uid: 'n' } },
      'Normal',
      'Starting',
      'Starting kubelet.',
    );
    expect((await list())[0]!.metadata.namespace).toBe('default');
  });

  it('combines a flood of similar messages and stops after a burst', async () => {
    for (let i = 0; i < 100; i++) recorder.event(pod, 'Normal', 'SuccessfulCreate', `Created pod: web-${i}`);
    const events = await list();
    expect(events).toHaveLength(11);
    const combined = events.find(({ message }) => message!.startsWith('(combined from similar events): '));
    expect(combined!.count).toBe(15);
    await bed.clock.advance(300_000);
    recorder.event(pod, 'Warning', 'Failed', 'something else');
    expect((await list()).map(({ reason }) => reason)).toContain('Failed');
  });

  it('never throws, and logs what it could not write', async () => {
    recorder.event({ ...pod, metadata: { ...pod.metadata, namespace: 'NO SUCH' } }, 'Normal', 'A', 'b');
    recorder.event({}, 'Normal', 'A', 'b');
    await recorder.flushed();
    expect((await list()).filter(({ involvedObject }) => involvedObject.kind)).toEqual([]);
  });
});
