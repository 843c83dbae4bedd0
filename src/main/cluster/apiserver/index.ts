export { createApiServer, type ApiServer, type ApiServerOptions } from './server';
export { createNodeConnections, type NodeConnections } from './nodes';
export { listenHttps, type HttpsListener, type HttpsOptions } from './https';
export { loadOrCreatePki, type KeyPair, type Pki } from './pki';
export { kubeconfig, writeKubeconfig, type KubeconfigOptions } from './kubeconfig';
export type { AccessAttributes, Authorizer } from './context';
export type { UserInfo } from './types';
