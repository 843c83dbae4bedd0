import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteCluster, startApp, type RunningApp } from '../support/app';
import { eventually, kubectl, kubectls, type Kubectl } from '../support/kubectl';

let app: RunningApp;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gantry-home-'));
  app = await startApp({ args: ['--runtime', 'simulated', '--no-ui'] });
});
afterAll(async () => {
  await app?.stop();
  if (app) await deleteCluster(app.dataDirectory);
  await rm(home, { recursive: true, force: true });
});

const definition = (group: string) => `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: crontabs.${group} }
spec:
  group: ${group}
  scope: Namespaced
  names: { plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all] }
  versions:
    - name: v1
      served: true
      storage: true
      subresources:
        status: {}
        scale:
          specReplicasPath: .spec.replicas
          statusReplicasPath: .status.replicas
          labelSelectorPath: .status.labelSelector
      additionalPrinterColumns:
        - { name: Spec, type: string, description: When it runs., jsonPath: .spec.cronSpec }
        - { name: Replicas, type: integer, jsonPath: .spec.replicas }
        - { name: Age, type: date, jsonPath: .metadata.creationTimestamp }
      schema:
        openAPIV3Schema:
          type: object
          description: A table of things to do.
          properties:
            spec:
              type: object
              required: [cronSpec]
              properties:
                cronSpec: { type: string, pattern: '^(\\S+ ){4}\\S+$', description: The five fields of a time. }
                image: { type: string, default: busybox }
                replicas: { type: integer, minimum: 0, maximum: 10, default: 1 }
              x-kubernetes-validations:
                - rule: "self.image != 'bad' || self.replicas == 0"
                  message: nobody runs a bad image
            status:
              type: object
              properties:
                replicas: { type: integer }
                labelSelector: { type: string }
`;
const crontab = (group: string, name: string, spec: string) =>
  `apiVersion: ${group}/v1\nkind: CronTab\nmetadata: { name: ${name} }\nspec: ${spec}\n`;
const every = "{ cronSpec: '* * * * */5' }";

describe.each(kubectls)('custom kinds with the kubectl of Debian $suite', ({ suite, binary }) => {
  const group = `${suite}.example.com`;
  const type = `crontabs.${group}`;
  let k: Kubectl;
  const refused = async (manifest: string): Promise<string> => {
    const ran = await k.run(['apply', '-f', '-'], manifest);
    expect(ran.code, ran.stdout).not.toBe(0);
    return ran.stderr.trim();
  };

  beforeAll(() => {
    k = kubectl(binary, app.kubeconfig, home);
  });

  test('are there as soon as their definition is', async () => {
    expect(await k.ok(['apply', '-f', '-'], definition(group))).toBe(
      `customresourcedefinition.apiextensions.k8s.io/${type} created\n`,
    );
    expect(await k.ok(['apply', '-f', '-'], crontab(group, 'mine', every))).toBe(`crontab.${group}/mine created\n`);
    await k.ok(['wait', '--for=condition=Established', `crd/${type}`, '--timeout=10s']);
    expect(await k.ok(['get', 'crd', type])).toMatch(
      new RegExp(`^NAME +CREATED AT\\n${type} +\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\\n$`),
    );
  });

  test('print, explain and are listed with the resources', async () => {
    expect(await k.ok(['get', type])).toMatch(/^NAME +SPEC +REPLICAS +AGE\nmine +\* \* \* \* \*\/5 +1 +\d+s\n$/);
    expect(await k.ok(['explain', `${type}.spec.cronSpec`])).toMatch(
      /KIND: +CronTab[\s\S]*FIELD: cronSpec <string>[\s\S]*The five fields of a time\./,
    );
    expect(await k.ok(['api-resources', `--api-group=${group}`])).toMatch(
      new RegExp(`crontabs +ct +${group}/v1 +true +CronTab`),
    );
    expect(await k.ok(['describe', `${type}/mine`])).toMatch(/Kind: +CronTab[\s\S]*Cron Spec: +\* \* \* \* \*\/5/);
  });

  test('are patched, scaled and applied', async () => {
    await k.ok(['patch', `${type}/mine`, '--type=merge', '-p', '{"spec":{"replicas":2}}']);
    expect(await k.ok(['scale', `${type}/mine`, '--replicas=3'])).toBe(`crontab.${group}/mine scaled\n`);
    expect(await k.ok(['get', `${type}/mine`, '-o', 'jsonpath={.spec}'])).toBe(
      '{"cronSpec":"* * * * */5","image":"busybox","replicas":3}',
    );
    const server = ['apply', '--server-side', '-f', '-'];
    expect(await k.ok(server, crontab(group, 'theirs', every))).toBe(`crontab.${group}/theirs serverside-applied\n`);
    const conflict = await k.run(
      [...server, '--field-manager=other'],
      crontab(group, 'theirs', "{ cronSpec: '1 * * * *' }"),
    );
    expect(conflict.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .spec.cronSpec');
    await k.ok(['label', `${type}/theirs`, 'a=b']);
    expect(await k.ok(['get', type, '-l', 'a=b', '-o', 'name'])).toBe(`crontab.${group}/theirs\n`);
  });

  test('say what is wrong', async () => {
    expect(await refused(crontab(group, 'bad', '{ cronSpec: never, replicas: 11 }'))).toBe(
      `The CronTab "bad" is invalid: \n` +
        `* spec.cronSpec: Invalid value: "never": spec.cronSpec in body should match '^(\\S+ ){4}\\S+$'\n` +
        `* spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10`,
    );
    expect(await refused(crontab(group, 'bad', `{ cronSpec: '* * * * *', imag: x }`))).toMatch(
      /strict decoding error: unknown field "spec\.imag"/,
    );
    expect(await refused(crontab(group, 'bad', `{ cronSpec: '* * * * *', image: bad }`))).toBe(
      'The CronTab "bad" is invalid: spec: Invalid value: "object": nobody runs a bad image',
    );
    const rule = definition(group).replace('self.image !=', 'self.imag !=').replaceAll('crontabs', 'crontabses');
    expect(await refused(rule)).toContain("undefined field 'imag'");
  });

  test('go with their definition', async () => {
    expect(await k.ok(['delete', 'crd', type])).toContain(`"${type}" deleted`);
    const ran = await k.run(['get', type]);
    expect(ran.stderr).toMatch(/the server doesn't have a resource type/);
  });

  test('of the Gateway API come with the cluster', async () => {
    await eventually('the kinds', async () => (await k.run(['get', 'httproutes', '-A'])).code === 0, 20_000);
    const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web-${suite} }
spec: { hostnames: [web.example], rules: [{ backendRefs: [{ name: web, port: 80 }] }] }
`;
    await k.ok(['apply', '-f', '-'], route);
    expect(await k.ok(['get', 'httproute', `web-${suite}`])).toMatch(
      /NAME +HOSTNAMES +AGE\nweb-\w+ +\["web\.example"\]/,
    );
    expect(await k.ok(['explain', 'gateways.gateway.networking.k8s.io.spec.listeners'])).toContain(
      'What is listened on.',
    );
  });
});
