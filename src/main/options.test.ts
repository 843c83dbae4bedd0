import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultDataDirectory, parseAppOptions, UsageError } from './options';

test('flags become options, the rest have their defaults', () => {
  const options = parseAppOptions([
    '--data-dir',
    '/data',
    '--port',
    '0',
    '--api-port',
    '0',
    '--nodes',
    '2',
    '--runtime',
    'docker',
    '--no-ui',
  ]);
  expect(options).toMatchObject({
    dataDirectory: '/data',
    uiPort: 0,
    apiPort: 0,
    kubeconfigFile: '/data/kubeconfig',
    nodes: 2,
    simulatedNodes: 0,
    runtime: 'docker',
    clusterName: 'gantry',
    ui: false,
  });
  expect(parseAppOptions([], {}).apiPort).toBeUndefined();
});

test.each([
  [['--runtime', 'podman'], '--runtime is docker, simulated or auto'],
  [['--port', '70000'], '--port takes a whole number from 0 to 65535'],
  [['--scheduling', 'random'], '--scheduling is spread or pack'],
  [['--reach', 'far'], '--reach is auto, direct or tunnel'],
  [['--hpa-sync-period', 'often'], '--hpa-sync-period takes a duration from 100ms to 24h'],
  [['--nodes', 'two'], '--nodes takes a whole number'],
  [['--cluster-name', 'My Cluster'], '--cluster-name takes'],
  [['--nonsense'], '--nonsense'],
  [['stray'], 'stray'],
])('%j is refused with a reason', (argv, message) => {
  expect(() => parseAppOptions(argv)).toThrow(UsageError);
  expect(() => parseAppOptions(argv)).toThrow(message);
});

test('the sync period of autoscalers is a duration', () => {
  expect(parseAppOptions(['--hpa-sync-period', '1m30s']).autoscalerSyncMs).toBe(90_000);
  expect(parseAppOptions([]).autoscalerSyncMs).toBeUndefined();
});

test('pods are spread unless they are to be packed', () => {
  expect(parseAppOptions([]).scheduling).toBe('spread');
  expect(parseAppOptions(['--scheduling', 'pack']).scheduling).toBe('pack');
});

test('how pods are reached is found out unless it is told', () => {
  expect(parseAppOptions([]).reach).toBe('auto');
  expect(parseAppOptions(['--reach', 'tunnel']).reach).toBe('tunnel');
});

test('a relative data directory is one below the working directory', () => {
  const options = parseAppOptions(['--data-dir', './cluster']);
  expect(options.dataDirectory).toBe(join(process.cwd(), 'cluster'));
  expect(options.kubeconfigFile).toBe(join(process.cwd(), 'cluster', 'kubeconfig'));
});

test('data goes where the platform keeps it', () => {
  expect(defaultDataDirectory({ XDG_DATA_HOME: '/x' }, 'linux')).toBe('/x/gantry');
  expect(defaultDataDirectory({ GANTRY_DATA_DIR: '/here' }, 'linux')).toBe('/here');
  expect(defaultDataDirectory({ APPDATA: '/roaming' }, 'win32')).toBe('/roaming/Gantry');
});
