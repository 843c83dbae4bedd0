import type { KubeObject } from '@shared/k8s';
import type { Command, CommandCall } from '../command';
import { groupVersion, resourceName } from '../discovery';
import { KubectlError } from '../errors';
import { textTable } from '../output/table';
import { toJson, toYaml } from '../output/yaml';

/** The Kubernetes version this command line behaves like. */
export const clientVersion = { major: '1', minor: '36', gitVersion: 'v1.36.0+gantry' };

async function version(call: CommandCall): Promise<void> {
  const { flags } = call;
  const output = flags.string('output');
  if (output && output !== 'yaml' && output !== 'json') throw new KubectlError(`--output must be 'yaml' or 'json'`);
  let server: { gitVersion?: string } | undefined;
  let failure: unknown;
  if (!flags.bool('client')) {
    try {
      server = (await call.session.request<{ gitVersion?: string }>({ method: 'GET', path: '/version' })).body;
    } catch (error) {
      failure = error;
    }
  }
  const all = { clientVersion, ...(server ? { serverVersion: server } : {}) };
  if (output) call.out(output === 'json' ? `${toJson(all, 2)}\n` : toYaml(all));
  else {
    call.out(`Client Version: ${clientVersion.gitVersion}\n`);
    if (server) call.out(`Server Version: ${server.gitVersion}\n`);
  }
  if (failure) throw failure;
}

export const versionCommand: Command = {
  name: 'version',
  summary: 'Print the client and server version information',
  flags: [
    { name: 'client', type: 'bool', default: 'false', help: 'Only the version of this program.' },
    { name: 'output', short: 'o', type: 'string', help: 'yaml or json.' },
  ],
  run: version,
};

async function apiResources(call: CommandCall): Promise<void> {
  const { flags } = call;
  const output = flags.string('output');
  if (!['', 'wide', 'name', 'json', 'yaml'].includes(output))
    throw new KubectlError(`--output ${output} is not available`);
  const verbs = flags.list('verbs');
  const categories = flags.list('categories');
  const mappings = (await call.session.discovery()).mappings
    .filter(
      (mapping) =>
        mapping.verbs.length > 0 &&
        (!flags.changed('namespaced') || mapping.namespaced === flags.bool('namespaced')) &&
        (!flags.changed('api-group') || mapping.group === flags.string('api-group')) &&
        verbs.every((verb) => mapping.verbs.includes(verb)) &&
        categories.every((category) => mapping.categories.includes(category)),
    )
    .sort((a, b) => {
      const by = flags.string('sort-by');
      const [left, right] =
        by === 'kind'
          ? [a.kind, b.kind]
          : by === 'name'
            ? [a.plural, b.plural]
            : [`${a.group} ${a.plural}`, `${b.group} ${b.plural}`];
      return left < right ? -1 : left > right ? 1 : 0;
    });
  if (output === 'name') {
    for (const mapping of mappings) call.out(`${resourceName(mapping)}\n`);
    return;
  }
  if (output === 'json' || output === 'yaml') {
    const resources = mappings.map((mapping) => ({
      name: mapping.plural,
      singularName: mapping.singular,
      namespaced: mapping.namespaced,
      group: mapping.group,
      version: mapping.version,
      kind: mapping.kind,
      verbs: mapping.verbs,
      shortNames: mapping.shortNames,
      categories: mapping.categories,
    }));
    const list = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: '', resources };
    call.out(output === 'json' ? `${toJson(list)}\n` : toYaml(list));
    return;
  }
  const wide = output === 'wide';
  call.out(
    textTable(
      ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])],
      mappings.map((mapping) => [
        mapping.plural,
        mapping.shortNames.join(','),
        groupVersion(mapping),
        String(mapping.namespaced),
        mapping.kind,
        ...(wide ? [mapping.verbs.join(','), mapping.categories.join(',')] : []),
      ]),
      { noHeaders: flags.bool('no-headers') },
    ),
  );
}

export const apiResourcesCommand: Command = {
  name: 'api-resources',
  summary: 'Print the supported API resources on the server',
  flags: [
    { name: 'api-group', type: 'string', help: 'Only this group.' },
    { name: 'namespaced', type: 'bool', default: 'true', help: 'Only kinds with (or without) namespaces.' },
    { name: 'verbs', type: 'list', help: 'Only kinds with all of these verbs.' },
    { name: 'categories', type: 'list', help: 'Only kinds of these categories.' },
    { name: 'sort-by', type: 'string', help: 'name or kind.' },
    { name: 'no-headers', type: 'bool', default: 'false', help: 'No header line.' },
    { name: 'cached', type: 'bool', default: 'false', help: 'Accepted; nothing is cached.' },
    { name: 'output', short: 'o', type: 'string', help: 'wide, name, json or yaml.' },
  ],
  run: apiResources,
};

export const apiVersionsCommand: Command = {
  name: 'api-versions',
  summary: 'Print the supported API versions on the server, in the form of "group/version"',
  async run(call) {
    const versions = [...(await call.session.discovery()).groupVersions].sort();
    for (const one of versions) call.out(`${one}\n`);
  },
};

async function clusterInfo(call: CommandCall): Promise<void> {
  const { session } = call;
  const { body } = await session.request<{ items: KubeObject[] }>({
    method: 'GET',
    path: '/api/v1/namespaces/kube-system/services',
    query: { labelSelector: 'kubernetes.io/cluster-service=true' },
  });
  const server = (await session.context().catch(() => undefined))?.cluster.server ?? '';
  const show = (name: string, link: string): void => {
    const colour = (code: string, text: string): string => (call.io.isTTY ? `\u001b[0;${code}m${text}\u001b[0m` : text);
    call.out(`${colour('32', name)} is running at ${colour('33', link)}\n`);
  };
  show('Kubernetes control plane', server);
  for (const service of body.items) {
    const port = service.spec?.ports?.[0];
    const name = service.metadata?.labels?.['kubernetes.io/name'] ?? service.metadata!.name!;
    const suffix = port?.name ? `:${port.name}` : '';
    show(
      name,
      `${server}/api/v1/namespaces/${service.metadata!.namespace}/services/${service.metadata!.name}${suffix}/proxy`,
    );
  }
  call.out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
}

export const clusterInfoCommand: Command = {
  name: 'cluster-info',
  summary: 'Display cluster information',
  run: clusterInfo,
};
