import { describe, expect, it } from 'vitest';
import { loadSchema } from './index';

const schema = loadSchema();
const deployment = (spec: object, metadata: object = { name: 'd' }): any => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata,
  spec,
});
const pod = (spec: object): any => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });

describe('check', () => {
  it('accepts what the API has', () => {
    expect(
      schema.check(
        pod({
          containers: [
            {
              name: 'a',
              image: 'b',
              ports: [{ containerPort: 80 }],
              readinessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 1 },
              resources: { limits: { cpu: 1, memory: '64Mi' } },
              env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
            },
          ],
          volumes: [{ name: 'v', emptyDir: {} }],
          securityContext: null,
        }),
      ),
    ).toEqual([]);
  });

  it('knows nothing against kinds it has no table for', () => {
    expect(schema.check({ apiVersion: 'example.com/v1', kind: 'Widget', spec: { any: 1 } })).toEqual([]);
  });

  it('names unknown fields with their path', () => {
    const object = deployment({ foo: 1, template: { spec: { containers: [{ name: 'a', imagee: 'x' }] } } });
    expect(schema.check({ ...object, extra: true })).toEqual([
      { kind: 'unknown', path: 'spec.foo', message: 'unknown field "spec.foo"' },
      {
        kind: 'unknown',
        path: 'spec.template.spec.containers[0].imagee',
        message: 'unknown field "spec.template.spec.containers[0].imagee"',
      },
      { kind: 'unknown', path: 'extra', message: 'unknown field "extra"' },
    ]);
  });

  it("tells wrong types in the decoder's words", () => {
    const messages = (object: any): string[] => schema.check(object).map((fault) => fault.message);
    expect(messages(deployment({ replicas: '3' }))).toEqual([
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ]);
    expect(messages(deployment({ replicas: 1.5 }))).toEqual([
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ]);
    expect(messages(pod({ containers: { name: 'a' } }))).toEqual([
      'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ]);
    expect(messages(pod({ containers: [{ name: 'a', env: [{ name: 'X', value: 1 }] }] }))).toEqual([
      'json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    ]);
    expect(messages(pod({ containers: [], securityContext: [] }))).toEqual([
      'json: cannot unmarshal array into Go struct field PodSpec.spec.securityContext of type v1.PodSecurityContext',
    ]);
    expect(messages(deployment({}, { labels: { a: true } }))).toEqual([
      'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
    ]);
    expect(messages({ apiVersion: 'v1', kind: 'Secret', data: { a: 'not base64!' } })).toEqual([
      'illegal base64 data at input byte 3',
    ]);
    expect(messages(pod({ containers: [{ name: 'a', resources: { limits: { cpu: 'many' } } }] }))).toEqual([
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ]);
    expect(messages(deployment({}, { creationTimestamp: 'now' }))[0]).toContain('parsing time "now" as');
  });

  it('gives the place of a fault for the editor', () => {
    const [fault] = schema.check(pod({ containers: [{ name: 'a' }, { name: 'b', ports: [{ containerPort: 'x' }] }] }));
    expect(fault!.path).toBe('spec.containers[1].ports[0].containerPort');
  });
});

describe('prune', () => {
  it('leaves out unknown fields, nulls and zero values that JSON leaves out', () => {
    const object = deployment(
      {
        replicas: 0,
        foo: 1,
        paused: false,
        template: { spec: { containers: [{ name: '', image: '', ports: [] }], dnsConfig: null } },
      },
      { name: 'd', labels: {}, creationTimestamp: null, annotations: { a: '' } },
    );
    expect(schema.prune(object)).toEqual(
      deployment(
        { replicas: 0, template: { spec: { containers: [{ name: '' }] } } },
        { name: 'd', annotations: { a: '' } },
      ),
    );
  });

  it('keeps pointers to zero and writes quantities canonically', () => {
    const object = pod({
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'a', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }],
    });
    expect(schema.prune(object)).toEqual(
      pod({
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'a', resources: { limits: { cpu: '500m', memory: '1Gi' } } }],
      }),
    );
  });

  it('shares what needs no change', () => {
    const object = pod({ containers: [{ name: 'a' }] });
    expect(schema.prune(object)).toBe(object);
  });
});
