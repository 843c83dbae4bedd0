import { cli, type Chapter } from '../entry';

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  labels:
    app: nginx
spec:
  replicas: 2
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: nginx
          image: gantry-test/web:v1
          ports:
            - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: nginx-service
spec:
  selector:
    app: nginx
  ports:
    - protocol: TCP
      port: 80
      targetPort: 8080
`;

const same = `apiVersion: v1
kind: Service
metadata: { name: same }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: same }
spec: { terminationGracePeriodSeconds: 0, containers: [{ name: same, image: gantry-test/web:v1 }] }
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: { name: same }
spec:
  replicas: 0
  selector: { matchLabels: { app: same } }
  template:
    metadata: { labels: { app: same } }
    spec: { containers: [{ name: same, image: gantry-test/web:v1 }] }
`;

const deployment = '/apis/apps/v1/namespaces/{ns}/deployments/nginx-deployment';
const image = (version: string) => ({
  spec: { template: { spec: { containers: [{ image: `gantry-test/web:${version}` }] } } },
});
const rolledOut = /successfully rolled out/;

/** A Deployment from a manifest: looked at in every way, scaled, rolled out and back, and taken away. */
export const deploymentChapter: Chapter = {
  name: 'deployment',
  files: {
    'nginx-deployment.yaml': manifest,
    'same.yaml': same,
    'typo.yaml': manifest.split('---')[0]!.replace('replicas:', 'replicaCount:').replace('nginx-deployment', 'typo'),
  },
  entries: [
    cli('CLI-05 CLI-16 CLI-50 CLI-88 CLI-92', 'kubectl apply -f nginx-deployment.yaml', {
      stdout: 'deployment.apps/nginx-deployment created\nservice/nginx-service created\n',
      server: { [deployment]: { spec: { replicas: 2 } } },
    }),
    cli('CLI-50', 'kubectl apply -f nginx-deployment.yaml', {
      stdout: 'deployment.apps/nginx-deployment unchanged\nservice/nginx-service unchanged\n',
    }),
    cli('CLI-05', 'kubectl apply -f typo.yaml', {
      code: 1,
      stderr: { since: { 20: /unknown field "replicaCount"/, 27: /unknown field "spec.replicaCount"/ } },
      server: { '/apis/apps/v1/namespaces/{ns}/deployments/typo': 'gone' },
    }),
    cli('CLI-13', 'kubectl rollout status deploy nginx-deployment', { stdout: rolledOut }),
    cli('CLI-113', 'kubectl rollout status deployment/nginx-deployment', { stdout: rolledOut }),
    cli('CLI-06', 'kubectl get all', {
      stdout: [
        /^pod\/nginx-deployment-\w+-\w+ +1\/1 +Running/m,
        /^service\/nginx-service +ClusterIP +10\.\S+ +<none> +80\/TCP/m,
        /^deployment.apps\/nginx-deployment +2\/2 +2 +2 /m,
        /^replicaset.apps\/nginx-deployment-\w+ +2 +2 +2 /m,
        /^(?![\s\S]*(configmap|secret|serviceaccount|endpoints)\/)/,
      ],
    }),
    cli('CLI-55', 'Kubectl get all', { stdout: /^deployment.apps\/nginx-deployment/m }),
    cli('CLI-07', 'kubectl get -n kube-system', {
      code: 1,
      stderr: /You must specify the type of resource to get/,
    }),
    cli('CLI-07', 'kubectl get all -n kube-system', { stdout: /^service\/kube-dns /m }),
    cli('CLI-08 CLI-123', 'kubectl get po # other options to show labels etc', {
      stdout: /^NAME +READY +STATUS +RESTARTS +AGE\nnginx-deployment-/,
    }),
    cli('CLI-09 CLI-87', 'kubectl get service', { stdout: /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\n/ }),
    cli('CLI-37', 'Kubectl get services', { stdout: /^nginx-service +ClusterIP/m }),
    cli('CLI-10', 'kubectl get pv', { stdout: '', stderr: 'No resources found\n' }),
    cli('CLI-33', 'Kubectl get nodes', { stdout: /^NAME +STATUS +ROLES +AGE +VERSION\n\S+ +Ready +\S+ +\S+ +v1\.\d/ }),
    cli('CLI-33', 'kubectl get nodes', { stdout: / Ready / }),
    cli('CLI-36 CLI-102', 'kubectl get pods', { stdout: /^(nginx-deployment-\S+ +1\/1 +Running +0 .*\n){2}/m }),
    cli('CLI-36', 'kubectl get pod', { stdout: /^nginx-deployment-/m }),
    cli('CLI-41', 'kubectl get deployment', { stdout: /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\n/ }),
    cli('CLI-97 CLI-110', 'kubectl get deployments nginx-deployment', { stdout: /^nginx-deployment +2\/2/m }),
    cli('CLI-42', 'kubectl get replicaset', { stdout: /^NAME +DESIRED +CURRENT +READY +AGE\n/ }),
    cli('CLI-111 CLI-122', 'kubectl get rs', { stdout: /^nginx-deployment-\w+ +2 +2 +2/m }),
    cli('CLI-43', 'Kubectl get replicassets', {
      code: 1,
      stderr: `error: the server doesn't have a resource type "replicassets"\n`,
    }),
    cli('CLI-51', 'kubectl get nodes,pod,services,replicaset,deployment', {
      stdout: [/^node\//m, /^pod\//m, /^service\//m, /^replicaset.apps\//m, /^deployment.apps\//m],
    }),
    cli('CLI-53', 'kubectl get pod -o wide', {
      stdout: [
        / IP +NODE +NOMINATED NODE +READINESS GATES\n/,
        / Running +0 +\S+ +\d+\.\d+\.\d+\.\d+ +\S+ +<none> +<none>/,
      ],
    }),
    cli('CLI-54 CLI-123', 'kubectl get deployment nginx-deployment -o yaml > nginx-deployment-result.yaml', {
      stdout: '',
      file: ['nginx-deployment-result.yaml', /^apiVersion: apps\/v1\nkind: Deployment\n[^]*\nstatus:\n/m],
    }),
    cli('CLI-58', 'kubectl get nodes -v=9', {
      stderr: [/curl/, /GET/, /Accept: application\/json;as=Table/, /200 OK/],
    }),
    cli('CLI-59', 'kubectl get pods -v=9', { stderr: [/\/namespaces\/cli-[^ ]*\/pods\?limit=500/, /200 OK/] }),
    cli('CLI-99', 'kubectl get replicasets --selector=app=nginx', { stdout: /^nginx-deployment-\w+ +2 /m }),
    cli('CLI-121', 'kubectl get replicasets -l app=nginx -o jsonpath={.items[0].metadata.name}', { save: 'RS' }),
    cli('CLI-121', 'kubectl get pods -l app=nginx -o jsonpath={.items[0].metadata.name}', { save: 'POD' }),
    cli('CLI-63', 'kubectl get pods $POD -o yaml', {
      stdout: [/^kind: Pod$/m, /^ {2}phase: Running$/m, /containerID: docker:\/\/[0-9a-f]{64}/],
    }),
    cli('CLI-64 CLI-46 CLI-103', 'kubectl describe pods $POD', {
      stdout: [/^Controlled By: +ReplicaSet\/\S+$/m, /Normal +Scheduled/, /Normal +Started/],
    }),
    cli('CLI-46', 'Kubectl describe pod $POD', { stdout: /^Name: +nginx-deployment-/ }),
    cli('CLI-70', 'kubectl get deploy nginx-deployment'),
    cli('CLI-70', 'kubectl describe deploy nginx-deployment', {
      stdout: [/^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m, /ScalingReplicaSet/],
    }),
    cli('CLI-71', 'kubectl describe rs', {
      stdout: [/^Controlled By: +Deployment\/nginx-deployment$/m, /SuccessfulCreate/],
    }),
    cli('CLI-11', 'kubectl describe svc/po/rs nginx-service', {
      code: 1,
      stderr: /there is no need to specify a resource type as a separate argument|arguments in resource\/name form/,
    }),
    cli('CLI-11', 'kubectl apply -f same.yaml'),
    cli('CLI-11', 'kubectl describe svc,po,rs same', {
      stdout: [/^Port: +<unset> +80\/TCP$/m, /^Node: +\S+\/\d/m, /^Replicas: +0 current \/ 0 desired$/m],
    }),
    cli('CLI-11', 'kubectl delete svc,po,rs same'),
    cli('CLI-11', 'kubectl describe svc nginx', { stdout: [/^Endpoints: +\d\S+:8080,/m, /^Name: +nginx-service$/m] }),
    cli('CLI-98', 'kubectl get deployments nginx-deployment -o jsonpath --template {.spec.selector.matchLabels}', {
      stdout: '{"app":"nginx"}',
    }),
    cli('CLI-112', 'kubectl get pods --show-labels', { stdout: /app=nginx,pod-template-hash=\w+/ }),
    cli('CLI-74', 'kubectl get endpointslices', { stdout: /^nginx-service-\w+ +IPv4 +8080 +\d\S+,\d\S+/m }),
    cli('CLI-72', 'kubectl scale deploy nginx-deployment --replicas 5', {
      stdout: 'deployment.apps/nginx-deployment scaled\n',
      server: { [deployment]: { spec: { replicas: 5 }, status: { readyReplicas: 5 } } },
    }),
    cli('CLI-100', 'kubectl scale deployments nginx-deployment --replicas=2', {
      server: { [deployment]: { spec: { replicas: 2 }, status: { replicas: 2 } } },
    }),
    cli('CLI-101', 'kubectl scale replicasets $RS --replicas=1', {
      stdout: 'replicaset.apps/$RS scaled\n',
      server: {
        '/apis/apps/v1/namespaces/{ns}/replicasets/$RS': { spec: { replicas: 2 }, status: { readyReplicas: 2 } },
      },
    }),
    cli('CLI-114', 'kubectl set image deployment/nginx-deployment nginx=gantry-test/web:v2', {
      stdout: 'deployment.apps/nginx-deployment image updated\n',
      server: { [deployment]: image('v2') },
    }),
    cli('CLI-120', 'kubectl annotate deployment/nginx-deployment kubernetes.io/change-cause="second version"'),
    cli('CLI-73 CLI-113', 'kubectl rollout status deployment/nginx-deployment', { stdout: rolledOut }),
    cli('CLI-14', 'kubectl rollout history deploy nginx-deployment', {
      stdout: [/^REVISION +CHANGE-CAUSE$/m, /^1 +<none>$/m],
    }),
    cli('CLI-116', 'kubectl rollout history deployment/nginx-deployment', {
      again: true,
      stdout: /^2 +second version$/m,
    }),
    cli('CLI-116', 'kubectl rollout history deployment/nginx-deployment --revision=2', {
      stdout: /gantry-test\/web:v2/,
    }),
    cli('CLI-118', 'kubectl rollout undo deployment/nginx-deployment --to-revision=n', {
      code: 1,
      stderr: /invalid argument "n" for "--to-revision" flag: strconv.ParseInt: parsing "n": invalid syntax/,
    }),
    cli('CLI-118', 'kubectl rollout undo deployment/nginx-deployment --to-revision=77', {
      code: 1,
      stderr: /unable to find specified revision 77 in history/,
    }),
    cli('CLI-15', 'kubectl rollout undo deploy nginx-deployment --to-revision=1 # by default goes back by 1 version', {
      stdout: 'deployment.apps/nginx-deployment rolled back\n',
      server: { [deployment]: image('v1') },
    }),
    cli('CLI-73', 'kubectl rollout status deploy nginx-deployment', { stdout: rolledOut }),
    cli('CLI-14', 'kubectl rollout history deploy nginx-deployment', { again: true, stdout: /^(?![^]*^1 )[^]*^3 /m }),
    cli('CLI-117', 'kubectl rollout undo deployment/nginx-deployment', { server: { [deployment]: image('v2') } }),
    cli('CLI-73', 'kubectl rollout pause deploy nginx-deployment', {
      stdout: 'deployment.apps/nginx-deployment paused\n',
      server: { [deployment]: { spec: { paused: true } } },
    }),
    cli('CLI-73', 'kubectl rollout resume deploy nginx-deployment', {
      stdout: 'deployment.apps/nginx-deployment resumed\n',
    }),
    cli('CLI-73', 'kubectl rollout resume deploy nginx-deployment', {
      code: 1,
      stderr: 'error: deployments.apps "nginx-deployment" is not paused\n',
    }),
    cli('CLI-73', 'kubectl rollout rollback deploy nginx-deployment', { code: 'fails' }),
    cli('CLI-120', 'kubectl rollout restart deployment nginx-deployment', {
      stdout: 'deployment.apps/nginx-deployment restarted\n',
    }),
    cli('CLI-120', 'kubectl rollout status deployment nginx-deployment --timeout=240s', { stdout: rolledOut }),
    cli('CLI-44', 'Kubectl edit deployment nginx-deployment', {
      env: { KUBE_EDITOR: `sed -i 's/replicas: 2$/replicas: 1/'` },
      stdout: 'deployment.apps/nginx-deployment edited\n',
      server: { [deployment]: { spec: { replicas: 1 } } },
    }),
    cli('CLI-115', 'kubectl edit deployment/nginx-deployment', {
      env: { KUBE_EDITOR: 'true' },
      stderr: 'Edit cancelled, no changes made.\n',
    }),
    cli('CLI-120', 'kubectl diff -f nginx-deployment.yaml', {
      code: 1,
      stdout: [/^-  replicas: 1$/m, /^\+  replicas: 2$/m, /^-.*image: gantry-test\/web:v2$/m],
    }),
    cli('CLI-52 CLI-89', 'kubectl delete -f nginx-deployment.yaml', {
      stdout: [/^deployment.apps "nginx-deployment" deleted/, /^service "nginx-service" deleted/m],
      server: { [deployment]: 'gone', '/api/v1/namespaces/{ns}/services/nginx-service': 'gone' },
    }),
    cli('CLI-52', 'kubectl delete -f nginx-deployment.yaml', {
      code: 1,
      stderr:
        /Error from server \(NotFound\): error when deleting "nginx-deployment.yaml": deployments.apps "nginx-deployment" not found/,
    }),
    cli('CLI-36', 'kubectl get pods', { again: true, stdout: '', stderr: 'No resources found in {ns} namespace.\n' }),
  ],
};
