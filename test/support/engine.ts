import Docker from 'dockerode';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { docker } from './docker';

/** A Docker Engine that a test may stop, without harm to what else runs on this machine. */
export interface OwnEngine {
  docker: Docker;
  /** `unix:///…`, for `--docker-host`. */
  host: string;
  /** Ends the engine and all its containers with it, as `systemctl restart docker` does, and starts it again. */
  restart(): Promise<void>;
  /** Makes it hang: it takes connections and answers nothing, while its containers go on. */
  freeze(): void;
  /** Lets it go on where it was. */
  thaw(): void;
  /**
   * Lets a paused container go on past the engine, which waits for ever where a command was about to begin in the
   * container as it was paused. The engine still calls it paused until it is started anew.
   */
  release(id: string): void;
  /** Ends it and removes all it kept. */
  stop(): Promise<void>;
}

/**
 * Where engines take their networks from by themselves. It is not given addresses of its own, because an engine with
 * `--default-address-pool` deletes `docker0` when it starts again, whoever that belongs to.
 */
const addresses = '172.16.0.0/12';
/** Outside of it, so that no network of the engine meets it. */
const bridgeAddress = '10.214.0.1/24';
const startMs = 60_000;

/** Why no engine of a test's own can run here; undefined where it can. */
export function ownEngineFault(): string | undefined {
  if (process.platform !== 'linux') return 'an engine of its own runs on Linux only';
  if (process.getuid?.() !== 0) return 'an engine of its own needs root';
  if (!['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'].some((path) => existsSync(path)))
    return 'ip (iproute2) is not installed';
  if (!['/usr/bin/dockerd', '/usr/sbin/dockerd', '/usr/local/bin/dockerd'].some((path) => existsSync(path)))
    return 'dockerd is not installed';
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return 'no mount namespace can be made with unshare';
  return undefined;
}

/**
 * Where bridges are filtered, the host's firewall would drop what pods say to each other: the engine that
 * looks after it knows nothing of this one.
 */
function firewall(): { open(): void; close(): void } {
  const setting = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  const filtered = existsSync(setting) && readFileSync(setting, 'utf8').trim() === '1';
  const rules = ['-s', '-d'].map((direction) => ['FORWARD', direction, addresses, '-j', 'ACCEPT']);
  const iptables = (action: string) => {
    if (!filtered) return;
    for (const rule of rules) execFileSync('iptables', ['-w', action, ...rule], { stdio: 'ignore' });
  };
  return {
    open: () => iptables('-I'),
    close() {
      try {
        iptables('-D');
      } catch {
        // They were not there.
      }
    },
  };
}

/**
 * The engine's default bridge. With `--bridge none` it would delete `docker0`, whoever that belongs to: it is given
 * one of its own.
 */
function ownBridge(): { name: string; open(): void; close(): void } {
  const name = `gantryt${process.pid}`;
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'ignore' });
  return {
    name,
    open() {
      ip('link', 'add', 'name', name, 'type', 'bridge');
      ip('address', 'add', bridgeAddress, 'dev', name);
      ip('link', 'set', name, 'up');
    },
    close() {
      try {
        ip('link', 'delete', name);
      } catch {
        // It was not there.
      }
    },
  };
}

/** Starts an engine beside the machine's own: other directories, another socket, other addresses. */
export async function startOwnEngine(): Promise<OwnEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-engine-'));
  const socket = join(directory, 'docker.sock');
  const host = `unix://${socket}`;
  const own = new Docker({ socketPath: socket });
  const logFile = join(directory, 'log');
  const log = openSync(logFile, 'a');
  const rules = firewall();
  const bridge = ownBridge();
  let daemon: ChildProcess | undefined;

  async function start(): Promise<void> {
    const child = spawn(
      'unshare',
      [
        // What it has mounted is gone with it: an engine that is stopped half-way leaves mounts that keep the next one
        // from removing containers.
        ['--mount', 'dockerd'],
        ['--data-root', join(directory, 'data')],
        ['--exec-root', join(directory, 'exec')],
        ['--pidfile', join(directory, 'pid')],
        ['--host', host],
        ['--bridge', bridge.name],
        ['--iptables=false', '--ip-masq=false'],
      ].flat(),
      { stdio: ['ignore', log, log] },
    );
    daemon = child;
    for (const until = Date.now() + startMs; ;) {
      if (
        await own.ping().then(
          () => true,
          () => false,
        )
      )
        return;
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`the test's own Docker Engine did not start:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
      await sleep(100);
    }
  }

  async function end(): Promise<void> {
    const child = daemon;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    // A frozen one would not hear it.
    child.kill('SIGCONT');
    await exit;
  }

  /** An engine that takes too long to end its containers leaves them, and what they have mounted. */
  function clear(): void {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      let command = '';
      try {
        command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (command.includes(directory) && command.includes('containerd-shim')) {
          const tasks = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
          for (const one of [pid, ...tasks]) process.kill(Number(one), 'SIGKILL');
        }
      } catch {
        // It has ended meanwhile.
      }
    }
    const mounted = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(`${directory}/`));
    for (const path of mounted.toReversed()) spawnSync('umount', ['-l', path], { stdio: 'ignore' });
  }

  const stop = async (): Promise<void> => {
    await end();
    clear();
    rules.close();
    bridge.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    rules.open();
    bridge.open();
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    docker: own,
    host,
    stop,
    release(id) {
      const group = '/sys/fs/cgroup';
      const files = [
        [`${group}/freezer/docker/${id}/freezer.state`, 'THAWED'],
        [`${group}/docker/${id}/cgroup.freeze`, '0'],
        [`${group}/system.slice/docker-${id}.scope/cgroup.freeze`, '0'],
      ] as const;
      for (const [file, word] of files) if (existsSync(file)) writeFileSync(file, word);
    },
    freeze: () => void daemon?.kill('SIGSTOP'),
    thaw: () => void daemon?.kill('SIGCONT'),
    async restart() {
      await end();
      await start();
    },
  };
}

/** Gives an engine images of the machine's engine. */
export async function copyImages(target: Docker, names: string[]): Promise<void> {
  for (const name of names) {
    const image = await docker.getImage(name).get();
    const answer = (await target.loadImage(image as never, { quiet: true } as never)) as unknown as Readable;
    for await (const _ of answer);
  }
}
