import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AggregationBed, apiServices, hats } from '../../../../../test/support/aggregation-bed';
import { silentLogger } from '../../log';
import { listenHttps, type HttpsListener } from '../https';
import { callerOf } from './testing';

const bed = new AggregationBed();

describe('over HTTPS', () => {
  let listener: HttpsListener;
  beforeEach(async () => {
    listener = await listenHttps({ server: bed.server.server, pki: bed.pki, port: 0, log: silentLogger });
  });
  afterEach(() => listener.close());

  const open = (path: string, { method = 'GET', headers = {}, body = '' } = {}) => {
    const { port } = listener;
    const options = { port, host: '127.0.0.1', path, method, headers, ca: bed.pki.caPem, ...bed.pki.admin };
    const outgoing = request(options);
    outgoing.end(body);
    return outgoing;
  };
  const ask = (path: string, options?: Parameters<typeof open>[1]) =>
    new Promise<{ answer: IncomingMessage; body: string }>((resolve, reject) => {
      open(path, options)
        .on('error', reject)
        .on('response', (answer) => text(answer).then((body) => resolve({ answer, body }), reject));
    });

  it('passes bodies through, and no name that a client claims', async () => {
    await bed.register();
    const seen: IncomingMessage[] = [];
    const callers: (string | undefined)[] = [];
    bed.extension.answer = (incoming, response) => {
      seen.push(incoming);
      callers.push(callerOf(incoming));
      void text(incoming).then((body) => response.writeHead(201, { 'X-Own': 'yes' }).end(`got ${body}`));
    };
    const { answer, body } = await ask(hats, {
      method: 'POST',
      headers: {
        'X-Remote-User': 'root',
        'X-Remote-Group': 'system:masters',
        'X-Remote-Extra-Scopes': 'all',
        X_Remote_User: 'root',
        'Content-Type': 'application/hat',
        Connection: 'X-Remote-User, close',
      },
      body: 'a hat',
    });
    expect([answer.statusCode, answer.headers['x-own'], body]).toEqual([201, 'yes', 'got a hat']);
    const { headers } = seen[0]!;
    expect(Object.entries(headers).filter(([name]) => /remote/.test(name))).toEqual([
      ['x-remote-user', 'kubernetes-admin'],
      ['x-remote-group', 'system:masters, system:authenticated'],
    ]);
    expect(headers['content-type']).toBe('application/hat');
    expect(callers).toEqual(['front-proxy-client']);
  });

  it('upgrades connections, as the user who asks', async () => {
    await bed.register();
    bed.extension.upgrade = (incoming, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hat\r\n\r\n');
      socket.write(`${incoming.headers['x-remote-user']}:`);
      socket.pipe(socket);
    };
    const headers = { Connection: 'Upgrade', Upgrade: 'hat', 'X-Remote-User': 'root' };
    const said = await new Promise<string>((resolve, reject) => {
      open(`${hats}/bowler/brim`, { headers })
        .on('error', reject)
        .on('upgrade', (_answer, socket, head: Buffer) => {
          let heard = head.toString();
          socket.on('data', (chunk: Buffer) => {
            heard += chunk.toString();
            if (heard.endsWith('hello')) {
              socket.destroy();
              resolve(heard);
            }
          });
          socket.write('hello');
        });
    });
    expect(said).toBe('kubernetes-admin:hello');
  });

  it('lets the server go when the client is gone', async () => {
    await bed.register();
    let left!: () => void;
    const gone = new Promise<void>((resolve) => (left = resolve));
    bed.extension.answer = (incoming, response) => {
      response.once('close', left);
      incoming.socket.unref();
      outgoing.destroy();
    };
    const outgoing = open(hats);
    outgoing.on('error', () => {});
    await gone;
  });

  it('answers with a Status what is not passed on', async () => {
    await bed.send('POST', apiServices, { body: bed.extension.api() });
    await bed.until(/^False/);
    const { answer, body } = await ask(hats, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(answer.statusCode).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable' });
  });
});
