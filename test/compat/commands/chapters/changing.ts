import { cli, type Chapter } from '../entry';

const made = '/api/v1/namespaces/{ns}/configmaps/made';

/** What changes objects that are there, and what tells about the server. */
export const changingChapter: Chapter = {
  name: 'changing',
  files: {
    'made.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: made }\ndata: { a: "9" }\n',
    'ours.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ours }\ndata: { a: "1" }\n',
    'theirs.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ours }\ndata: { a: "2" }\n',
  },
  entries: [
    cli('CLI-35', 'kubectl version', { stdout: [/Client Version/, /Server Version.*v1\.\d+\.\d+/] }),
    cli('CLI-35', 'kubectl cluster-info', { stdout: /is running at/ }),
    cli('CLI-67', 'kubectl api-resources', {
      stdout: [
        /^NAME +SHORTNAMES +API(VERSION|GROUP) +NAMESPACED +KIND$/m,
        /^deployments +deploy +apps\S* +true +Deployment$/m,
        /^horizontalpodautoscalers +hpa +autoscaling\S* +true +HorizontalPodAutoscaler$/m,
      ],
    }),
    cli('CLI-67', 'kubectl api-versions', { stdout: /^discovery\.k8s\.io\/v1$/m }),
    cli('CLI-68', 'kubectl get svc --namespace kube-system', {
      stdout: /^kube-dns +ClusterIP +10\.\S+ +<none> +53\/UDP,53\/TCP/m,
    }),
    cli('CLI-77', 'kubectl get pods -n kube-system -l k8s-app=kube-dns', { again: true, stdout: / 1\/1 +Running / }),
    cli('CLI-86', 'echo $KUBECONFIG; kubectl config view', {
      stdout: [/^\S+/, /current-context: /, /DATA\+OMITTED|REDACTED/],
    }),

    cli('CLI-120', 'kubectl create configmap made --from-literal=a=1', { stdout: 'configmap/made created\n' }),
    cli('CLI-120', 'kubectl annotate configmap made note="some words"', {
      stdout: { since: { 20: 'configmap/made annotated\n' } },
      server: { [made]: { metadata: { annotations: { note: 'some words' } } } },
    }),
    cli('CLI-120 CLI-122', 'kubectl annotate configmap/made note-', { server: { [made]: { data: { a: '1' } } } }),
    cli('CLI-120', `kubectl patch configmap made -p '{"data":{"b":"2"}}'`, {
      stdout: 'configmap/made patched\n',
      server: { [made]: { data: { a: '1', b: '2' } } },
    }),
    cli('CLI-120', `kubectl patch cm/made --type=json -p '[{"op":"remove","path":"/data/b"}]'`, {
      stdout: 'configmap/made patched\n',
    }),
    cli('CLI-120', `kubectl patch cm made --type=merge -p '{"data":{"c":"3"}}'`, {
      server: { [made]: { data: { a: '1', c: '3' } } },
    }),
    cli('CLI-120', `kubectl patch cm made --type=merge -p '{"data":{"c":"3"}}'`, {
      stdout: 'configmap/made patched (no change)\n',
    }),
    cli('CLI-120', 'kubectl diff -f made.yaml', { code: 1, stdout: [/^- {2}a: "1"$/m, /^\+ {2}a: "9"$/m] }),
    cli('CLI-120', 'kubectl replace -f made.yaml', {
      stdout: 'configmap/made replaced\n',
      server: { [made]: { data: { a: '9' } } },
    }),
    cli('CLI-120', 'kubectl replace --force -f made.yaml', { stdout: [/deleted/, /configmap\/made replaced/] }),
    cli('CLI-120', 'kubectl get cm made -o yaml | sed \'s/a: "9"/a: "8"/\' | kubectl replace -f -', {
      server: { [made]: { data: { a: '8' } } },
    }),
    cli('CLI-120', 'kubectl apply -f made.yaml', {
      stdout: 'configmap/made configured\n',
      stderr: /missing the (annotation )?kubectl.kubernetes.io\/last-applied-configuration/,
    }),
    cli('CLI-120', 'kubectl apply --server-side -f ours.yaml', { stdout: 'configmap/ours serverside-applied\n' }),
    cli('CLI-120', 'kubectl apply --server-side --field-manager=them -f theirs.yaml', {
      code: 1,
      stderr: /Apply failed with 1 conflict: conflict with "kubectl": \.data\.a/,
    }),
    cli('CLI-120', 'kubectl apply --server-side --field-manager=them --force-conflicts -f theirs.yaml', {
      server: { '/api/v1/namespaces/{ns}/configmaps/ours': { data: { a: '2' } } },
    }),
    cli('CLI-120', 'kubectl explain deployment.spec.replicas', {
      stdout: [/replicas\b.*<?integer>?/, /Number of desired pods/],
    }),
    cli('CLI-120', 'kubectl explain pod.spec.containers.livenessProbe', {
      stdout: [/livenessProbe/, /initialDelaySeconds/],
    }),
    cli('CLI-120', 'kubectl explain pods --recursive', { stdout: /terminationGracePeriodSeconds/ }),
    cli('CLI-121', 'kubectl get configmaps -A', { stdout: /^kube-system +/m }),
    cli('CLI-121', `kubectl get cm made -o go-template --template='{{.metadata.name}}{{"\\n"}}'`, { stdout: 'made\n' }),
    cli('CLI-121', 'kubectl get cm -o custom-columns=NAME:.metadata.name,A:.data.a', { stdout: /^made +9$/m }),
    cli('CLI-121', 'kubectl get cm --sort-by=.metadata.name -o name', {
      stdout: 'configmap/kube-root-ca.crt\nconfigmap/made\nconfigmap/ours\n',
    }),
    cli('CLI-121', 'kubectl get cm --field-selector metadata.name=made -o name', { stdout: 'configmap/made\n' }),
    cli('CLI-121', 'kubectl get cm made --watch --output-watch-events -o name', {
      until: /configmap\/made/,
    }),
    cli('CLI-122', 'kubectl get configmap made --namespace={ns} -o name', { stdout: 'configmap/made\n' }),
    cli('CLI-122', 'kubectl get configmap/made --namespace {ns} -o name', { stdout: 'configmap/made\n' }),
    cli('CLI-89', 'kubectl delete cm made ours', { server: { [made]: 'gone' } }),

    cli('CLI-120', 'kubectl config get-contexts', { stdout: /^\* +\S+ +\S+ +\S+ +{ns}$/m }),
    cli('CLI-120', 'kubectl config current-context', { stdout: /^\S+\n$/, save: 'CONTEXT' }),
    cli('CLI-120', 'kubectl config use-context nowhere', {
      code: 1,
      stderr: 'error: no context exists with the name: "nowhere"\n',
    }),
    cli('CLI-120', 'kubectl config use-context $CONTEXT', { stdout: 'Switched to context "$CONTEXT".\n' }),
    cli('CLI-69', 'kubectl config set-context --current --namespace kube-system', {
      stdout: 'Context "$CONTEXT" modified.\n',
    }),
    cli('CLI-69', 'kubectl get svc -o name', { stdout: /^service\/kube-dns$/m }),
    cli('CLI-69', 'kubectl config set-context --current --namespace={ns}', {
      stdout: 'Context "$CONTEXT" modified.\n',
    }),
  ],
};
