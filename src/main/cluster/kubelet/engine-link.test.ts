import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../clock';
import { silentLogger } from '../log';
import { EngineLink } from './engine-link';
import { RuntimeError, type Runtime, type RuntimeEvent } from './runtime/types';

const never = new Promise<never>(() => {});
let clock: FakeClock;
let answers: boolean;
/** What the engine is asked and does not answer. */
let hangs: boolean;
let networkHangs: boolean;
let breakEvents: (error: Error) => void;
let tell: (event: RuntimeEvent) => void;
let said: string[];

beforeEach(() => {
  clock = new FakeClock();
  answers = true;
  hangs = false;
  networkHangs = false;
  said = [];
});

function link(): EngineLink {
  const runtime = {
    info: async () => ({ reachable: answers && !hangs, reason: 'no answer' }),
    ensureNetwork: () => (networkHangs ? never : Promise.resolve({ gateway: '10.0.0.1' })),
    events: (_labels: object, listener: typeof tell) => {
      tell = listener;
      return new Promise<void>((_, reject) => (breakEvents = reject));
    },
  } as unknown as Runtime;
  return new EngineLink({
    runtime,
    clock,
    log: silentLogger,
    nodeName: 'n',
    described: async (info, address) => void said.push(info.reachable ? `there at ${address}` : 'gone'),
    sweep: () => (hangs ? never : Promise.resolve(void said.push('sweep'))),
    ended: (uid) => void said.push(`ended ${uid}`),
    back: () => void said.push('back'),
  });
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pass = async (ms: number) => {
  for (let passed = 0; passed < ms; passed += 500) {
    await clock.advance(500);
    await turn();
  }
};
const since = (): string[] => said.splice(0);

describe('the link to the engine', () => {
  it('looks at all containers every 10 s and tells what ends between', async () => {
    const one = link();
    await one.connect();
    await one.watch();
    expect(since()).toEqual(['there at 10.0.0.1', 'sweep']);
    tell({ id: 'x', labels: { 'gantry.dev/pod-uid': 'p' }, action: 'die', timeMs: 0 });
    tell({ id: 'x', labels: { 'gantry.dev/pod-uid': 'p' }, action: 'start', timeMs: 0 });
    await pass(20_000);
    expect(since()).toEqual(['ended p', 'sweep', 'sweep']);
    one.stop();
    await pass(20_000);
    expect(since()).toEqual([]);
  });

  it('notices an engine that hangs, though no call fails, and that it goes on', async () => {
    const one = link();
    await one.connect();
    await one.watch();
    since();
    hangs = true;
    await pass(24_500);
    expect(since()).toEqual([]);
    await pass(1000);
    expect(since()).toEqual(['gone']);
    expect(one.connected).toBe(false);
    hangs = false;
    await pass(2000);
    expect(since().slice(0, 3)).toEqual(['there at 10.0.0.1', 'sweep', 'back']);
    one.stop();
  });

  it('notices an engine that begins to hang half-way', async () => {
    networkHangs = true;
    const one = link();
    void one.connect();
    await pass(14_500);
    expect(since()).toEqual([]);
    await pass(1000);
    expect(since()).toEqual(['gone']);
    networkHangs = false;
    await pass(2000);
    expect(since()).toEqual(['there at 10.0.0.1', 'sweep', 'back']);
    one.stop();
  });

  it('tries again ever more slowly while the engine is away, but never less than every 30 s', async () => {
    answers = false;
    const one = link();
    await one.connect();
    await pass(15_000);
    expect(since()).toEqual(['gone', 'gone', 'gone', 'gone', 'gone']);
    await pass(120_000);
    expect(since().length).toBeGreaterThanOrEqual(4);
    one.stop();
  });

  it('asks at once when the events break off', async () => {
    const one = link();
    await one.connect();
    since();
    breakEvents(new RuntimeError('the event stream ended', 'unreachable'));
    await turn();
    expect(since()).toEqual(['there at 10.0.0.1', 'back']);
    one.stop();
  });
});
