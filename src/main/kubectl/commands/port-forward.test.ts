import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { podBody } from '../../cluster/apiserver/testing';
import { createTestKubectl } from '../testing';

const pods = '/api/v1/namespaces/default/pods';
let test: Awaited<ReturnType<typeof createTestKubectl>>;

beforeAll(async () => {
  test = await createTestKubectl();
  test.nodes.register('n1', {
    logs: async () => Promise.reject(new Error('no logs')),
    run: async () => Promise.reject(new Error('nothing runs')),
    async portForward(_namespace, pod, port) {
      if (port === 81) throw new Error('connection refused');
      let heard = '';
      // Answers once it has heard the end.
      const duplex: Duplex = new Duplex({
        read: () => {},
        write(chunk: Buffer, _encoding, done) {
          heard += chunk.toString();
          done();
        },
        final(done) {
          duplex.push(`${pod}:${port} heard ${heard}`);
          duplex.push(null);
          done();
        },
      });
      return duplex;
    },
  });
  const containers = [{ name: 'main', image: 'busybox', ports: [{ name: 'http', containerPort: 8080 }] }];
  for (const name of ['p', 'pending']) {
    const body = podBody(name, { nodeName: 'n1', containers });
    await test.send('POST', pods, { body: { ...body, metadata: { name, labels: { app: name } } } });
  }
  const running = { ...(await test.send('GET', `${pods}/p`)).body, status: { phase: 'Running' } };
  await test.send('PUT', `${pods}/p/status`, { body: running });
  await test.send('POST', '/api/v1/namespaces/default/services', {
    body: { metadata: { name: 's' }, spec: { selector: { app: 'p' }, ports: [{ port: 80, targetPort: 'http' }] } },
  });
});

/** Runs the command while `use` does something with the local port. */
async function forwarding(line: string, use: (port: number) => Promise<void>) {
  const stop = new AbortController();
  const ran = test.start(line.split(' '), { signal: stop.signal });
  const port = await expect
    .poll(() => Number(/127\.0\.0\.1:(\d+) ->/.exec(ran.out())?.[1]))
    .toBeGreaterThan(0)
    .then(() => Number(/127\.0\.0\.1:(\d+) ->/.exec(ran.out())![1]));
  await use(port);
  stop.abort();
  await ran.done;
  return ran;
}

async function say(port: number, words: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(words);
  return text(socket);
}

describe('port-forward', () => {
  it.each([
    ['pod/p :80', 'p:80 heard hello'],
    ['p :http', 'p:8080 heard hello'],
    ['service/s :80', 'p:8080 heard hello'],
  ])('joins a local port and %s, each half by itself', async (target, answer) => {
    const ran = await forwarding(`port-forward --address 127.0.0.1 ${target}`, async (port) => {
      expect(await Promise.all([say(port, 'hello'), say(port, 'hello')])).toEqual([answer, answer]);
    });
    expect(ran.out()).toMatch(/^Forwarding from 127\.0\.0\.1:\d+ -> \d+\n(Handling connection for \d+\n){2}$/);
  });

  it('says why a port cannot be reached', async () => {
    const ran = await forwarding('port-forward --address 127.0.0.1 p :81', async (port) => {
      expect(await say(port, 'hello')).toBe('');
    });
    expect(ran.err()).toMatch(/an error occurred forwarding \d+ -> 81: connection refused/);
  });

  it('ends with connections open', async () => {
    await forwarding('port-forward --address 127.0.0.1 p :80', async (port) => {
      const socket = connect(port, '127.0.0.1');
      await new Promise((done) => socket.once('connect', done));
      socket.on('error', () => {});
    });
  });

  it('refuses what cannot be forwarded', async () => {
    expect(await test.kubectl('port-forward pending :80')).toMatchObject({
      code: 1,
      err: expect.stringContaining('pod is not running. Current status=Pending'),
    });
    expect((await test.kubectl('port-forward p :nope')).err).toContain("does not have a named port 'nope'");
    expect((await test.kubectl('port-forward s :80')).err).toContain('pods "s" not found');
  });
});
