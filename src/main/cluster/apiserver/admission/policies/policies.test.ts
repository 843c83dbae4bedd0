import { beforeEach, expect, test } from 'vitest';
import type { KubeObject } from '@shared/k8s';
import { createTestServer, deploymentBody, podBody } from '../../testing';

const group = '/apis/admissionregistration.k8s.io/v1';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
let bed: Awaited<ReturnType<typeof createTestServer>>;

beforeEach(async () => {
  bed = await createTestServer();
});

const rules = [
  { operations: ['CREATE', 'UPDATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] },
];
const post = (path: string, body: KubeObject) =>
  bed.send('POST', path, { body }).then(
    ({ warnings }) => warnings,
    (error) => `${error.code} ${error.reason} ${error.message}`,
  );
const policy = (spec: object, name = 'p') =>
  post(`${group}/validatingadmissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: { resourceRules: rules }, ...spec },
  });
const bind = (spec: object = {}, name = 'b') =>
  post(`${group}/validatingadmissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: 'p', validationActions: ['Deny'], ...spec },
  });
const few = { validations: [{ expression: 'object.spec.replicas <= 5' }] };

test('refuses what a bound policy does not allow', async () => {
  expect(await policy(few)).toEqual([]);
  expect(await post(deployments, deploymentBody('unbound', 9))).toEqual([]);
  expect(await bind()).toEqual([]);
  expect(await post(deployments, deploymentBody('many', 6))).toBe(
    `422 Invalid deployments.apps "many" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: object.spec.replicas <= 5`,
  );
  expect(await post(deployments, deploymentBody('few', 5))).toEqual([]);
  await bed.send('DELETE', `${group}/validatingadmissionpolicybindings/b`);
  expect(await post(deployments, deploymentBody('many', 6))).toEqual([]);
});

test('says why in the words of the policy', async () => {
  await policy({
    variables: [
      { name: 'wanted', expression: 'object.spec.replicas' },
      { name: 'twice', expression: 'variables.wanted * 2' },
    ],
    validations: [
      { expression: 'variables.twice <= 10', messageExpression: "'twice is ' + string(variables.twice)" },
      { expression: "object.metadata.name != 'admin'", message: 'not that name', reason: 'Forbidden' },
    ],
  });
  await bind();
  expect(await post(deployments, deploymentBody('many', 6))).toContain('denied request: twice is 12');
  expect(await post(deployments, deploymentBody('admin'))).toBe(
    `403 Forbidden deployments.apps "admin" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not that name`,
  );
});

test('warns where it is told to warn', async () => {
  await policy(few);
  await bind({ validationActions: ['Warn', 'Audit'] });
  expect(await post(deployments, deploymentBody('many', 6))).toEqual([
    `Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: object.spec.replicas <= 5`,
  ]);
});

test('takes its parameters from other objects', async () => {
  await policy({
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    validations: [{ expression: 'object.spec.replicas <= int(params.data.most)' }],
  });
  await bind({ paramRef: { name: 'limits', parameterNotFoundAction: 'Deny' } });
  expect(await post(deployments, deploymentBody('a'))).toContain(
    'no params found for policy binding with `Deny` parameterNotFoundAction',
  );
  await post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'limits' }, data: { most: '2' } });
  expect(await post(deployments, deploymentBody('a', 2))).toEqual([]);
  expect(await post(deployments, deploymentBody('b', 3))).toContain('failed expression: object.spec.replicas <= int(');
});

test('does without parameters that may be missing', async () => {
  await policy({ paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'false' }] });
  await bind({ paramRef: { name: 'limits', parameterNotFoundAction: 'Allow' } });
  expect(await post(deployments, deploymentBody('a'))).toEqual([]);
});

test('looks only at requests that are meant', async () => {
  await policy({
    validations: [{ expression: "request.operation == 'UPDATE' && oldObject != null" }],
    matchConditions: [{ name: 'not-free', expression: "!object.metadata.name.startsWith('free')" }],
  });
  const binding = { matchResources: { namespaceSelector: { matchLabels: { strict: 'yes' } } } };
  await bind(binding);
  expect(await post(deployments, deploymentBody('a'))).toEqual([]);
  await post('/api/v1/namespaces', { metadata: { name: 'strict', labels: { strict: 'yes' } } });
  const strict = '/apis/apps/v1/namespaces/strict/deployments';
  expect(await post(strict, deploymentBody('a'))).toContain('denied request');
  expect(await post(strict, deploymentBody('free-a'))).toEqual([]);
});

test.each([
  ['Fail', "expression 'object.spec.nothing > 1' resulted in error: no such key: nothing"],
  ['Ignore', undefined],
])('what cannot be evaluated under %s', async (failurePolicy, words) => {
  await policy({ failurePolicy, validations: [{ expression: 'object.spec.nothing > 1' }] });
  await bind();
  const answer = await post(deployments, deploymentBody('a'));
  if (words) expect(answer).toContain(words);
  else expect(answer).toEqual([]);
});

test('refuses policies that do not compile', async () => {
  expect(await policy({ validations: [{ expression: 'object.spec.replicas <=' }] })).toContain(
    '422 Invalid ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.validations[0].expression: Invalid value: "object.spec.replicas <=": compilation failed: ERROR: <input>:1:24',
  );
  expect(await policy({ validations: [{ expression: '"text"' }] })).toContain('must evaluate to a bool');
  expect(await policy({ validations: [{ expression: 'params.x' }] })).toContain("undeclared reference to 'params'");
  expect(await policy({ ...few, variables: [{ name: 'a-b', expression: '1' }] })).toContain(
    'not a valid CEL identifier',
  );
});

test('policies never hold for policies', async () => {
  const all = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }];
  await policy({ matchConstraints: { resourceRules: all }, validations: [{ expression: 'false' }] });
  await bind();
  expect(await post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'x' } })).toContain('denied request');
  await bed.send('DELETE', `${group}/validatingadmissionpolicybindings/b`);
  expect(await post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'x' } })).toEqual([]);
});

test('notes in the audit log what it is told to', async () => {
  await policy({
    ...few,
    auditAnnotations: [
      { key: 'count', valueExpression: "string(object.spec.replicas) + ' wanted'" },
      { key: 'nothing', valueExpression: 'object.spec.replicas > 100 ? dyn("many") : dyn(null)' },
    ],
  });
  await bind({ validationActions: ['Audit'] });
  await bind({ validationActions: ['Audit'] }, 'again');
  const noted: Record<string, string> = {};
  await bed.server.handle({
    method: 'POST',
    path: deployments,
    query: new URLSearchParams(),
    body: deploymentBody('many', 9),
    user: { name: 'jane', groups: ['system:masters'] },
    annotate: (key, value) => void (noted[key] = value),
  });
  expect(noted).toMatchObject({ 'p/count': '9 wanted' });
  expect(noted).not.toHaveProperty('p/nothing');
  const failure = { message: 'failed expression: object.spec.replicas <= 5', policy: 'p', expressionIndex: 0 };
  expect(JSON.parse(noted['validation.policy.admission.k8s.io/validation_failure']!)).toEqual([
    { ...failure, binding: 'again', validationActions: ['Audit'] },
    { ...failure, binding: 'b', validationActions: ['Audit'] },
  ]);
});

test('refuses notes that make no sense', async () => {
  const faulty = [
    { key: '', valueExpression: "'a'" },
    { key: 'k', valueExpression: 'nobody' },
    { key: 'k', valueExpression: "'a'" },
  ];
  const answer = await policy({ auditAnnotations: faulty });
  expect(answer).toMatch(/^422 /);
  for (const at of ['[0].key', '[1].valueExpression', '[2].key']) {
    expect(answer).toContain(`spec.auditAnnotations${at}`);
  }
});

test('sees of a subresource what the request is about', async () => {
  const rule = (operation: string, group: string, resource: string) => ({
    operations: [operation],
    apiGroups: [group],
    apiVersions: ['*'],
    resources: [resource],
  });
  const resourceRules = [
    rule('UPDATE', 'apps', 'deployments/scale'),
    rule('CREATE', '', 'pods/eviction'),
    rule('CREATE', '', 'pods/binding'),
  ];
  await policy({
    matchConstraints: { resourceRules },
    validations: [
      {
        expression: "request.kind.kind == 'Scale' ? object.spec.replicas <= 2 && oldObject.spec.replicas == 1 : false",
        messageExpression: "request.kind.group + '/' + request.kind.kind + ' ' + request.subResource",
      },
    ],
  });
  await bind();
  await post(deployments, deploymentBody('d', 1));
  const scale = (replicas: number) =>
    bed.send('PUT', `${deployments}/d/scale`, { body: { metadata: { name: 'd' }, spec: { replicas } } });
  await expect(scale(3)).rejects.toMatchObject({
    message: expect.stringContaining('request: autoscaling/Scale scale'),
  });
  expect((await scale(2)).body.spec.replicas).toBe(2);
  // The deployment itself may have as many as it likes.
  const patch = { contentType: 'application/merge-patch+json', body: { spec: { replicas: 9 } } };
  expect((await bed.send('PATCH', `${deployments}/d`, patch)).body.spec.replicas).toBe(9);
  await post('/api/v1/namespaces/default/pods', podBody('p'));
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } };
  expect(await post('/api/v1/namespaces/default/pods/p/eviction', eviction)).toContain('policy/Eviction eviction');
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
  expect(await post('/api/v1/namespaces/default/pods/p/binding', binding)).toContain('request: /Binding binding');
});
