import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, deleteCluster, startApp, type ApiClient } from '../test/support/app';
import { ensureBusybox } from '../test/support/docker';
import { containerIn, create, isReady, podsOf, runIn } from '../test/support/in-pods';
import { distribution, single, type Benchmark } from './figures';
import { measureReach } from './reach';

const megabytes = 200;
const connections = 200;
const rounds = 5;

/** For each of `$3` connections the microseconds until all has come. While that is little there is no process but bash. */
const fetchMany = `for i in $(seq $3); do t=\${EPOCHREALTIME/./}; exec 3<>/dev/tcp/$1/$2 || exit 1
  if [ $3 = 1 ]; then cat <&3 >/dev/null; else read -r -N 1 <&3; fi
  exec 3>&-; echo $((\${EPOCHREALTIME/./} - t)); done`;
/** Answers every connection with as many bytes as told. */
const serve = `use IO::Socket::INET; $SIG{CHLD} = "IGNORE"; ($port, $size) = @ARGV; $b = "x" x ($size < 1 << 20 ? $size : 1 << 20);
  $l = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1) or die;
  while ($c = $l->accept) { $left = $size; while ($left > 0) { $w = syswrite($c, $b, $left < length $b ? $left : length $b) or last; $left -= $w } close $c }`;

async function startPods(api: ApiClient, image: string): Promise<void> {
  const pods = '/api/v1/namespaces/default/pods';
  const perl = (name: string, port: number, size: number) => ({
    name,
    image,
    imagePullPolicy: 'Never',
    command: ['perl', '-e', serve, String(port), String(size)],
  });
  const spec = { terminationGracePeriodSeconds: 0, nodeSelector: { 'kubernetes.io/hostname': 'bench' } };
  await create(api, pods, {
    metadata: { name: 'server', labels: { app: 'server' } },
    spec: { ...spec, containers: [perl('small', 7001, 1), perl('big', 7002, megabytes * 1024 * 1024)] },
  });
  await create(api, pods, {
    metadata: { name: 'client', labels: { app: 'client' } },
    spec: { ...spec, containers: [{ name: 'main', image, imagePullPolicy: 'Never', command: ['sleep', '3600'] }] },
  });
  const ports = [7001, 7002].map((port) => ({ name: `p${port}`, port }));
  await create(api, '/api/v1/namespaces/default/services', {
    metadata: { name: 'server' },
    spec: { selector: { app: 'server' }, ports },
  });
}

/** Connections and bytes from pod to pod, through a Service and directly, turn and turn about; and from this machine. */
export const service: Benchmark = {
  name: 'service',
  async run(report) {
    await ensureBusybox();
    const app = await startApp({ args: ['--runtime', 'docker', '--no-ui', '--cluster-name', 'bench'] });
    const api = await apiClient(app.kubeconfig);
    try {
      const clusterId = /cluster=([0-9a-f]+)/.exec(app.log())![1]!;
      const routers = () => podsOf(api, 'kube-system', 'k8s-app=kube-proxy');
      while (!(await routers()).some(isReady)) await sleep(200);
      await startPods(api, (await routers())[0]!.spec!.containers[0]!.image!);
      const all = () => podsOf(api, 'default', 'app');
      while ((await all()).filter(isReady).length < 2) await sleep(100);
      const [client] = await podsOf(api, 'default', 'app=client');
      const [server] = await podsOf(api, 'default', 'app=server');
      const id = await containerIn(clusterId, client!);
      const { clusterIP } = (await api.call('GET', '/api/v1/namespaces/default/services/server')).body.spec;
      /** In milliseconds. */
      const fetch = async (to: string, port: number, count: number) =>
        (await runIn(id, ['bash', '-c', fetchMany, 'bash', to, String(port), String(count)]))
          .trim()
          .split('\n')
          .map((line) => Number(line) / 1000);
      const ways = { 'through-service': clusterIP as string, direct: server!.status!.podIP! };
      const samples = { 'through-service': { latency: [], speed: [] }, direct: { latency: [], speed: [] } } as Record<
        keyof typeof ways,
        { latency: number[]; speed: number[] }
      >;
      // The rules come within a second of the endpoints.
      await sleep(2000);
      for (let round = 0; round < rounds; round++) {
        for (const way of ['through-service', 'direct'] as const) {
          samples[way].latency.push(...(await fetch(ways[way], 7001, connections)));
          const [ms] = await fetch(ways[way], 7002, 1);
          samples[way].speed.push((megabytes / ms!) * 1000);
        }
      }
      const latency = (way: keyof typeof ways) => distribution(`service.connection.${way}`, samples[way].latency);
      const speed = (way: keyof typeof ways) => distribution(`service.throughput.${way}`, samples[way].speed, 'MiB/s');
      const [through, direct] = [latency('through-service'), latency('direct')];
      for (const figure of [through, direct, speed('through-service'), speed('direct')]) report(figure);
      report(single('service.connection.over-direct', 'ms', through.value - direct.value, through.n));
      const router = await containerIn(clusterId, (await routers())[0]!);
      const pod = { ip: server!.status!.podIP!, small: 7001, big: 7002 };
      await measureReach(report, { clusterId, router, pod, connections });
    } finally {
      api.close();
      await app.stop();
      await deleteCluster(app.dataDirectory);
    }
  },
};
