// The real parts the tests run against: Docker Engine, a registry, kubectl old
// and new, Chromium. Installed where that is allowed; otherwise said, and failed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mirror, unpackDebianPackages } from './debian.mjs';
import { aptInstall, canInstall, has, quiet, root, say } from './run.mjs';

const dockerAnswers = () => {
  try {
    quiet('docker', ['version', '--format', '{{.Server.Version}}']);
    return true;
  } catch {
    return false;
  }
};

/** Removes the pid file of a killed daemon, whose number may be another process's by now. */
function forgetDead(file, name) {
  if (!existsSync(file)) return;
  const comm = `/proc/${readFileSync(file, 'utf8').trim()}/comm`;
  if (!existsSync(comm) || readFileSync(comm, 'utf8').trim() !== name) rmSync(file);
}

/** A Docker Engine that answers; started here when this is a machine of ours (root, Debian). */
export async function ensureDocker() {
  if (has('docker') && dockerAnswers()) return;
  if (!has('dockerd') || !has('iptables')) aptInstall(['docker.io', 'iptables'], 'the tests run real containers');
  if (!dockerAnswers()) {
    if (!canInstall()) throw new Error('no Docker Engine answers: please start Docker');
    say('starting the Docker Engine');
    forgetDead('/var/run/docker.pid', 'dockerd');
    forgetDead('/var/run/docker/containerd/containerd.pid', 'containerd');
    const log = openSync(join(tmpdir(), 'gantry-dockerd.log'), 'a');
    spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref();
    for (let tries = 0; !dockerAnswers(); tries++) {
      if (tries > 60) throw new Error(`the Docker Engine did not start: see ${join(tmpdir(), 'gantry-dockerd.log')}`);
      await sleep(500);
    }
  }
}

/** Tools of busybox that the test images have. */
const applets = [
  'sh',
  'ls',
  'cat',
  'echo',
  'sleep',
  'httpd',
  'wget',
  'nc',
  'env',
  'id',
  'hostname',
  'stty',
  'ps',
  'kill',
  'touch',
  'rm',
  'mkdir',
  'date',
  'true',
  'false',
  'grep',
  'head',
  'tail',
  'wc',
  'seq',
  'test',
  'printf',
  'trap',
  'df',
  'mount',
  'stat',
  'dd',
  'base64',
  'nslookup',
  'ip',
  'vi',
  'tr',
  'cut',
  'sed',
  'awk',
  'tar',
  'cp',
  'mv',
];

/** A label that says which applets an image was made with. */
const made = `gantry-test.applets=${createHash('sha256').update(applets.join()).digest('hex').slice(0, 12)}`;

/** The images that need not be made: those with these applets, and those that were pulled, which have them all. */
function presentImages() {
  const images = (...args) => quiet('docker', ['images', '--format', '{{.Repository}}:{{.Tag}} {{.Digest}}', ...args]);
  const pulled = images('--digests')
    .split('\n')
    .filter((line) => !line.endsWith('<none>'));
  return new Set([...images('--filter', `label=${made}`).split('\n'), ...pulled].map((line) => line.split(' ')[0]));
}

/** Small images made on the machine, since no registry can be reached: busybox:1 and a web server in versions v1 and v2. */
export function ensureImages() {
  const present = presentImages();
  const wanted = ['busybox:1', 'gantry-test/web:v1', 'gantry-test/web:v2'];
  if (wanted.every((image) => present.has(image))) return;
  if (!existsSync('/bin/busybox')) aptInstall(['busybox-static'], 'the test images are made of it');
  say('making the test images');
  const work = mkdtempSync(join(tmpdir(), 'gantry-image-'));
  try {
    for (const dir of ['bin', 'tmp', 'etc', 'www']) mkdirSync(join(work, dir));
    chmodSync(join(work, 'tmp'), 0o1777);
    cpSync('/bin/busybox', join(work, 'bin', 'busybox'));
    for (const applet of applets) symlinkSync('busybox', join(work, 'bin', applet));
    writeFileSync(join(work, 'etc', 'passwd'), 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
    writeFileSync(join(work, 'etc', 'group'), 'root:x:0:\nnogroup:x:65534:\n');
    const pack = () => quiet('tar', ['-C', work, '-cf', `${work}.tar`, '.']);
    const load = (name, changes) =>
      quiet('docker', [
        'import',
        ...['ENV PATH=/bin', `LABEL ${made}`, ...changes].flatMap((change) => ['--change', change]),
        `${work}.tar`,
        name,
      ]);
    pack();
    if (!present.has('busybox:1')) load('busybox:1', ['CMD ["sh"]']);
    for (const version of ['v1', 'v2']) {
      writeFileSync(join(work, 'www', 'index.html'), `gantry test web ${version}\n`);
      pack();
      load(`gantry-test/web:${version}`, [
        `ENV VERSION=${version}`,
        'EXPOSE 8080',
        'CMD ["httpd","-f","-v","-p","8080","-h","/www"]',
      ]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(`${work}.tar`, { force: true });
  }
}

/** What the node image is built from; made of Debian's packages where no registry can be reached. */
export function ensureBaseImage() {
  const image = 'debian:bookworm-slim';
  if (quiet('docker', ['images', '-q', image]).trim()) return;
  if (spawnSync('docker', ['pull', '-q', image], { timeout: 60_000, stdio: 'ignore' }).status === 0) return;
  if (!has('debootstrap')) aptInstall(['debootstrap'], `${image} is made with it, for no registry answers`);
  say(`making ${image}`);
  const work = mkdtempSync(join(tmpdir(), 'gantry-debian-'));
  try {
    quiet('debootstrap', ['--variant=minbase', 'bookworm', work, mirror()]);
    for (const dir of ['var/cache/apt/archives', 'var/lib/apt/lists'])
      rmSync(join(work, dir), { recursive: true, force: true });
    quiet('sh', ['-c', `tar -C "${work}" -c . | docker import --change 'CMD ["bash"]' - ${image}`]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Debian's registry server, started by the tests that need one. */
export function ensureRegistry() {
  if (!existsSync('/usr/bin/docker-registry'))
    aptInstall(['docker-registry'], 'image pulls are tested against a real registry');
}

/** Debian's releases with a kubectl, oldest first, and the package it is in: 1.20, 1.32, 1.36. */
const kubectlPackages = { bookworm: 'kubernetes-client', trixie: 'kubectl', sid: 'kubectl' };

/** Real kubectl binaries under .cache/kubectl/SUITE/kubectl. */
export function ensureKubectl() {
  for (const [suite, packageName] of Object.entries(kubectlPackages)) {
    const target = join(root, '.cache', 'kubectl', suite);
    if (existsSync(join(target, 'kubectl'))) continue;
    say(`fetching kubectl (Debian ${suite})`);
    const work = mkdtempSync(join(tmpdir(), 'gantry-kubectl-'));
    try {
      unpackDebianPackages(suite, [packageName], work);
      mkdirSync(target, { recursive: true });
      cpSync(join(work, 'usr', 'bin', 'kubectl'), join(target, 'kubectl'));
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}

/** One example of every kind as JSON, YAML and protobuf, from the Go packages of the API: .cache/api-examples/*. */
export function ensureApiExamples() {
  const target = join(root, '.cache', 'api-examples');
  if (existsSync(target)) return;
  say('fetching examples of the API (Debian sid)');
  const work = mkdtempSync(join(tmpdir(), 'gantry-api-'));
  try {
    unpackDebianPackages('sid', ['golang-k8s-api-dev'], work);
    cpSync(join(work, 'usr', 'share', 'gocode', 'src', 'k8s.io', 'api', 'testdata', 'HEAD'), target, {
      recursive: true,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A real browser for the end-to-end tests. */
export function ensureChromium() {
  if (!process.env.GANTRY_CHROMIUM && !existsSync('/usr/bin/chromium'))
    aptInstall(['chromium'], 'the window is tested in a real browser');
}

/** Kubernetes' client for Python: a client that shares nothing with kubectl's or ours. */
export function ensurePythonClient() {
  if (spawnSync('/usr/bin/python3', ['-c', 'import kubernetes'], { stdio: 'ignore' }).status !== 0)
    aptInstall(['python3-kubernetes'], 'the API is driven by a client of its own kind');
}
