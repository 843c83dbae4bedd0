import { describe, expect, it, vi } from 'vitest';
import { deploymentBody, podBody } from '../cluster/apiserver/testing';
import { runKubectl } from '.';
import { createTestKubectl, testIo } from './testing';

const pods = '/api/v1/namespaces/default/pods';

describe('command lines', () => {
  const offline = async (...argv: string[]) => {
    const { io, out, err } = testIo();
    return { code: await runKubectl(argv, io), out: out(), err: err() };
  };

  it.each([
    [['gett', 'pods'], 'error: unknown command "gett" for "kubectl"\n\nDid you mean this?\n\tset\n\tget\n'],
    [['exec-it', 'x'], 'error: unknown command "exec-it" for "kubectl"\n'],
    [['get', '--foo'], "error: unknown flag: --foo\nSee 'kubectl get --help' for usage.\n"],
    [['exec'], 'error: pod, type/name or --filename must be specified\n'],
    [['exec', 'a'], 'error: you must specify at least one command for the container\n'],
    [
      ['exec', 'a', 'ls'],
      "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples\n",
    ],
    [
      ['rollout', 'rollback', 'deploy', 'x'],
      'error: unknown command "rollback deploy x"\nSee \'kubectl rollout -h\' for help and examples\n',
    ],
    [['scale', 'deploy/a'], 'error: required flag(s) "replicas" not set\n'],
    [
      ['scale', '--replicas=-1', 'deploy/a'],
      'error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n',
    ],
    [['apply'], 'error: must specify one of -f and -k\n'],
    [['apply', '-f', 'nope.yaml'], 'error: the path "nope.yaml" does not exist\n'],
    [['config', 'use-context', 'x'], 'error: no context exists with the name: "x"\n'],
    [['get', 'po', '--context=x'], 'Error in configuration: context was not found for specified context: x\n'],
  ])('%j', async (argv, err) => {
    const result = await offline(...argv);
    expect(result.err).toBe(err);
    expect(result.code).toBe(1);
  });

  it('shows help for every command without a cluster', async () => {
    const { code, out } = await offline('--help');
    expect(code).toBe(0);
    expect(out).toContain('rollout ');
    expect((await offline('rollout', 'undo', '-h')).out).toContain('--to-revision=0:');
    const bare = await offline('create', 'secret');
    expect([bare.code, bare.out]).toEqual([1, '']);
    expect(bare.err).toMatch(/docker-registry[^]*generic[^]*tls/);
    expect((await offline('help', 'get')).out).toContain('Usage:\n  kubectl get ');
  });
});

describe('get', () => {
  it('prints what the server lays out', async () => {
    const { kubectl, send } = await createTestKubectl();
    await send('POST', pods, { body: podBody('web') });
    await send('POST', pods.replace('default', 'kube-system'), { body: podBody('dns') });
    expect((await kubectl('get po')).out).toBe(
      'NAME   READY   STATUS    RESTARTS   AGE\nweb    0/1     Pending   0          0s\n',
    );
    expect((await kubectl('get pods -A --no-headers')).out).toBe(
      'default       web   0/1   Pending   0     0s\nkube-system   dns   0/1   Pending   0     0s\n',
    );
    expect((await kubectl('get pod/web -o name')).out).toBe('pod/web\n');
    expect((await kubectl('get po,cm -A -o jsonpath={.items[*].metadata.name}')).out).toContain('web dns');
    expect(JSON.parse((await kubectl('get po web -o json')).out)).toMatchObject({
      kind: 'Pod',
      metadata: { name: 'web' },
    });
  });

  it('keeps kinds apart and says so when there is nothing', async () => {
    const { kubectl, send } = await createTestKubectl();
    expect(await kubectl('get deploy')).toEqual({
      code: 0,
      out: '',
      err: 'No resources found in default namespace.\n',
    });
    await send('POST', pods, { body: podBody('web') });
    await send('POST', '/apis/apps/v1/namespaces/default/deployments', { body: deploymentBody('web') });
    const { out } = await kubectl('get all');
    expect(out).toMatch(/^NAME +READY.*\npod\/web .*\n\nNAME +READY.*\ndeployment\.apps\/web .*\n$/);
  });

  it('shows at -v=9 how curl would ask', async () => {
    const { kubectl } = await createTestKubectl();
    const { err } = await kubectl('get po -v=9');
    expect(err).toMatch(/^curl -v -XGET -H "Accept: application\/json;as=Table.*" '.*\/pods\?limit=500'$/m);
    expect(err).toMatch(/\/pods\?limit=500 200 OK in \d+ milliseconds/);
  });

  it('reports every name that is not there and the others all the same', async () => {
    const { kubectl, send } = await createTestKubectl();
    await send('POST', pods, { body: podBody('web') });
    const { code, out, err } = await kubectl('get po web a b');
    expect({ code, err }).toEqual({
      code: 1,
      err: 'Error from server (NotFound): pods "a" not found\nError from server (NotFound): pods "b" not found\n',
    });
    expect(out).toContain('web ');
    expect((await kubectl('get po a --ignore-not-found')).code).toBe(0);
    expect((await kubectl('get replicassets')).err).toBe(
      'error: the server doesn\'t have a resource type "replicassets"\n',
    );
  });

  it('follows changes, aligned with what it printed before', async () => {
    const { start, send } = await createTestKubectl();
    await send('POST', pods, { body: podBody('web') });
    const abort = new AbortController();
    const { out, done } = start(['get', 'po', '-w'], { signal: abort.signal });
    await vi.waitFor(() => expect(out()).toContain('web '));
    await send('POST', pods, { body: podBody('a') });
    await vi.waitFor(() => expect(out()).toContain('\na '));
    abort.abort();
    expect(await done).toBe(0);
    expect(out()).toBe(
      'NAME   READY   STATUS    RESTARTS   AGE\nweb    0/1     Pending   0          0s\na      0/1     Pending   0          0s\n',
    );
  });
});

describe('writing', () => {
  const manifest = (image: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {mode: dark}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: '${image}'}]}
`;

  it('applies, and says what changed', async () => {
    const { kubectl } = await createTestKubectl();
    const apply = async (image: string, more = '') =>
      (await kubectl(`apply -f -${more}`, { input: manifest(image) })).out;
    expect(await apply('x:1', ' --dry-run=client')).toBe(
      'configmap/settings created (dry run)\ndeployment.apps/web created (dry run)\n',
    );
    expect(await apply('x:1')).toBe('configmap/settings created\ndeployment.apps/web created\n');
    expect(await apply('x:1')).toBe('configmap/settings unchanged\ndeployment.apps/web unchanged\n');
    expect(await apply('x:2')).toBe('configmap/settings unchanged\ndeployment.apps/web configured\n');
    expect((await kubectl('get deploy web -o jsonpath={.spec.template.spec.containers[0].image}')).out).toBe('x:2');
  });

  it('stores nothing of a document with a mistake, and names it', async () => {
    const { kubectl } = await createTestKubectl();
    const { code, out, err } = await kubectl('apply -f -', { input: manifest('x').replace('image:', 'imagee:') });
    expect({ code, out }).toEqual({ code: 1, out: 'configmap/settings created\n' });
    expect(err).toContain('unknown field "spec.template.spec.containers[0].imagee"');
    expect((await kubectl('get deploy')).err).toContain('No resources found');
    expect((await kubectl('apply -f -', { input: 'a: b: c' })).err).toMatch(
      /^error: error parsing STDIN: error converting YAML to JSON: yaml: line 1: /,
    );
  });

  it('creates, scales, labels, patches and deletes', async () => {
    const { kubectl, run } = await createTestKubectl();
    const out = async (line: string) => {
      const result = await kubectl(line);
      return result.out || result.err;
    };
    expect(await out('create deployment web --image=reg/nginx:1 --replicas=2')).toBe('deployment.apps/web created\n');
    expect(await out('create deployment web --image=x')).toBe(
      'error: failed to create deployment: deployments.apps "web" already exists\n',
    );
    expect(await out('scale deploy web --replicas 5')).toBe('deployment.apps/web scaled\n');
    expect(await out('scale deploy/web --replicas=1 --current-replicas=2')).toBe(
      'error: Expected replicas to be 2, was 5\n',
    );
    expect(await out('set image deploy/web nginx=nginx:2')).toBe('deployment.apps/web image updated\n');
    expect(await out('set image deploy/web foo=x')).toBe('error: unable to find container named "foo"\n');
    expect(await out('label deploy web tier=front')).toBe('deployment.apps/web labeled\n');
    expect(await out('label deploy web tier=back')).toBe(
      "error: 'tier' already has a value (front), and --overwrite is false\n",
    );
    expect(await out('label deploy web tier-')).toBe('deployment.apps/web unlabeled\n');
    expect((await run(['patch', 'deploy', 'web', '-p', '{"spec":{"replicas":3}}'])).out).toBe(
      'deployment.apps/web patched\n',
    );
    expect((await run(['patch', 'deploy', 'web', '-p', '{"spec":{"replicas":3}}'])).out).toBe(
      'deployment.apps/web patched (no change)\n',
    );
    expect(await out('rollout pause deploy web')).toBe('deployment.apps/web paused\n');
    expect(await out('rollout pause deploy web')).toBe('error: deployments.apps "web" is already paused\n');
    expect(await out('delete deploy web')).toBe('deployment.apps "web" deleted from default namespace\n');
    expect(await out('delete deploy web')).toBe('Error from server (NotFound): deployments.apps "web" not found\n');
    expect(await out('delete deploy')).toBe('error: resource(s) were provided, but no name was specified\n');
  });

  it('makes config maps and secrets from literals', async () => {
    const { kubectl } = await createTestKubectl();
    expect((await kubectl('create secret generic s --from-literal=a=b --dry-run=client -o yaml')).out).toBe(
      'apiVersion: v1\ndata:\n  a: Yg==\nkind: Secret\nmetadata:\n  name: s\n',
    );
    await kubectl('create cm c --from-literal=a=1 --from-literal=b=2');
    expect((await kubectl('get cm c -o jsonpath={.data}')).out).toBe('{"a":"1","b":"2"}');
    expect((await kubectl('create cm c --from-literal=a')).err).toBe(
      'error: invalid literal source a, expected key=value\n',
    );
  });

  it('makes autoscalers and quotas, and tells of a service what was done', async () => {
    const { kubectl, send } = await createTestKubectl();
    await send('POST', '/apis/apps/v1/namespaces/default/deployments', { body: deploymentBody('web') });
    expect(await kubectl('autoscale deployment web --cpu-percent 60 --min 2 --max 3')).toEqual({
      code: 0,
      out: 'horizontalpodautoscaler.autoscaling/web autoscaled\n',
      err: '',
    });
    expect((await kubectl('get hpa web -o jsonpath={.spec}')).out).toContain(
      '"metrics":[{"resource":{"name":"cpu","target":{"averageUtilization":60,"type":"Utilization"}},"type":"Resource"}],"minReplicas":2',
    );
    expect((await kubectl('autoscale deployment web --min=4 --max=3')).err).toBe(
      'error: --max=MAXPODS must be larger or equal to --min=MINPODS, max: 3, min: 4\n',
    );
    expect((await kubectl('autoscale deployment other --max=3')).err).toContain('deployments.apps "other" not found');
    expect((await kubectl('create quota small --hard=pods=7,configmaps=9')).out).toBe('resourcequota/small created\n');
    expect((await kubectl('get quota small -o jsonpath={.spec.hard}')).out).toBe('{"configmaps":"9","pods":"7"}');
    expect((await kubectl('expose deployment web --port=80')).out).toBe('service/web exposed\n');
  });

  it('applies on the server under another name than in the client', async () => {
    const { kubectl } = await createTestKubectl();
    const input = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ours}\ndata: {a: "1"}\n';
    await kubectl('apply --server-side -f -', { input });
    const { err } = await kubectl('apply --server-side --field-manager=them -f -', {
      input: input.replace('"1"', '"2"'),
    });
    expect(err).toContain('conflict with "kubectl": .data.a');
  });

  it('prints faults of validation field by field', async () => {
    const { kubectl } = await createTestKubectl();
    const { err } = await kubectl('create -f -', {
      input: 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: []}\n',
    });
    expect(err).toMatch(/^The Pod "x" is invalid: spec\.containers: Required value/);
  });
});

it('says which file named what it cannot delete', async () => {
  const { run } = await createTestKubectl();
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'gone' } });
  const { err } = await run(['delete', '-f', '-'], { input });
  expect(err).toBe('Error from server (NotFound): error when deleting "STDIN": pods "gone" not found\n');
});
