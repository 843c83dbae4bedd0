import { generator } from './generate';

export const createNamespace = generator(
  { name: 'namespace', aliases: ['ns'], summary: 'Create a namespace with the specified name', usage: 'NAME' },
  (_call, name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {}, status: {} }),
);

export const createServiceAccount = generator(
  {
    name: 'serviceaccount',
    aliases: ['sa'],
    summary: 'Create a service account with the specified name',
    usage: 'NAME',
  },
  (_call, name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
  'serviceaccount',
);
