import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shellEnvironment, writeKubectlShim } from '../../../src/main/terminal/environment';
import { apiClient, deleteCluster, startApp, type ApiClient, type RunningApp } from '../../support/app';
import { eventually } from '../../support/kubectl';
import { chapters } from './chapters';
import { elsewhere } from './elsewhere';
import type { Chapter } from './entry';
import { play, type Run } from './runner';

interface Release {
  suite: string;
  minor: number;
  /** Our own when there is none. */
  binary?: string;
}

/** What the script is run with: kubectl of Debian's oldest release, of its current one, the newest, and our own. */
const releases: Release[] = [
  ...[
    { suite: 'bookworm', minor: 20 },
    { suite: 'trixie', minor: 32 },
    { suite: 'sid', minor: 36 },
  ].map((release) => ({ ...release, binary: resolve('.cache', 'kubectl', release.suite, 'kubectl') })),
  { suite: 'bundled', minor: 36 },
];

let app: RunningApp;
let api: ApiClient;
let work: string;
const ran = new Map<string, number>();
const skipped: string[] = [];

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'gantry-commands-'));
  app = await startApp({ args: ['--runtime', 'docker', '--no-ui'] });
  api = await apiClient(app.kubeconfig);
  await eventually('the node is Ready', async () => {
    const { body } = await api.call('GET', '/api/v1/nodes');
    return JSON.stringify(body.items).includes('"KubeletReady"');
  });
});
afterAll(async () => {
  api?.close();
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(work, { recursive: true, force: true });
  process.stdout.write(
    [
      ...releases.map(({ suite, minor }) => `kubectl 1.${minor} (${suite}): ${ran.get(suite) ?? 0} command lines`),
      ...skipped.map((line) => `not run: ${line}`),
      ...Object.entries(elsewhere).map(([id, why]) => `not applicable: ${id}: ${why}`),
      '',
    ].join('\n'),
  );
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A folder with the chapter's files, a namespace, and the terminal's own environment with one kubectl in it. */
async function prepare({ suite, minor, binary }: Release, chapter: Chapter): Promise<Run> {
  const namespace = `cli-${chapter.name}-${suite}`;
  const home = join(work, suite, chapter.name);
  const [directory, bin] = [join(home, 'files'), join(home, 'bin')];
  await Promise.all([directory, bin].map((path) => mkdir(path, { recursive: true })));
  const kubeconfig = join(home, 'kubeconfig');
  const config = await readFile(app.kubeconfig, 'utf8');
  await writeFile(kubeconfig, config, { mode: 0o600 });
  for (const [name, text] of Object.entries(chapter.files ?? {})) await writeFile(join(directory, name), text);
  await api.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  const shimDirectory = await writeKubectlShim(join(home, 'terminal'), [
    process.execPath,
    resolve('out/main/cli.js'),
    'kubectl',
  ]);
  await symlink(binary ?? join(shimDirectory, 'kubectl'), join(bin, 'kubectl'));
  const env = shellEnvironment({
    env: { PATH: `${bin}:${process.env.PATH}`, HOME: home, LANG: 'C.UTF-8' },
    kubeconfig,
    shimDirectory,
  });
  const run: Run = { directory, env, minor, namespace, api };
  Object.assign(run.env, {
    PKI: join(app.dataDirectory, 'pki'),
    SERVER: app.api,
    PORT: String(await freePort()),
    BOX: `gantry-test-${suite}-${process.pid}`,
  });
  await play(run, { ids: [], line: `kubectl config set-context --current --namespace=${namespace}` });
  return run;
}

async function playChapter(release: Release, chapter: Chapter): Promise<void> {
  const run = await prepare(release, chapter);
  const failures: string[] = [];
  for (const entry of chapter.entries) {
    if (entry.before && release.minor >= entry.before) continue;
    if (entry.ours && !release.binary) {
      skipped.push(`${entry.line} with our own: ${entry.ours}`);
      continue;
    }
    if (entry.since && release.minor < entry.since[0]) {
      skipped.push(`${entry.line} with 1.${release.minor}: ${entry.since[1]}`);
      continue;
    }
    try {
      await play(run, entry);
      ran.set(release.suite, (ran.get(release.suite) ?? 0) + 1);
    } catch (error) {
      failures.push(`${entry.ids.join(' ')}: ${(error as Error).message}`);
    }
    // What follows may well be right where one line is not, but not where many are.
    if (failures.length >= 5) break;
  }
  expect(failures.join('\n'), failures.join('\n')).toBe('');
}

test('every command line of the checklist is in the script, or there is a reason why not', () => {
  const all = Array.from({ length: 123 }, (_, index) => `CLI-${String(index + 1).padStart(2, '0')}`);
  const scripted = new Set(chapters.flatMap(({ entries }) => entries.flatMap(({ ids }) => ids)));
  expect(all.filter((id) => !scripted.has(id) && !(id in elsewhere))).toEqual([]);
  expect(all.filter((id) => scripted.has(id) && id in elsewhere)).toEqual([]);
});

/** How long a chapter may take where many run at once and the machine has other work too, in ms. A line that hangs is ended long before. */
const timeout = 900_000;
const together = chapters.filter(({ alone }) => !alone);
const alone = chapters.filter((chapter) => chapter.alone);

describe.concurrent('side by side', () => {
  for (const chapter of together)
    for (const release of releases)
      test(
        `${chapter.name} with kubectl 1.${release.minor} (${release.suite})`,
        () => playChapter(release, chapter),
        timeout,
      );
});

describe('one after the other', () => {
  for (const chapter of alone)
    for (const release of releases)
      test(
        `${chapter.name} with kubectl 1.${release.minor} (${release.suite})`,
        () => playChapter(release, chapter),
        timeout,
      );
});
