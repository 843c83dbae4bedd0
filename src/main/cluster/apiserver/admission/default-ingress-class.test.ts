import { beforeEach, expect, test } from 'vitest';
import { createTestServer } from '../testing';

const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
const classes = '/apis/networking.k8s.io/v1/ingressclasses';
const backend = { service: { name: 'web', port: { number: 80 } } };

let bed: Awaited<ReturnType<typeof createTestServer>>;
beforeEach(async () => {
  bed = await createTestServer();
});

const makeClass = (name: string, isDefault: string) =>
  bed.send('POST', classes, {
    body: {
      metadata: { name, annotations: { 'ingressclass.kubernetes.io/is-default-class': isDefault } },
      spec: { controller: 'example.com/controller' },
    },
  });
const classOf = async (name: string, more: object = {}, annotations: Record<string, string> = {}) => {
  const body = { metadata: { name, annotations }, spec: { defaultBackend: backend, ...more } };
  return (await bed.send('POST', ingresses, { body })).body.spec.ingressClassName;
};

test('an Ingress that names no class gets the default one', async () => {
  await makeClass('other', 'false');
  expect(await classOf('before')).toBeUndefined();
  await makeClass('chosen', 'true');
  expect(await classOf('plain')).toBe('chosen');
  expect(await classOf('named', { ingressClassName: 'other' })).toBe('other');
  expect(await classOf('annotated', {}, { 'kubernetes.io/ingress.class': 'old' })).toBeUndefined();
  const { body } = await bed.send('GET', `${ingresses}/before`);
  expect((await bed.send('PUT', `${ingresses}/before`, { body })).body.spec.ingressClassName).toBeUndefined();
});

test('of several defaults the newest counts, and of equally old ones the first by name', async () => {
  await makeClass('b', 'true');
  await makeClass('a', 'true');
  expect(await classOf('first')).toBe('a');
  await bed.clock.advance(5000);
  await makeClass('c', 'true');
  expect(await classOf('second')).toBe('c');
});

test('a class in the field must be the one of the annotation, when both are first given', async () => {
  const annotations = { 'kubernetes.io/ingress.class': 'one' };
  await expect(classOf('both', { ingressClassName: 'two' }, annotations)).rejects.toMatchObject({
    code: 422,
    message:
      'Ingress.networking.k8s.io "both" is invalid: annotations.kubernetes.io/ingress.class: Invalid value: "one": must match `ingressClassName` when both are specified',
  });
  expect(await classOf('both', { ingressClassName: 'one' }, annotations)).toBe('one');
  const { body } = await bed.send('GET', `${ingresses}/both`);
  const changed = { ...body, spec: { ...body.spec, ingressClassName: 'two' } };
  expect((await bed.send('PUT', `${ingresses}/both`, { body: changed })).body.spec.ingressClassName).toBe('two');
});

test('hosts and paths are refused in the words of Kubernetes', async () => {
  const path = { path: '/', pathType: 'Prefix', backend };
  const refusal = async (rule: object, more: object = {}) =>
    classOf('bad', { rules: [{ http: { paths: [path] }, ...rule }], ...more }).then(
      () => 'accepted',
      ({ message }: Error) => message.replace('Ingress.networking.k8s.io "bad" is invalid: ', ''),
    );
  const withPath = (change: object) => refusal({ http: { paths: [{ ...path, ...change }] } });
  expect(await refusal({ host: '*.*.example' })).toMatch(
    /^spec\.rules\[0\]\.host: Invalid value: "\*\.\*\.example": a wildcard DNS-1123 subdomain must start with '\*\.', /,
  );
  expect(await refusal({ host: 'Bad_Host' })).toMatch(/: a lowercase RFC 1123 subdomain must consist of/);
  expect(await withPath({ pathType: 'Regex' })).toBe(
    'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"',
  );
  expect(await withPath({ pathType: undefined, backend: {} })).toBe(
    'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
  );
  expect(await withPath({ path: 'foo' })).toBe(
    'spec.rules[0].http.paths[0].path: Invalid value: "foo": must be an absolute path',
  );
  expect(await withPath({ path: '/a//b/..' })).toBe(
    `[spec.rules[0].http.paths[0].path: Invalid value: "/a//b/..": must not contain '//', spec.rules[0].http.paths[0].path: Invalid value: "/a//b/..": cannot end with '/..']`,
  );
  expect(await withPath({ backend: { resource: { name: 'x' } } })).toBe(
    'spec.rules[0].http.paths[0].backend.resource.kind: Required value: kind is required',
  );
  expect(await refusal({}, { tls: [{ hosts: ['10.0.0.1'] }] })).toBe('accepted');
});
