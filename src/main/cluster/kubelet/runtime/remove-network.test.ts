import Docker from 'dockerode';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeNetwork } from './remove-network';

/** Plays an engine with one network. */
let engine: Server;
let docker: Docker;
/** What the engine believes is connected, by container id; a name for what can be disconnected. */
let endpoints: Record<string, { Name: string }>;
/** Containers that are there, with their labels. */
let containers: Record<string, Record<string, string>>;
let stubborn: boolean;
let removed: boolean;

function answer(method: string, url: string, body: string): [number, unknown] {
  const active = { message: 'error while removing network: network gantry-1 id 1 has active endpoints' };
  if (url === '/networks/net' && method === 'DELETE') {
    if (removed) return [404, { message: 'network net not found' }];
    if (Object.keys(endpoints).length > 0) return [403, active];
    removed = true;
    return [204, undefined];
  }
  if (url === '/networks/net') return [200, { Name: 'gantry-1', Containers: endpoints }];
  if (url === '/networks/net/disconnect') {
    const { Container, Force } = JSON.parse(body) as { Container: string; Force: boolean };
    const id = Object.keys(endpoints).find((one) => endpoints[one]!.Name === Container);
    if (!id || !Force) return [404, { message: `No such container: ${Container}` }];
    if (!stubborn) delete endpoints[id];
    return [200, undefined];
  }
  const labels = containers[/^\/containers\/(.*)\/json$/.exec(url)?.[1] ?? ''];
  return labels ? [200, { Config: { Labels: labels } }] : [404, { message: 'No such container' }];
}

beforeEach(async () => {
  endpoints = {};
  containers = {};
  stubborn = false;
  removed = false;
  engine = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const [status, value] = answer(request.method!, request.url!, body);
      response.writeHead(status, { 'content-type': 'application/json' }).end(value ? JSON.stringify(value) : undefined);
    });
  });
  await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve));
  docker = new Docker({ host: '127.0.0.1', port: (engine.address() as AddressInfo).port });
});
afterEach(() => {
  engine.closeAllConnections();
  engine.close();
});

it('removes a network, and is content with one that is gone', async () => {
  await removeNetwork(docker, 'net');
  expect(removed).toBe(true);
  await removeNetwork(docker, 'net');
});

it('disconnects by force what is left of containers that are gone, and of our own', async () => {
  endpoints = { 'ep-1': { Name: 'gone' }, two: { Name: 'ours' } };
  containers = { two: { 'gantry.dev/cluster': '12345678' } };
  await removeNetwork(docker, 'net');
  expect(removed).toBe(true);
});

it('keeps its hands off the containers of others and names them', async () => {
  endpoints = { 'ep-1': { Name: 'gone' }, two: { Name: 'database' } };
  containers = { two: { app: 'x' } };
  await expect(removeNetwork(docker, 'net')).rejects.toThrow(
    'the network gantry-1 is in use by containers that are not of this cluster: database. Disconnect them (docker network disconnect gantry-1 database) and try again.',
  );
  expect(Object.keys(endpoints)).toEqual(['two']);
});

it('says what helps when the engine does not forget', async () => {
  stubborn = true;
  endpoints = { 'ep-1': { Name: 'gone' } };
  await expect(removeNetwork(docker, 'net')).rejects.toThrow(/gantry-1.*Restart the engine and try again\./);
});
