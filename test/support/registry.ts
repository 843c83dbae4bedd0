import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real image registry on loopback, for pulls and for what it says when an image is missing. */
export interface Registry {
  /** `127.0.0.1:PORT` */
  host: string;
  /** Tags a local image for this registry, pushes it and forgets the tag, so that using it means pulling it. */
  push(local: string, remote: string): void;
  stop(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Starts Debian's registry server on a free port with an empty store. */
export async function startRegistry(): Promise<Registry> {
  const binary = '/usr/bin/docker-registry';
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run the tests with npm test, which installs it`);
  const directory = await mkdtemp(join(tmpdir(), 'gantry-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(directory, 'config.yml');
  await writeFile(
    config,
    JSON.stringify({
      version: '0.1',
      storage: { filesystem: { rootdirectory: join(directory, 'data') } },
      http: { addr: host },
      log: { level: 'error' },
    }),
  );
  const child = spawn(binary, ['serve', config], { stdio: 'ignore' });
  const images: string[] = [];
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`http://${host}/v2/`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    if (tries > 100) throw new Error('the registry did not start');
    await new Promise((tick) => setTimeout(tick, 100));
  }
  const docker = (...args: string[]) => execFileSync('docker', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    host,
    push(local, remote) {
      const name = `${host}/${remote}`;
      docker('tag', local, name);
      docker('push', '-q', name);
      docker('rmi', name);
      images.push(name);
    },
    async stop() {
      const exit = new Promise((exited) => child.once('exit', exited));
      child.kill();
      await exit;
      for (const name of images) {
        try {
          docker('rmi', '-f', name);
        } catch {
          // never pulled
        }
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}
