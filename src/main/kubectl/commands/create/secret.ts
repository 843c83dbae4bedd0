import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from '../../command';
import { KubectlError } from '../../errors';
import { generator } from './generate';
import { collectData, sourceFlags } from './sources';

const base64 = (value: string | Buffer): string => Buffer.from(value as string).toString('base64');

const generic = generator(
  {
    name: 'generic',
    summary: 'Create a secret from a local file, directory, or literal value',
    usage: 'NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1]',
    examples: [['From a value', 'kubectl create secret generic db --from-literal=password=s3cret']],
    flags: [...sourceFlags, { name: 'type', type: 'string', help: 'The type of the secret.' }],
  },
  async (call, name) => {
    const data = [...(await collectData(call, 'Secret'))].map(([key, bytes]) => [key, base64(bytes)] as const);
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      ...(data.length > 0 ? { data: Object.fromEntries(data) } : {}),
      ...(call.flags.string('type') ? { type: call.flags.string('type') } : {}),
    };
  },
  'secret',
);

const dockerRegistry = generator(
  {
    name: 'docker-registry',
    summary: 'Create a secret for use with a Docker registry',
    usage: 'NAME --docker-username=user --docker-password=password [--docker-server=string]',
    flags: [
      { name: 'docker-server', type: 'string', default: 'https://index.docker.io/v1/', help: 'The registry.' },
      { name: 'docker-username', type: 'string', help: 'User name.' },
      { name: 'docker-password', type: 'string', help: 'Password.' },
      { name: 'docker-email', type: 'string', help: 'E-mail address.' },
    ],
    required: [],
  },
  (call, name) => {
    const [server, username, password, email] = ['server', 'username', 'password', 'email'].map((flag) =>
      call.flags.string(`docker-${flag}`),
    );
    const missing = [...(username ? [] : ['docker-username']), ...(password ? [] : ['docker-password'])];
    if (missing.length > 0)
      throw new KubectlError(
        `either --from-file or the combination of --docker-username, --docker-password and --docker-server is required`,
      );
    const auth = { username, password, ...(email ? { email } : {}), auth: base64(`${username}:${password}`) };
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      data: { '.dockerconfigjson': base64(JSON.stringify({ auths: { [server!]: auth } })) },
      type: 'kubernetes.io/dockerconfigjson',
    };
  },
  'secret',
);

const tls = generator(
  {
    name: 'tls',
    summary: 'Create a TLS secret',
    usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file',
    flags: [
      { name: 'cert', type: 'string', help: 'File with the certificate, PEM.' },
      { name: 'key', type: 'string', help: 'File with its key, PEM.' },
    ],
    required: ['cert', 'key'],
  },
  async (call, name) => {
    const read = (flag: string): Promise<Buffer> =>
      readFile(resolve(call.io.cwd, call.flags.string(flag))).catch((error: Error) => {
        throw new KubectlError(error.message);
      });
    const [cert, key] = await Promise.all([read('cert'), read('key')]);
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      data: { 'tls.crt': base64(cert), 'tls.key': base64(key) },
      type: 'kubernetes.io/tls',
    };
  },
  'secret',
);

export const createSecret: Command = {
  name: 'secret',
  summary: 'Create a secret using a specified subcommand',
  usage: '(docker-registry | generic | tls)',
  subcommands: [dockerRegistry, generic, tls],
};
