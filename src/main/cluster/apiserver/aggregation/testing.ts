import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { APIService, KubeObject } from '@shared/k8s';
import type { NodeConnections } from '../nodes';
import type { Pki } from '../pki';

/** A server to stand behind an APIService, on a node whose only pod it is. For tests. */
export interface ExtensionServer {
  /** What it answers; a document of discovery unless told. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  /** What it answers for OpenAPI documents; none unless told. */
  describe: (request: IncomingMessage, response: ServerResponse) => void;
  upgrade: (request: IncomingMessage, socket: Duplex) => void;
  /** What its node answers instead of a connection. */
  refuse?: Error;
  /** The APIService that leads to it. */
  api(spec?: object): KubeObject;
  close(): Promise<void>;
}

export const group = 'hats.example.com';
export const version = `${group}/v1`;

export const discovery = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: version,
  resources: [
    {
      name: 'hats',
      singularName: 'hat',
      namespaced: true,
      kind: 'Hat',
      verbs: ['create', 'delete', 'get', 'list', 'watch'],
      shortNames: ['ht'],
    },
    { name: 'hats/brim', singularName: '', namespaced: true, kind: 'Brim', verbs: ['get'] },
    { name: 'pods/hits', singularName: '', namespaced: true, kind: 'MetricValueList', verbs: ['get'] },
  ],
};

export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
};

/** The certificate it was called with names this client; undefined for one that our authority did not sign. */
export const callerOf = (request: IncomingMessage): string | undefined => {
  const socket = request.socket as TLSSocket;
  return socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
};

/** @param pki has a serving certificate for hats.default.svc */
export async function startExtensionServer(
  pki: Pki,
  nodes: NodeConnections,
  create: (path: string, object: KubeObject) => Promise<unknown>,
): Promise<ExtensionServer> {
  const { caPem } = await pki.frontProxy();
  const listener = createServer(
    { ...pki.serving, ca: [caPem], requestCert: true, rejectUnauthorized: false },
    (request, response) =>
      (request.url!.startsWith('/openapi/') ? extension.describe : extension.answer)(request, response),
  );
  listener.on('upgrade', (request, socket) => extension.upgrade(request, socket));
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const nothing = () => Promise.reject(new Error('nothing of the kind'));
  nodes.register('n1', {
    logs: nothing,
    run: nothing,
    portForward: async () => {
      if (extension.refuse) throw extension.refuse;
      return connect(port, '127.0.0.1');
    },
  });
  const extension: ExtensionServer = {
    answer: (_request, response) => json(response, discovery),
    describe: (_request, response) => json(response, {}, 404),
    upgrade: (_request, socket) => socket.destroy(),
    api: (spec = {}) => ({
      metadata: { name: `v1.${group}` },
      spec: {
        group,
        version: 'v1',
        service: { namespace: 'default', name: 'hats' },
        caBundle: Buffer.from(pki.caPem).toString('base64'),
        groupPriorityMinimum: 100,
        versionPriority: 100,
        ...spec,
      } satisfies APIService['spec'],
    }),
    async close() {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  const inDefault = '/api/v1/namespaces/default';
  await create('/api/v1/nodes', { metadata: { name: 'n1' } });
  await create(`${inDefault}/pods`, {
    metadata: { name: 'hats' },
    spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'hats:1' }] },
  });
  await create(`${inDefault}/services`, {
    metadata: { name: 'hats' },
    spec: { ports: [{ name: 'https', port: 443, targetPort: 8443 }] },
  });
  return extension;
}

/** The endpoints of the extension server's service. */
export const slice = (ready = true): KubeObject => ({
  metadata: { name: 'hats-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'hats' } },
  addressType: 'IPv4',
  ports: [{ name: 'https', port: 8443 }],
  endpoints: [
    {
      addresses: ['10.0.0.1'],
      conditions: { ready },
      targetRef: { kind: 'Pod', name: 'hats', namespace: 'default' },
    },
  ],
});
