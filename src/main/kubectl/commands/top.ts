import type { KubeObject } from '@shared/k8s';
import { parseBytes, parseQuantity } from '@shared/quantity';
import { isNotFound, KubectlError } from '../errors';
import { selectorFlag, type Command, type CommandCall } from '../command';
import type { Flag } from '../flags';
import { textTable } from '../output/table';

interface Usage {
  cpu: number;
  memory: number;
}

const usageOf = (usage: { cpu?: string; memory?: string } | undefined): Usage => ({
  // In cores, so that small amounts are not rounded before they are added.
  cpu: parseQuantity(usage?.cpu),
  memory: parseBytes(usage?.memory),
});

const sum = (list: readonly Usage[]): Usage =>
  list.reduce((total, one) => ({ cpu: total.cpu + one.cpu, memory: total.memory + one.memory }), { cpu: 0, memory: 0 });

const cores = ({ cpu }: Usage): string => `${Math.ceil(Number((cpu * 1000).toFixed(6)))}m`;
const bytes = ({ memory }: Usage): string => `${Math.floor(memory / (1024 * 1024))}Mi`;

async function metrics(call: CommandCall, path: string): Promise<KubeObject[]> {
  const query = {
    labelSelector: call.flags.string('selector') || undefined,
    fieldSelector: call.flags.has('field-selector') ? call.flags.string('field-selector') || undefined : undefined,
  };
  try {
    const { body } = await call.session.request<any>({
      method: 'GET',
      path: `/apis/metrics.k8s.io/v1beta1/${path}`,
      query,
    });
    return body.items ?? [body];
  } catch (error) {
    const served = (await call.session.discovery()).groupVersions.includes('metrics.k8s.io/v1beta1');
    if (isNotFound(error) && !served) throw new KubectlError('Metrics API not available');
    throw error;
  }
}

function sorter(call: CommandCall): ((a: Usage, b: Usage) => number) | undefined {
  const by = call.flags.string('sort-by');
  if (by && by !== 'cpu' && by !== 'memory') throw new KubectlError('--sort-by accepts only cpu or memory');
  return by ? (a, b) => b[by as keyof Usage] - a[by as keyof Usage] : undefined;
}

async function topNodes(call: CommandCall): Promise<void> {
  const order = sorter(call);
  const name = call.args[0];
  const [nodes, items] = await Promise.all([
    call.session.request<any>({
      method: 'GET',
      path: name ? `/api/v1/nodes/${name}` : '/api/v1/nodes',
      query: name ? {} : { labelSelector: call.flags.string('selector') || undefined },
    }),
    metrics(call, name ? `nodes/${name}` : 'nodes'),
  ]);
  const field = call.flags.bool('show-capacity') ? 'capacity' : 'allocatable';
  const known = new Map<string, Usage>(
    ((nodes.body.items ?? [nodes.body]) as KubeObject[]).map((node) => [
      node.metadata!.name!,
      usageOf(node.status?.[field]),
    ]),
  );
  const rows = items.map((item) => ({ name: item.metadata!.name!, usage: usageOf(item.usage) }));
  rows.sort((a, b) => order?.(a.usage, b.usage) || (a.name < b.name ? -1 : 1));
  const percent = (part: number, whole: number | undefined): string =>
    whole ? `${Math.trunc((part * 100) / whole)}%` : '<unknown>';
  const measured = new Set(rows.map((row) => row.name));
  call.out(
    textTable(
      ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'],
      [
        ...rows.map(({ name: node, usage }) => [
          node,
          cores(usage),
          percent(usage.cpu, known.get(node)?.cpu),
          bytes(usage),
          percent(usage.memory, known.get(node)?.memory),
        ]),
        ...[...known.keys()]
          .filter((node) => !measured.has(node))
          .map((node) => [node, ...Array<string>(4).fill('<unknown>')]),
      ],
      { noHeaders: call.flags.bool('no-headers'), padLast: true },
    ),
  );
}

async function topPods(call: CommandCall): Promise<void> {
  const { flags, session } = call;
  const order = sorter(call);
  const everywhere = flags.bool('all-namespaces');
  const namespace = await session.namespace();
  const name = call.args[0];
  const items = await metrics(call, everywhere ? 'pods' : `namespaces/${namespace}/pods${name ? `/${name}` : ''}`);
  if (items.length === 0) {
    const pods = await call.session.request<{ items: unknown[] }>({
      method: 'GET',
      path: everywhere ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`,
      query: { labelSelector: flags.string('selector') || undefined, limit: 1 },
    });
    if (pods.body.items.length > 0) throw new KubectlError('metrics not available yet');
    call.err(everywhere ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`);
    return;
  }
  const pods = items.map((item) => ({
    item,
    containers: ((item.containers ?? []) as { name: string; usage: object }[]).map((container) => ({
      name: container.name,
      usage: usageOf(container.usage),
    })),
  }));
  const total = (pod: (typeof pods)[number]): Usage => sum(pod.containers.map((container) => container.usage));
  pods.sort((a, b) => {
    const [left, right] = [a.item.metadata!, b.item.metadata!];
    if (order) return order(total(a), total(b));
    return (
      (left.namespace! < right.namespace! ? -1 : left.namespace! > right.namespace! ? 1 : 0) ||
      (left.name! < right.name! ? -1 : 1)
    );
  });
  const place = (pod: (typeof pods)[number]): string[] => (everywhere ? [pod.item.metadata!.namespace!] : []);
  const rows = flags.bool('containers')
    ? pods.flatMap((pod) =>
        pod.containers.map(({ name: container, usage }) => [
          ...place(pod),
          pod.item.metadata!.name!,
          container,
          cores(usage),
          bytes(usage),
        ]),
      )
    : pods.map((pod) => [...place(pod), pod.item.metadata!.name!, cores(total(pod)), bytes(total(pod))]);
  if (flags.bool('sum') && rows.length > 0) {
    const all = sum(pods.map(total));
    const blank = (everywhere ? 1 : 0) + (flags.bool('containers') ? 1 : 0);
    rows.push([...Array<string>(blank + 1).fill(''), '________', '________']);
    rows.push([...Array<string>(blank).fill(''), '', cores(all), bytes(all)]);
  }
  const headers = [
    ...(everywhere ? ['NAMESPACE'] : []),
    ...(flags.bool('containers') ? ['POD', 'NAME'] : ['NAME']),
    'CPU(cores)',
    'MEMORY(bytes)',
  ];
  call.out(textTable(headers, rows, { noHeaders: flags.bool('no-headers'), padLast: true }));
}

const topFlags: Flag[] = [
  selectorFlag,
  { name: 'sort-by', type: 'string', help: 'cpu or memory.' },
  { name: 'no-headers', type: 'bool', default: 'false', help: 'No header line.' },
  { name: 'use-protocol-buffers', type: 'bool', default: 'true', help: 'Accepted.' },
];

export const top: Command = {
  name: 'top',
  summary: 'Display resource (CPU/memory) usage',
  subcommands: [
    {
      name: 'node',
      aliases: ['nodes', 'no'],
      summary: 'Display resource (CPU/memory) usage of nodes',
      usage: '[NAME | -l label]',
      flags: [
        ...topFlags,
        {
          name: 'show-capacity',
          type: 'bool',
          default: 'false',
          help: 'Percent of the capacity, not of what pods may use.',
        },
      ],
      run: topNodes,
    },
    {
      name: 'pod',
      aliases: ['pods', 'po'],
      summary: 'Display resource (CPU/memory) usage of pods',
      usage: '[NAME | -l label]',
      flags: [
        ...topFlags,
        { name: 'all-namespaces', short: 'A', type: 'bool', default: 'false', help: 'Pods of every namespace.' },
        { name: 'containers', type: 'bool', default: 'false', help: 'One line per container.' },
        { name: 'field-selector', type: 'string', help: 'Field selector.' },
        { name: 'sum', type: 'bool', default: 'false', help: 'A last line with the sum.' },
      ],
      run: topPods,
    },
  ],
};
