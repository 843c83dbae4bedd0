import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '@shared/k8s';
import { AggregationBed, apiServices, failureOf, hats } from '../../../../../test/support/aggregation-bed';
import { callerOf, discovery, group, json, version } from './testing';

const bed = new AggregationBed();

describe('a request to another server', () => {
  it('comes with the name of who asks, vouched for by the certificate of the API server', async () => {
    await bed.register();
    const seen: IncomingMessage[] = [];
    const callers: (string | undefined)[] = [];
    bed.extension.answer = (incoming, response) => {
      seen.push(incoming);
      callers.push(callerOf(incoming));
      json(response, { kind: 'HatList', items: [] });
    };
    const user = {
      name: 'zoë',
      groups: ['devs', 'system:authenticated'],
      uid: 'u-1',
      extra: { 'example.com/scopes': ['a', 'b'] },
    };
    await bed.transport(user).request({ method: 'GET', path: hats, query: { labelSelector: 'a=b,c!=d' } });
    const [incoming] = seen;
    expect(callers).toEqual(['front-proxy-client']);
    const headers = incoming!.headersDistinct;
    expect(Buffer.from(headers['x-remote-user']![0]!, 'latin1').toString()).toBe('zoë');
    expect(headers['x-remote-group']).toEqual(['devs', 'system:authenticated']);
    expect(headers['x-remote-uid']).toEqual(['u-1']);
    expect(headers['x-remote-extra-example.com%2fscopes']).toEqual(['a', 'b']);
    expect(incoming!.headers.host).toBe('hats.default.svc');
    expect(incoming!.url).toBe(`${hats}?labelSelector=a%3Db%2Cc%21%3Dd`);
  });

  it('is not made for somebody whose name could be more than a name', async () => {
    await bed.register();
    const user = { name: 'jane\r\nX-Remote-Group: system:masters', groups: [] };
    expect(await failureOf(bed.transport(user).request({ method: 'GET', path: hats }))).toMatch(
      /^500 InternalError: .* cannot be told to an aggregated API$/,
    );
  });

  it('needs the right to make it', async () => {
    await bed.register();
    let asked = 0;
    bed.extension.answer = (_request, response) => (asked++, json(response, discovery));
    bed.denied = ({ verb, group: of, resource, subresource, namespace, name }) =>
      `${verb} ${of} ${resource}/${subresource} ${namespace}/${name}` === `get ${group} pods/hits default/*`;
    expect(
      await failureOf(
        bed.transport().request({ method: 'GET', path: `/apis/${version}/namespaces/default/pods/*/hits` }),
      ),
    ).toBe(
      `403 Forbidden: pods.${group} "*" is forbidden: User "tester" cannot get resource "pods/hits" in API group "${group}" in the namespace "default"`,
    );
    bed.denied = ({ path }) => path === `/apis/${version}`;
    expect(await failureOf(bed.transport().request({ method: 'GET', path: `/apis/${version}` }))).toMatch(
      /^403 Forbidden/,
    );
    expect(asked).toBe(0);
  });

  it('asks for what was authorized: no path means something else to the server', async () => {
    await bed.register();
    for (const path of [
      `/apis/${version}/namespaces/default/../kube-system/hats`,
      `/apis/${version}/namespaces/default/%2e%2e/hats`,
      `/apis/${version}/namespaces/a%2fb/hats`,
      `/apis/${version}/namespaces/a%5cb/hats`,
      `/apis/${version}/namespaces/a/hats/%zz`,
    ]) {
      expect(await failureOf(bed.send('GET', path))).toMatch(/^400 BadRequest: invalid path segment/);
    }
  });

  it('is refused while the server is not available', async () => {
    await bed.send('POST', apiServices, { body: bed.extension.api() });
    await bed.until(/^False/);
    expect(await failureOf(bed.send('GET', hats))).toBe(
      '503 ServiceUnavailable: the server is currently unable to handle the request',
    );
  });

  it('ends when the server hangs, breaks off, redirects or cannot be reached', async () => {
    await bed.register();
    const get = () => failureOf(bed.transport().request({ method: 'GET', path: hats }));
    bed.extension.answer = (incoming) => incoming.socket.destroy();
    expect(await get()).toMatch(/^503 ServiceUnavailable: error trying to reach service: /);
    bed.extension.answer = (incoming, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"kind":');
      setImmediate(() => incoming.socket.destroy());
    };
    expect(await get()).toMatch(/^503 ServiceUnavailable: the connection broke: /);
    bed.extension.answer = (_request, response) =>
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{no');
    expect(await get()).toBe('502 InternalError: the server answered with JSON that cannot be read');
    bed.extension.answer = (_request, response) => response.writeHead(302, { Location: 'https://elsewhere/' }).end();
    expect(await get()).toBe(
      '502 InternalError: the backend attempted to redirect this request, which is not permitted',
    );
    bed.extension.answer = (_request, response) =>
      json(response, { kind: 'Status', message: 'no hats today', reason: 'Sorry', code: 418 }, 418);
    expect(await get()).toBe('418 Sorry: no hats today');
    bed.extension.refuse = new Error('nobody there');
    expect(await get()).toBe('503 ServiceUnavailable: error trying to reach service: nobody there');
    bed.extension.refuse = undefined;
    let arrived!: () => void;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    bed.extension.answer = () => arrived();
    const hanging = get();
    await arrival;
    await bed.clock.advance(60_000);
    expect(await hanging).toBe('504 Timeout: Timeout: request did not complete within the allotted timeout');
  });

  it('ends with the API server', async () => {
    await bed.register();
    const ends: Promise<string>[] = [];
    await new Promise<void>((resolve) => {
      bed.extension.answer = () => resolve();
      ends.push(failureOf(bed.transport().request({ method: 'GET', path: hats })));
    });
    bed.server.server.context.aggregation!.close();
    ends.push(failureOf(bed.transport().watch({ method: 'GET', path: hats })));
    expect(await Promise.all(ends)).toEqual([
      '503 ServiceUnavailable: error trying to reach service: the server is shutting down',
      '503 ServiceUnavailable: error trying to reach service: the server is shutting down',
    ]);
  });

  it('watches as long as it likes', async () => {
    await bed.register();
    let write!: (line: string) => void;
    let over!: Promise<void>;
    bed.extension.answer = (incoming, response) => {
      expect(incoming.url).toBe(`${hats}?watch=true`);
      response.writeHead(200, { 'Content-Type': 'application/json' });
      write = (line) => response.write(line);
      over = new Promise((resolve) => response.once('close', () => resolve()));
      write('{"type":"ADDED","object":{"metadata":{"name":"bowler"}}}\n');
    };
    const watch = await bed.transport().watch<KubeObject>({ method: 'GET', path: hats });
    const events = watch[Symbol.asyncIterator]();
    expect((await events.next()).value.object.metadata.name).toBe('bowler');
    await bed.clock.advance(120_000);
    write('{"type":"DELETED","object":{"metadata":{"name":"bowler"}}}\n');
    expect((await events.next()).value.type).toBe('DELETED');
    watch.close();
    await over;
  });
});
