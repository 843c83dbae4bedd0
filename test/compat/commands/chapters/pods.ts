import { cli, type Chapter } from '../entry';

const container = (command: string) => ({ name: 'main', image: 'busybox:1', command: ['sh', '-c', command] });
const pod = (name: string, command: string, more: object = {}, labels: Record<string, string> = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ ...container(command), ...more }] },
  });

const environment = {
  envFrom: [{ configMapRef: { name: 'settings' } }],
  env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'credentials', key: 'token' } } }],
};

/** What is done with a running pod: exec, attach, logs, port-forward, cp, labels. */
export const podsChapter: Chapter = {
  name: 'pods',
  files: {
    'app.json': pod(
      'app',
      'while read line; do echo "got $line"; done; sleep 1000',
      { stdin: true, ...environment },
      { app: 'app' },
    ),
    'settings.json': JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { COLOUR: 'blue' } },
        { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'credentials' }, stringData: { token: 's3cret' } },
      ],
    }),
    'talker.json': pod('talker', 'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done'),
    'web.json': pod('web', 'echo works > /tmp/index.html; exec httpd -f -p 8080 -h /tmp', {
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    }),
    'two.json': JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'two' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: ['one', 'two'].map((name) => ({
          ...container(`echo I am ${name}; sleep 1000`),
          name,
          env: [{ name: 'WHO', value: name }],
        })),
      },
    }),
  },
  entries: [
    cli('CLI-88', 'kubectl apply -f .', { stdout: /^pod\/app created$/m }),
    cli('CLI-120', 'kubectl wait --for=condition=Ready pod --all --timeout=240s', {
      stdout: /^pod\/web condition met$/m,
    }),
    cli('CLI-03', 'kubectl exec app', {
      code: 1,
      stderr: /error: you must specify at least one command for the container/,
    }),
    cli('CLI-04', 'kubectl -it exec app sh', {
      code: { since: { 20: 0, 31: 1 } },
      typed: { after: /~ # /, keys: 'echo one$((1+1)); exit\r' },
      stdout: {
        since: {
          20: [/exec \[POD\] \[COMMAND\] is DEPRECATED/, /one2/],
          31: /exec \[POD\] \[COMMAND\] is not supported anymore. Use exec \[POD\] -- \[COMMAND\] instead/,
        },
      },
    }),
    cli('CLI-47', 'kubectl exec-it app – bin/bash', {
      code: 1,
      stderr: /unknown (command|shorthand)|flags? cannot be placed before plugin name/,
    }),
    cli('CLI-47', 'Kubectl exec -it app – bin/bash', { code: 'fails' }),
    cli('CLI-47 CLI-66', 'kubectl exec -it app -- sh #--container=<c>', {
      typed: { after: /~ # /, keys: 'echo one$((1+1)); exit 3\r' },
      code: 3,
      stdout: /one2/,
    }),
    cli('CLI-66', 'kubectl exec two -c two -- sh -c "echo \\$WHO"', { stdout: 'two\n' }),
    cli('CLI-66', 'kubectl exec two -- true', {
      stderr: { since: { 20: /Defaulting container name to one/, 21: /Defaulted container "one" out of: one, two/ } },
    }),
    cli('CLI-107', 'kubectl exec app -- echo hello from inside', { stdout: 'hello from inside\n' }),
    cli('CLI-107', 'kubectl exec app -i -- cat', { input: 'through stdin', stdout: 'through stdin' }),
    cli('CLI-107', `kubectl exec app -- sh -c 'echo oops >&2; exit 7'`, { code: 7, stderr: /oops/ }),
    cli('CLI-107', 'kubectl exec app -- env', { stdout: [/^COLOUR=blue$/m, /^TOKEN=s3cret$/m] }),
    cli('CLI-107', 'kubectl exec nobody -- true', {
      code: 1,
      stderr: 'Error from server (NotFound): pods "nobody" not found\n',
    }),
    cli('CLI-78', 'kubectl exec app -- cat /etc/resolv.conf', {
      stdout: [/^search \S+\.svc\.cluster\.local svc\.cluster\.local cluster\.local/m, /^nameserver \d/m, /ndots:5/],
    }),

    cli('CLI-45 CLI-65', 'kubectl logs talker', { again: true, stdout: /^line 1\nline 2\n/ }),
    cli('CLI-12', 'kubectl logs -f talker', { until: /line 12\n/, stdout: /^line 1\nline 2\n/ }),
    cli('CLI-12 CLI-123', 'NAME=talker; kubectl logs -f ${NAME} --tail=2', { until: /(line \d+\n){5}/ }),
    cli('CLI-121', 'kubectl logs two -c two', { again: true, stdout: 'I am two\n' }),
    cli('CLI-65', 'kubectl logs nobody', { code: 1, stderr: /pods "nobody" not found/ }),

    cli('CLI-104', 'kubectl expose pod talker --port=444 --name=frontend', {
      code: 1,
      stderr: /the pod has no labels and cannot be exposed/,
    }),
    cli('CLI-104', 'kubectl expose pod app --port=444 --name=frontend', {
      stdout: 'service/frontend exposed\n',
      server: {
        '/api/v1/namespaces/{ns}/services/frontend': {
          spec: { ports: [{ port: 444, targetPort: 444 }], selector: { app: 'app' } },
        },
      },
    }),
    cli('CLI-105', 'kubectl port-forward web $PORT:8080', {
      until: /Forwarding from 127\.0\.0\.1:\d+ -> 8080/,
      meanwhile: [`node -e "fetch('http://127.0.0.1:$PORT').then((a) => a.text()).then(console.log)"`, /^works$/m],
    }),
    cli('CLI-106', 'kubectl attach app -i', { input: 'what I type\n', until: /got what I type/ }),
    cli('CLI-108', 'kubectl label pods app mylabel=NotALabel', {
      stdout: 'pod/app labeled\n',
      server: { '/api/v1/namespaces/{ns}/pods/app': { metadata: { labels: { mylabel: 'NotALabel' } } } },
    }),
    cli('CLI-108', 'kubectl label pods app mylabel=other', {
      code: 1,
      stderr: /'mylabel' already has a value \(NotALabel\), and --overwrite is false/,
    }),
    cli('CLI-109', 'kubectl run -i --tty busybox --image=busybox:1 --restart=Never -- sh', {
      typed: { after: /~ # |If you don't see a command prompt/, keys: '\recho three$((1+3)); exit\r' },
      stdout: /three4/,
      server: {
        '/api/v1/namespaces/{ns}/pods/busybox': {
          spec: { restartPolicy: 'Never', containers: [{ args: ['sh'], stdin: true, stdinOnce: true, tty: true }] },
          status: { phase: 'Succeeded' },
        },
      },
    }),
    cli(
      'CLI-120',
      'echo carried > here.txt; kubectl cp here.txt app:/tmp/there.txt; kubectl exec app -- cat /tmp/there.txt',
      { stdout: 'carried\n' },
    ),
    cli('CLI-120', 'kubectl cp app:/tmp/there.txt back.txt', { file: ['back.txt', /^carried\n$/] }),
    cli(
      'CLI-120',
      'kubectl debug app --image=busybox:1 --container=helper --target=main -- sh -c "echo helping; sleep 100"',
      {
        since: [25, 'it cannot do it yet'],
        server: {
          '/api/v1/namespaces/{ns}/pods/app': {
            status: { ephemeralContainerStatuses: [{ name: 'helper', state: { running: {} } }] },
          },
        },
      },
    ),
    cli('CLI-120', 'kubectl logs app -c helper', {
      since: [25, 'it cannot do it yet'],
      again: true,
      stdout: 'helping\n',
    }),
    cli('CLI-120', 'kubectl get events', {
      stdout: [/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/, /Normal +Started +pod\/app/],
    }),
    cli('CLI-120', 'kubectl events --for pod/app', {
      since: [25, 'it cannot do it yet'],
      stdout: /Normal +Started +Pod\/app/,
    }),
    cli('CLI-24', 'kubectl top pod', {
      again: true,
      stdout: [/^NAME +CPU\(cores\) +MEMORY\(bytes\)/, /^talker +\d+m +\d+Mi/m],
    }),
    cli('CLI-24', 'kubectl top node', { again: true, stdout: /^NAME +CPU\(cores\)/ }),
    cli('CLI-120', 'kubectl wait --for=delete pod/app --timeout=1s', {
      code: 1,
      stderr: /timed out waiting for the condition/,
    }),
    cli('CLI-89', 'kubectl delete pod app talker', {
      stdout: /^pod "app" deleted/,
      server: { '/api/v1/namespaces/{ns}/pods/app': 'gone' },
    }),
  ],
};
