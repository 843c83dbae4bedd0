import { describe, expect, it } from 'vitest';
import type { ConfigMap, Container, Pod, Secret, Service } from '@shared/k8s';
import { resolveEnv, serviceVariables } from './env';
import type { ObjectSource } from './objects';

const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { app: 'web' }, annotations: {} },
  spec: { containers: [], serviceAccountName: 'robot' },
} as unknown as Pod;

const objects = (
  found: { configMap?: Record<string, string>; secret?: Record<string, string> } = {},
): ObjectSource => ({
  configMap: async () => found.configMap && ({ data: found.configMap } as unknown as ConfigMap),
  secret: async () => found.secret && ({ data: found.secret } as unknown as Secret),
  claim: async () => undefined,
  persistentVolume: async () => undefined,
  podsOfClaim: () => [],
  node: () => undefined,
  services: () => [],
  token: async () => ({ text: '', renewAt: 0 }),
});

const facts = {
  nodeName: 'n',
  hostIp: '10.0.0.1',
  podIp: '10.1.0.9',
  allocatable: { cpu: 4, memory: 2 ** 30, 'ephemeral-storage': 0 },
};
const resolve = (container: Partial<Container>, source = objects()) =>
  resolveEnv(pod, { name: 'c', ...container } as Container, source, facts).then((env) => Object.fromEntries(env));

describe('resolveEnv', () => {
  it('lets env win over envFrom and later envFrom over earlier', async () => {
    const container = {
      envFrom: [{ configMapRef: { name: 'a' } }, { prefix: 'X_', secretRef: { name: 'b' } }],
      env: [
        { name: 'COLOR', value: 'red' },
        { name: 'TEXT', value: '$(COLOR)$(X_KEY)' },
      ],
    };
    const found = objects({ configMap: { COLOR: 'green' }, secret: { KEY: Buffer.from('k').toString('base64') } });
    expect(await resolve(container, found)).toEqual({ COLOR: 'red', X_KEY: 'k', TEXT: 'redk' });
  });

  it('knows the fields and resources of the pod', async () => {
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const resource = (name: string, ref: string, divisor?: string) => ({
      name,
      valueFrom: { resourceFieldRef: { resource: ref, divisor } },
    });
    const env = [
      field('NAME', 'metadata.name'),
      field('APP', "metadata.labels['app']"),
      field('NODE', 'spec.nodeName'),
      field('ACCOUNT', 'spec.serviceAccountName'),
      field('IP', 'status.podIP'),
      resource('CPU', 'limits.cpu'),
      resource('MILLIS', 'requests.cpu', '1m'),
      resource('MEMORY', 'limits.memory', '1Mi'),
    ];
    expect(await resolve({ env, resources: { requests: { cpu: '250m' }, limits: { cpu: '1500m' } } } as never)).toEqual(
      {
        NAME: 'p',
        APP: 'web',
        NODE: 'n',
        ACCOUNT: 'robot',
        IP: '10.1.0.9',
        CPU: '2',
        MILLIS: '250',
        MEMORY: '1024',
      },
    );
  });

  it('says in the words of Kubernetes what is missing, unless it is optional', async () => {
    const from = (ref: object, optional?: boolean) =>
      ({ env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'a', key: 'k', optional, ...ref } } }] }) as never;
    await expect(resolve(from({}))).rejects.toThrow('configmap "a" not found');
    await expect(resolve(from({}), objects({ configMap: {} }))).rejects.toThrow(
      "couldn't find key k in ConfigMap ns/a",
    );
    const secret = { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] } as never;
    await expect(resolve(secret)).rejects.toThrow('secret "s" not found');
    await expect(resolve(secret, objects({ secret: {} }))).rejects.toThrow("couldn't find key k in Secret ns/s");
    expect(await resolve(from({}, true))).toEqual({});
    expect(await resolve({ envFrom: [{ secretRef: { name: 's', optional: true } }] })).toEqual({});
  });
});

it('serviceVariables tell of addresses and ports', () => {
  const service = {
    metadata: { name: 'my-web' },
    spec: {
      clusterIP: '10.96.0.7',
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
    },
  };
  const headless = { metadata: { name: 'no' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } };
  expect(Object.fromEntries(serviceVariables([service, headless] as unknown as Service[]))).toEqual({
    MY_WEB_SERVICE_HOST: '10.96.0.7',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP: '80',
    MY_WEB_SERVICE_PORT_DNS: '53',
    MY_WEB_PORT: 'tcp://10.96.0.7:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.96.0.7:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.96.0.7',
    MY_WEB_PORT_53_UDP: 'udp://10.96.0.7:53',
    MY_WEB_PORT_53_UDP_PROTO: 'udp',
    MY_WEB_PORT_53_UDP_PORT: '53',
    MY_WEB_PORT_53_UDP_ADDR: '10.96.0.7',
  });
});
