import { describe, expect, it } from 'vitest';
import { WINDOW, type ToHost, type ToPage } from '@shared/bridge/protocol';
import { BridgeClient, BridgeException, type HostPort } from './client';

/** A host whose ports are opened by hand. */
class Host {
  readonly sent: ToHost[] = [];
  readonly delays: number[] = [];
  refuse = false;
  private message: (message: ToPage) => void = () => {};
  private closed: () => void = () => {};
  private timer: () => void = () => {};
  readonly client = new BridgeClient({
    connect: async () => {
      if (this.refuse) throw new Error('nobody there');
      return this.port();
    },
    later: (run, ms) => {
      this.delays.push(ms);
      this.timer = run;
    },
  });

  private port(): HostPort {
    return {
      post: (message) => this.sent.push(message),
      onMessage: (listener) => (this.message = listener),
      onClose: (listener) => (this.closed = listener),
      close: () => {},
    };
  }
  say(message: ToPage): void {
    this.message(message);
  }
  drop(): void {
    this.closed();
  }
  /** Lets the next attempt to connect happen. */
  async attempt(): Promise<void> {
    this.timer();
    await settle();
  }
  of<T extends ToHost['type']>(type: T): Extract<ToHost, { type: T }>[] {
    return this.sent.filter((message) => message.type === type) as Extract<ToHost, { type: T }>[];
  }
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};
const live = { state: 'live', since: 0 } as const;
const batch = { upsert: [], remove: [], freshness: live };

describe('calls', () => {
  it('wait for the first connection and answer', async () => {
    const host = new Host();
    const answer = host.client.call('clusters.list');
    await settle();
    const [call] = host.of('call');
    expect(call).toMatchObject({ method: 'clusters.list' });
    host.say({ type: 'result', id: call!.id, value: [] });
    expect(await answer).toEqual([]);
  });

  it('fail with what the host says', async () => {
    const host = new Host();
    await settle();
    const answer = host.client.call('kube.delete', {
      cluster: 'c',
      resource: { group: '', version: 'v1', plural: 'pods' },
      name: 'x',
    });
    host.say({ type: 'error', id: host.of('call')[0]!.id, error: { code: 'NotFound', message: 'gone', status: 404 } });
    const error = await answer.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BridgeException);
    expect((error as BridgeException).error).toEqual({ code: 'NotFound', message: 'gone', status: 404 });
  });

  it('are cancelled on the host', async () => {
    const host = new Host();
    await settle();
    const abort = new AbortController();
    const answer = host.client.call('engine.status', undefined, abort.signal);
    abort.abort();
    await expect(answer).rejects.toMatchObject({ error: { code: 'cancelled' } });
    expect(host.of('close')).toEqual([{ type: 'close', id: host.of('call')[0]!.id }]);
  });

  it('fail when the connection is lost, and at once while it is away', async () => {
    const host = new Host();
    await settle();
    const running = host.client.call('engine.status');
    host.drop();
    await expect(running).rejects.toMatchObject({ error: { code: 'unavailable' } });
    await expect(host.client.call('engine.status')).rejects.toMatchObject({ error: { code: 'unavailable' } });
  });
});

describe('streams', () => {
  it('acknowledge what they took before the window is used up', async () => {
    const host = new Host();
    await settle();
    let taken = 0;
    host.client.open('rows', { cluster: 'c', kind: 'pods' }, { data: () => taken++ });
    const { id } = host.of('open')[0]!;
    for (let n = 0; n < WINDOW; n++) host.say({ type: 'data', id, data: batch });
    expect(taken).toBe(WINDOW);
    expect(host.of('ack').reduce((sum, ack) => sum + ack.count, 0)).toBe(WINDOW);
    expect(host.of('ack').length).toBeGreaterThan(1);
  });

  it('say nothing after they were closed', async () => {
    const host = new Host();
    await settle();
    const heard: string[] = [];
    const handle = host.client.open('engine', undefined, {
      data: () => heard.push('data'),
      end: () => heard.push('end'),
    });
    const { id } = host.of('open')[0]!;
    handle.close();
    host.say({ type: 'data', id, data: {} });
    host.say({ type: 'end', id });
    expect(heard).toEqual([]);
    expect(host.of('close')).toHaveLength(1);
  });

  it('are opened again after a reconnect, with growing pauses between attempts', async () => {
    const host = new Host();
    await settle();
    const states: string[] = [];
    host.client.onState((state) => states.push(state));
    host.client.open('rows', { cluster: 'c', kind: 'pods' }, { data: () => {} });
    host.refuse = true;
    host.drop();
    await host.attempt();
    await host.attempt();
    host.refuse = false;
    await host.attempt();
    expect(host.delays).toEqual([250, 500, 1000]);
    expect(states).toEqual(['reconnecting', 'reconnecting', 'reconnecting', 'open']);
    expect(host.of('open').map((open) => open.stream)).toEqual(['rows', 'rows']);
  });

  it('ask their owner how to go on, or end', async () => {
    const host = new Host();
    await settle();
    const size = { columns: 80, rows: 24 };
    host.client.open(
      'terminal',
      { cluster: 'c', ...size },
      { data: () => {}, reopen: () => ({ cluster: 'c', session: 's1', ...size }) },
    );
    let ended: unknown;
    host.client.open(
      'exec',
      { cluster: 'c', namespace: 'n', pod: 'p', ...size },
      { data: () => {}, end: (error) => (ended = error), reopen: () => null },
    );
    host.drop();
    await host.attempt();
    const opens = host.of('open');
    expect(opens).toHaveLength(3);
    expect(opens[2]!.params).toMatchObject({ session: 's1' });
    expect(ended).toMatchObject({ code: 'unavailable' });
  });

  it('opened while the connection is away start as new', async () => {
    const host = new Host();
    await settle();
    host.drop();
    let asked = false;
    host.client.open(
      'exec',
      { cluster: 'c', namespace: 'n', pod: 'p', columns: 80, rows: 24 },
      {
        data: () => {},
        reopen: () => {
          asked = true;
          return null;
        },
      },
    );
    await host.attempt();
    expect(host.of('open')).toHaveLength(1);
    expect(asked).toBe(false);
  });
});
