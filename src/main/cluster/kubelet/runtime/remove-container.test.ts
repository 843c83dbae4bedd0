import Docker from 'dockerode';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeContainer } from './remove-container';

/** Plays an engine with one container. */
let engine: Server;
let docker: Docker;
let asked: string[];
let removal: [status: number, message?: string];
/** Answers who waits for the end of a removal. */
let wait: (response: ServerResponse) => void;

const inProgress = 'removal of container c is already in progress';
const answer = (response: ServerResponse, status: number, body: object) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

beforeEach(async () => {
  asked = [];
  removal = [204];
  wait = (response) => answer(response, 200, { StatusCode: 0 });
  engine = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    if (method === 'POST') return wait(response);
    const [status, message] = removal;
    if (message) answer(response, status, { message });
    else response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => void engine.listen(0, '127.0.0.1', resolve));
  docker = new Docker({ protocol: 'http', host: '127.0.0.1', port: (engine.address() as AddressInfo).port });
});
afterEach(() => {
  engine.closeAllConnections();
  return new Promise<void>((resolve) => void engine.close(() => resolve()));
});

it.each([
  ['is there', [204]],
  ['is gone', [404, 'No such container: c']],
])('removes a container that %s', async (_what, how) => {
  removal = how as typeof removal;
  await removeContainer(docker, 'c');
  expect(asked).toEqual(['DELETE /containers/c?force=true&v=true']);
});

it('waits for the removal of somebody else', async () => {
  removal = [409, inProgress];
  await removeContainer(docker, 'c');
  expect(asked[1]).toBe('POST /containers/c/wait?condition=removed');
  wait = (response) => answer(response, 404, { message: 'No such container: c' });
  await removeContainer(docker, 'c');
});

it('does not wait for ever for one that failed', async () => {
  removal = [409, inProgress];
  wait = () => {};
  await expect(removeContainer(docker, 'c', 50)).rejects.toThrow(inProgress);
});

it("passes on the engine's words", async () => {
  removal = [500, 'device or resource busy'];
  await expect(removeContainer(docker, 'c')).rejects.toThrow('device or resource busy');
});
