import { cli, type Chapter } from '../entry';

const node = '/api/v1/nodes/$NODE';

/** What changes the node everybody runs on: each step is taken back. */
export const nodesChapter: Chapter = {
  name: 'nodes',
  alone: true,
  entries: [
    cli('CLI-33', 'kubectl get nodes -o jsonpath={.items[0].metadata.name}', { save: 'NODE' }),
    cli('CLI-23 CLI-123', 'NAME=$NODE; kubectl describe node ${NAME}', {
      stdout: [/^Conditions:/m, /Ready +True/, /^Allocated resources:/m, /^Non-terminated Pods:/m],
    }),
    cli(
      'CLI-120',
      'kubectl create deployment moved --image=gantry-test/web:v1; kubectl rollout status deployment/moved',
      { stdout: /successfully/ },
    ),
    cli('CLI-120', 'kubectl cordon $NODE', {
      stdout: 'node/$NODE cordoned\n',
      server: { [node]: { spec: { unschedulable: true } } },
    }),
    cli('CLI-33', 'kubectl get nodes', { stdout: /Ready,SchedulingDisabled/ }),
    cli('CLI-120', 'kubectl drain $NODE --pod-selector=app=moved --grace-period=1 --timeout=60s', {
      stdout: [/evict(ing|ed)/, /node\/\S+ (drained|evicted)/],
    }),
    cli('CLI-36', 'kubectl get pods -l app=moved', { again: true, stdout: /^moved-\S+ +0\/1 +Pending/m }),
    cli('CLI-120', 'kubectl get events', {
      again: true,
      stdout: /FailedScheduling .*0\/1 nodes are available: 1 node\(s\) were unschedulable/,
    }),
    cli('CLI-120', 'kubectl uncordon $NODE', { stdout: 'node/$NODE uncordoned\n' }),
    cli('CLI-120', 'kubectl rollout status deployment/moved --timeout=60s', { stdout: /successfully/ }),
    cli('CLI-120', 'kubectl taint nodes $NODE key=value:NoSchedule', {
      stdout: 'node/$NODE tainted\n',
      server: { [node]: { spec: { taints: [{ key: 'key', value: 'value', effect: 'NoSchedule' }] } } },
    }),
    cli('CLI-120', 'kubectl taint nodes $NODE key:NoSchedule-', { stdout: 'node/$NODE untainted\n' }),
    cli('CLI-120', 'kubectl label node $NODE disk=ssd', { stdout: 'node/$NODE labeled\n' }),
    cli('CLI-120', 'kubectl label node $NODE disk-', {
      stdout: { since: { 20: 'node/$NODE labeled\n', 22: 'node/$NODE unlabeled\n' } },
    }),
    cli('CLI-48', 'kubectl delete deployment moved'),
  ],
};
