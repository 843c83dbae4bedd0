import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findDockerEndpoint } from './docker-host';
import { containerOf, sandboxOptions, statsOf } from './docker-specs';
import { demultiplex, mergeFrames } from './docker-streams';
import { pauseProgram } from './pause-image';
import { behaviourOf, defaultBehaviour } from './simulated-behaviour';

describe('pauseProgram', () => {
  it.each([
    ['amd64', 62, '0f05'],
    ['arm64', 183, '010000d4'],
  ])('is a small static executable for %s', (architecture, machine, syscall) => {
    const program = pauseProgram(architecture);
    expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(program.readUInt16LE(16)).toBe(2);
    expect(program.readUInt16LE(18)).toBe(machine);
    const address = Number(program.readBigUInt64LE(64 + 16));
    const entry = Number(program.readBigUInt64LE(24));
    expect(entry - address).toBe(120);
    expect(Number(program.readBigUInt64LE(64 + 32))).toBe(program.length);
    expect(program.length).toBeLessThan(300);
    expect(program.toString('hex').split(syscall)).toHaveLength(5);
    // The set of signals it waits for: 2 (INT) and 15 (TERM).
    expect(program.readBigUInt64LE(program.length - 8)).toBe((1n << 1n) | (1n << 14n));
  });

  it('refuses other machines', () => {
    expect(() => pauseProgram('riscv64')).toThrow('riscv64');
  });
});

describe('findDockerEndpoint', () => {
  const none = {
    env: {},
    home: '/home/me',
    platform: 'linux' as const,
    uid: 1000,
    exists: () => false,
    read: () => undefined,
  };
  const url = (more: object, explicit?: string): string => findDockerEndpoint(explicit, { ...none, ...more }).url;

  it('takes what is named before what is found', () => {
    const env = { DOCKER_HOST: 'tcp://engine:2375' };
    expect(url({ env }, 'unix:///x.sock')).toBe('unix:///x.sock');
    expect(findDockerEndpoint(undefined, { ...none, env })).toMatchObject({
      local: false,
      options: { host: 'engine', port: 2375, protocol: 'http' },
    });
  });

  it("follows the docker command's context", () => {
    const read = (path: string): string | undefined => {
      if (path === '/home/me/.docker/config.json') return '{"currentContext":"colima"}';
      return path.endsWith('/meta.json') ? '{"Endpoints":{"docker":{"Host":"unix:///colima.sock"}}}' : undefined;
    };
    expect(url({ read })).toBe('unix:///colima.sock');
    expect(url({ read, env: { DOCKER_CONTEXT: 'default' } })).toBe('unix:///var/run/docker.sock');
  });

  it('looks where engines usually listen', () => {
    expect(url({})).toBe('unix:///var/run/docker.sock');
    expect(url({ exists: (path: string) => path === '/home/me/.docker/run/docker.sock' })).toBe(
      'unix:///home/me/.docker/run/docker.sock',
    );
    expect(url({ exists: (path: string) => path === '/run/user/1000/docker.sock' })).toBe(
      'unix:///run/user/1000/docker.sock',
    );
    expect(url({ platform: 'win32' })).toBe('npipe:////./pipe/docker_engine');
  });

  it('reads certificates for TLS', () => {
    const read = (path: string): string => `pem of ${path}`;
    const { options } = findDockerEndpoint('tcp://engine:2376', { ...none, env: { DOCKER_CERT_PATH: '/certs' }, read });
    expect(options).toMatchObject({ protocol: 'https', port: 2376, ca: 'pem of /certs/ca.pem' });
  });

  it('says what it cannot use', () => {
    expect(() => url({}, 'ssh://host')).toThrow('forward the socket');
    expect(() => url({}, 'ftp://host')).toThrow('not a Docker host');
  });
});

describe('streams', () => {
  const frame = (stream: number, text: string): Buffer => {
    const header = Buffer.alloc(8);
    header[0] = stream;
    header.writeUInt32BE(text.length, 4);
    return Buffer.concat([header, Buffer.from(text)]);
  };
  const bytes = Buffer.concat([frame(1, 'out1'), frame(2, 'err'), frame(1, ''), frame(1, 'out2')]);
  const text = async (stream: AsyncIterable<Buffer>): Promise<string> => {
    let all = '';
    for await (const chunk of stream) all += chunk.toString();
    return all;
  };

  it.each([1, 3, 7, 8, 100])('are taken apart whatever the size of pieces (%i)', async (size) => {
    const source = new PassThrough();
    const { stdout, stderr } = demultiplex(source);
    const merged = source.pipe(mergeFrames());
    for (let at = 0; at < bytes.length; at += size) source.write(bytes.subarray(at, at + size));
    source.end();
    expect(await Promise.all([text(stdout), text(stderr), text(merged)])).toEqual(['out1out2', 'err', 'out1errout2']);
  });
});

describe('docker-specs', () => {
  const spec = {
    name: 'n',
    labels: {},
    hostname: 'h',
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    ports: [
      { containerPort: 80, hostPort: 8080, protocol: 'TCP' },
      { containerPort: 80, hostPort: 8081, hostIp: '127.0.0.1', protocol: 'TCP' },
    ],
    hostAliases: [],
    mounts: [],
  };

  it('publishes host ports on the sandbox, all of one container port', () => {
    expect(sandboxOptions(spec, 'pause', 'net')).toMatchObject({
      Hostname: 'h',
      ExposedPorts: { '80/tcp': {} },
      HostConfig: {
        IpcMode: 'shareable',
        PortBindings: {
          '80/tcp': [
            { HostIp: '', HostPort: '8080' },
            { HostIp: '127.0.0.1', HostPort: '8081' },
          ],
        },
      },
    });
    expect(sandboxOptions({ ...spec, hostNetwork: true }, 'pause', 'net').HostConfig).toMatchObject({
      NetworkMode: 'host',
      PortBindings: {},
    });
  });

  it('says of volumes whose they are, for engines that make a missing one', () => {
    const mount = { type: 'volume', source: 'v', containerPath: '/v', readOnly: false } as const;
    const { HostConfig } = sandboxOptions({ ...spec, labels: { whose: 'a pod' }, mounts: [mount] }, 'pause', 'net');
    expect(HostConfig!.Mounts).toMatchObject([{ VolumeOptions: { Labels: { whose: 'a pod' } } }]);
  });

  it('takes a container that could not be started for one that ended', () => {
    const info = {
      Id: 'x',
      Created: '2026-01-01T00:00:00Z',
      Image: 'sha',
      Config: { Labels: {}, Image: 'i' },
      State: { Status: 'created', Error: 'no such file', ExitCode: 127, StartedAt: '0001-01-01T00:00:00Z' },
    };
    expect(containerOf(info as never, 'net')).toMatchObject({
      state: 'exited',
      exitCode: 128,
      error: 'no such file',
      startedAt: undefined,
    });
  });

  it('takes the cache that can be dropped off the memory, on both versions of cgroups', () => {
    const stats = (memory: object) =>
      statsOf({
        read: '2026-01-01T00:00:00Z',
        cpu_stats: { cpu_usage: { total_usage: 5 } },
        memory_stats: { usage: 100, stats: memory },
      } as never);
    expect(stats({ total_inactive_file: 30, inactive_file: 1 })!.memoryBytes).toBe(70);
    expect(stats({ inactive_file: 40 })!.memoryBytes).toBe(60);
    expect(stats({ inactive_file: 400 })!.memoryBytes).toBe(0);
    expect(statsOf({ memory_stats: {}, cpu_stats: {} } as never)).toBeUndefined();
  });
});

describe('behaviourOf', () => {
  it('takes known fields of the right type and ignores the rest', () => {
    expect(behaviourOf('{"runMs":5,"exitCode":"x","other":1}')).toEqual({ ...defaultBehaviour, runMs: 5 });
    expect(behaviourOf('not json')).toEqual(defaultBehaviour);
    const stages = [{ afterMs: 9, exitCode: 1 }, 'x', { afterMs: 5, healthy: false, cpu: 'much' }];
    expect(behaviourOf(JSON.stringify({ stages })).stages).toEqual([
      { afterMs: 5, healthy: false },
      { afterMs: 9, exitCode: 1 },
    ]);
    expect(behaviourOf(undefined)).toEqual(defaultBehaviour);
  });

  it.each([
    [undefined, 1000],
    ['{"exitCode":1}', 1000],
    ['{"runMs":5}', 5],
    ['{"runMs":null}', undefined],
    ['{"stages":[{"afterMs":5000,"exitCode":1}]}', undefined],
  ])('ends work that is to end after a moment, unless %s says when', (annotation, runMs) => {
    expect(behaviourOf(annotation, true).runMs).toBe(runMs);
  });
});
