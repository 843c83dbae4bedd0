import type { KubeObject } from '@shared/k8s';
import type { Command, CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import type { Flag } from '../../flags';
import { generator } from './generate';

const tcpFlag: Flag = { name: 'tcp', type: 'list', help: 'PORT or PORT:TARGETPORT.' };

function port(text: string, nodePort: number): object {
  const [first = '', second] = text.split(':');
  const number = Number(first);
  if (!/^\d+$/.test(first) || number < 1 || number > 65535) throw new KubectlError(`invalid port: ${text}`);
  const target = second ?? first;
  return {
    name: second === undefined ? first : `${first}-${second}`,
    port: number,
    protocol: 'TCP',
    targetPort: /^\d+$/.test(target) ? Number(target) : target,
    ...(nodePort ? { nodePort } : {}),
  };
}

function service(call: CommandCall, name: string, type: string, extra: object = {}): KubeObject {
  const nodePort = call.flags.has('node-port') ? call.flags.int('node-port') : 0;
  const ports = call.flags.list('tcp').map((text) => port(text, nodePort));
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: { app: name } },
    spec: { ...(ports.length > 0 ? { ports } : {}), selector: { app: name }, type, ...extra },
    status: { loadBalancer: {} },
  };
}

function needPorts(call: CommandCall): void {
  if (call.flags.list('tcp').length === 0) throw new KubectlError('at least one tcp port specifier must be provided');
}

const clusterIp = generator(
  {
    name: 'clusterip',
    summary: 'Create a ClusterIP service',
    usage: 'NAME [--tcp=<port>:<targetPort>]',
    flags: [tcpFlag, { name: 'clusterip', type: 'string', help: 'The address, or None for a headless service.' }],
  },
  (call, name) => {
    const ip = call.flags.string('clusterip');
    if (ip !== 'None') needPorts(call);
    return service(call, name, 'ClusterIP', ip ? { clusterIP: ip } : {});
  },
  'ClusterIP service',
);

const nodePort = generator(
  {
    name: 'nodeport',
    summary: 'Create a NodePort service',
    usage: 'NAME --tcp=port:targetPort',
    flags: [tcpFlag, { name: 'node-port', type: 'int', default: '0', help: 'The port on every node.' }],
  },
  (call, name) => {
    needPorts(call);
    return service(call, name, 'NodePort');
  },
  'NodePort service',
);

const loadBalancer = generator(
  { name: 'loadbalancer', summary: 'Create a LoadBalancer service', usage: 'NAME --tcp=port:port', flags: [tcpFlag] },
  (call, name) => {
    needPorts(call);
    return service(call, name, 'LoadBalancer');
  },
  'LoadBalancer service',
);

const externalName = generator(
  {
    name: 'externalname',
    summary: 'Create an ExternalName service',
    usage: 'NAME --external-name external.name',
    flags: [tcpFlag, { name: 'external-name', type: 'string', help: 'The name it stands for.' }],
    required: ['external-name'],
  },
  (call, name) => service(call, name, 'ExternalName', { externalName: call.flags.string('external-name') }),
  'ExternalName service',
);

export const createService: Command = {
  name: 'service',
  aliases: ['svc'],
  summary: 'Create a service using a specified subcommand',
  subcommands: [clusterIp, externalName, loadBalancer, nodePort],
};
