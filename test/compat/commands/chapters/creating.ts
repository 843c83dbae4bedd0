import { cli, type Chapter } from '../entry';

const nginx = '/apis/apps/v1/namespaces/{ns}/deployments/nginx-depl';
const pod = (name: string) => `/api/v1/namespaces/{ns}/pods/${name}`;
const enDash = '–';

/** Objects made by commands alone, with what the notes mistype. */
export const creatingChapter: Chapter = {
  name: 'creating',
  files: {
    'class.yaml':
      'apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: { name: cli-class }\nspec: { controller: example.com/own }\n',
  },
  entries: [
    cli('CLI-38', 'kubectl create -h', {
      stdout: [/^Create a resource from a file or from stdin/, /deployment/, /secret/],
    }),
    cli('CLI-39', `kubectl create deployment NAME ${enDash}image=image`, {
      code: 1,
      stderr: /required flag\(s\) "image" not set/,
    }),
    cli('CLI-39', 'kubectl create deployment name --image=image --dry-run', {
      stdout: 'deployment.apps/name created (dry run)\n',
      stderr: /--dry-run is deprecated and can be replaced with --dry-run=client/,
      server: { '/apis/apps/v1/namespaces/{ns}/deployments/name': 'gone' },
    }),
    cli('CLI-39 CLI-121', 'kubectl create deployment name --image=image --dry-run=client -o yaml', {
      stdout: /^apiVersion: apps\/v1\nkind: Deployment\n[^]*- image: image\n/,
    }),
    cli('CLI-39', 'kubectl create deployment name --image=image --dry-run=server', {
      stdout: 'deployment.apps/name created (server dry run)\n',
      server: { '/apis/apps/v1/namespaces/{ns}/deployments/name': 'gone' },
    }),
    cli('CLI-49', 'kubectl create deployment name omage option1 option2', { code: 1 }),
    cli('CLI-49', 'Kubectl create deployment name', { code: 1, stderr: /required flag\(s\) "image" not set/ }),
    cli('CLI-40', 'kubectl create deployment nginx-depl --image=nginx', {
      stdout: 'deployment.apps/nginx-depl created\n',
      server: {
        [nginx]: {
          metadata: { labels: { app: 'nginx-depl' } },
          spec: { replicas: 1, template: { spec: { containers: [{ name: 'nginx', image: 'nginx' }] } } },
        },
      },
    }),
    cli('CLI-40', 'kubectl create deployment nginx-depl --image=nginx', {
      code: 1,
      stderr: /deployments.apps "nginx-depl" already exists/,
    }),
    cli('CLI-117', 'kubectl rollout undo deployment/nginx-depl', {
      code: 1,
      stderr: 'error: no rollout history found for deployment "nginx-depl"\n',
    }),
    cli('CLI-120', 'kubectl expose deployment nginx-depl --port=80 --target-port=8080 --type=NodePort', {
      stdout: 'service/nginx-depl exposed\n',
      server: {
        '/api/v1/namespaces/{ns}/services/nginx-depl': { spec: { type: 'NodePort', selector: { app: 'nginx-depl' } } },
      },
    }),
    cli('CLI-48', 'kubectl delete deployment nginx-depl', {
      stdout: /^deployment.apps "nginx-depl" deleted/,
      server: { [nginx]: 'gone' },
    }),
    cli('CLI-48', 'Kubectl delete deployment nginx-depl', {
      code: 1,
      stderr: 'Error from server (NotFound): deployments.apps "nginx-depl" not found\n',
    }),
    cli('CLI-91', 'kubectl run my-image --image=gcr.io/my-image-demo/my-image-amd64:1', {
      stdout: 'pod/my-image created\n',
      server: {
        [pod('my-image')]: {
          metadata: { labels: { run: 'my-image' } },
          spec: {
            containers: [{ name: 'my-image', image: 'gcr.io/my-image-demo/my-image-amd64:1' }],
            restartPolicy: 'Always',
          },
        },
      },
    }),
    cli('CLI-96', 'kubectl run nginx --image=nginx:1.7.12', {
      stdout: 'pod/nginx created\n',
      server: {
        [pod('nginx')]: { metadata: { labels: { run: 'nginx' } } },
        '/apis/apps/v1/namespaces/{ns}/deployments/nginx': 'gone',
      },
    }),
    cli('CLI-96', 'kubectl run nginx2 --image=nginx:1.7.12 --replicas=2', {
      code: { since: { 20: 0, 30: 1 } },
      stderr: { since: { 20: /--replicas has been deprecated, has no effect/, 30: /unknown flag: --replicas/ } },
    }),
    cli('CLI-89', 'kubectl delete pod my-image nginx --now', { server: { [pod('nginx')]: 'gone' } }),

    cli('CLI-22', 'kubectl create secret ...', { code: 1, stderr: /unknown command "\.\.\."/ }),
    cli('CLI-22', 'kubectl create secret', { code: 1, stderr: [/docker-registry/, /generic/, /tls/] }),
    cli(
      'CLI-93',
      'kubectl create secret docker-registry my-image-pull-secret --docker-username=me --docker-password=pass --docker-email=me@example.com',
      {
        stdout: 'secret/my-image-pull-secret created\n',
        server: { '/api/v1/namespaces/{ns}/secrets/my-image-pull-secret': { type: 'kubernetes.io/dockerconfigjson' } },
      },
    ),
    cli(
      'CLI-93',
      'kubectl create secret docker-registry my-image-pull-secret --docker-username= --docker-password= --docker-email=',
      { code: 1 },
    ),
    cli('CLI-94 CLI-95', `echo -n 'one file' > note.txt; mkdir -p notes; echo -n 'in a folder' > notes/other.txt`),
    cli(
      'CLI-94 CLI-95',
      'kubectl create secret generic four --from-file=note.txt --from-file=key=note.txt --from-file=notes --from-literal=word=hello',
      {
        stdout: 'secret/four created\n',
        server: {
          '/api/v1/namespaces/{ns}/secrets/four': {
            type: 'Opaque',
            data: {
              'note.txt': 'b25lIGZpbGU=',
              key: 'b25lIGZpbGU=',
              'other.txt': 'aW4gYSBmb2xkZXI=',
              word: 'aGVsbG8=',
            },
          },
        },
      },
    ),
    cli(
      'CLI-94 CLI-95',
      'kubectl create configmap four --from-file=note.txt --from-file=key=note.txt --from-file=notes --from-literal word=hello',
      {
        stdout: 'configmap/four created\n',
        server: {
          '/api/v1/namespaces/{ns}/configmaps/four': {
            data: { 'note.txt': 'one file', key: 'one file', 'other.txt': 'in a folder', word: 'hello' },
          },
        },
      },
    ),
    cli('CLI-21', 'kubectl get secret', {
      stdout: [/^NAME +TYPE +DATA +AGE$/m, /^four +Opaque +4 /m, /kubernetes.io\/dockerconfigjson +1/],
    }),
    cli('CLI-120', 'kubectl create secret tls none --cert=/no/such --key=/no/such', { code: 1 }),
    cli('CLI-56 CLI-123', `echo -n 'username' | base64`, { stdout: 'dXNlcm5hbWU=\n' }),
    cli('CLI-56 CLI-123', "kubectl get secret four -o jsonpath='{.data.word}' | base64 -d", { stdout: 'hello' }),

    cli('CLI-75', 'kubectl create ingress web --rule="example.com/*=four:80" --class=nginx', {
      stdout: /created/,
    }),
    cli('CLI-75', 'kubectl get ing', { stdout: /^web +nginx +example.com /m }),
    cli('CLI-76', 'kubectl apply -f class.yaml'),
    cli('CLI-76', 'kubectl get ingressclass', {
      stdout: [/^NAME +CONTROLLER +PARAMETERS +AGE$/m, /^cli-class +example.com\/own +<none>/m],
    }),
    cli('CLI-120', 'kubectl create quota small --hard=pods=7,configmaps=9', {
      stdout: 'resourcequota/small created\n',
      server: {
        '/api/v1/namespaces/{ns}/resourcequotas/small': { status: { hard: { pods: '7' }, used: { configmaps: '2' } } },
      },
    }),
    cli('CLI-120', 'kubectl create role reader --verb=get,list --resource=pods', {
      stdout: /created/,
    }),
    cli('CLI-120', 'kubectl create rolebinding readers --role=reader --user=eve', {
      stdout: /created/,
    }),
    cli('CLI-120', 'kubectl create serviceaccount robot', { stdout: 'serviceaccount/robot created\n' }),
    cli('CLI-120', 'kubectl create token robot', {
      since: [24, 'the command came with 1.24'],
      stdout: /^ey\S+\.\S+\.\S+$/,
    }),
    cli('CLI-120', 'kubectl create job once --image=busybox:1 -- true', {
      stdout: 'job.batch/once created\n',
      server: { '/apis/batch/v1/namespaces/{ns}/jobs/once': { status: { succeeded: 1 } } },
    }),
    cli('CLI-120', 'kubectl create service clusterip plain --tcp=80:8080', { stdout: /created/ }),
    cli('CLI-120', 'kubectl create namespace {ns}-more', {
      stdout: /created/,
      server: { '/api/v1/namespaces/{ns}-more': { status: { phase: 'Active' } } },
    }),
    cli('CLI-120', 'kubectl delete namespace {ns}-more --timeout=60s', {
      server: { '/api/v1/namespaces/{ns}-more': 'gone' },
    }),
    cli('CLI-120', 'kubectl auth can-i list pods', { stdout: 'yes\n' }),
    cli('CLI-120', 'kubectl auth can-i list pods --as=eve', { stdout: 'yes\n' }),
    cli('CLI-120', 'kubectl auth can-i delete pods --as=eve', { code: 1, stdout: 'no\n' }),
  ],
};
