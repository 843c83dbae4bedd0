import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { Document, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml';
import type { Entry, Kubeconfig } from '../../catalog/kubeconfig';
import type { Command, CommandCall } from '../command';
import { KubectlError, quote, usageError } from '../errors';
import type { Flag } from '../flags';
import { textTable } from '../output/table';
import { toJson, toYaml } from '../output/yaml';

type Section = 'clusters' | 'users' | 'contexts';
const valueField = { clusters: 'cluster', users: 'user', contexts: 'context' } as const;

/** Changes one kubeconfig file, keeping its comments; it is created (0600) when it does not exist. */
async function changeFile(file: string, change: (document: Document) => void): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new KubectlError(error.message);
  });
  const document = parseDocument(text ?? 'apiVersion: v1\nkind: Config\n') as Document;
  if (!isMap(document.contents)) document.contents = document.createNode({ apiVersion: 'v1', kind: 'Config' }) as never;
  change(document);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  if (text === undefined) await chmod(file, 0o600);
}

function section(document: Document, name: Section): YAMLSeq<YAMLMap> {
  const found = document.get(name);
  if (isSeq(found)) return found as YAMLSeq<YAMLMap>;
  const made = document.createNode([]) as YAMLSeq<YAMLMap>;
  document.set(name, made);
  return made;
}

const itemNamed = (list: YAMLSeq<YAMLMap>, name: string): YAMLMap | undefined =>
  list.items.find((item) => isMap(item) && item.get('name') === name);

/** The file that defines an entry, or the one that new entries go to. */
function fileOf(call: CommandCall, config: Kubeconfig, entries: readonly Entry<unknown>[], name: string): string {
  const files = call.session.configFiles();
  const missing = new Set(config.errors.map((error) => error.file));
  return (
    entries.find((entry) => entry.name === name)?.file ?? files.find((file) => !missing.has(file)) ?? files.at(-1)!
  );
}

/** Sets fields of an entry; an empty value removes the field. @returns whether the entry was there */
async function setEntry(
  call: CommandCall,
  where: Section,
  name: string,
  fields: Record<string, unknown>,
): Promise<boolean> {
  const config = await call.session.configAsFound();
  const file = fileOf(call, config, config[where], name);
  let existed = false;
  await changeFile(file, (document) => {
    const list = section(document, where);
    let item = itemNamed(list, name);
    existed = item !== undefined;
    if (!item) {
      item = document.createNode({ name, [valueField[where]]: {} }) as YAMLMap;
      list.add(item);
    }
    list.flow = false;
    for (const [field, value] of Object.entries(fields)) {
      if (value === '') item.deleteIn([valueField[where], field]);
      else item.setIn([valueField[where], field], value);
    }
    const inner = item.get(valueField[where]);
    if (isMap(inner)) inner.flow = false;
  });
  return existed;
}

async function useContext(call: CommandCall): Promise<void> {
  if (call.args.length !== 1)
    throw usageError('config use-context', 'Unexpected args: use-context takes one CONTEXT_NAME');
  const name = call.args[0]!;
  const config = await call.session.configAsFound();
  if (!config.contexts.some((context) => context.name === name)) {
    throw new KubectlError(`no context exists with the name: ${quote(name)}`);
  }
  await setCurrent(call, config, name);
  call.out(`Switched to context ${quote(name)}.\n`);
}

/** The current context is kept in the file that says one now, else in the first. */
async function setCurrent(call: CommandCall, config: Kubeconfig, name: string): Promise<void> {
  const files = call.session.configFiles();
  const missing = new Set(config.errors.map((error) => error.file));
  const existing = files.filter((file) => !missing.has(file));
  let file = existing[0] ?? files.at(-1)!;
  for (const candidate of existing) {
    if (parseDocument(await readFile(candidate, 'utf8')).get('current-context')) {
      file = candidate;
      break;
    }
  }
  await changeFile(file, (document) => document.set('current-context', name));
}

async function currentContext(call: CommandCall): Promise<void> {
  const { currentContext: name } = await call.session.configAsFound();
  if (!name) throw new KubectlError('current-context is not set');
  call.out(`${name}\n`);
}

async function getContexts(call: CommandCall): Promise<void> {
  const { flags } = call;
  const config = await call.session.configAsFound();
  const wanted = call.args;
  const absent = wanted.find((name) => !config.contexts.some((context) => context.name === name));
  if (absent) throw new KubectlError(`context ${absent} not found`);
  const contexts = config.contexts
    .filter((context) => wanted.length === 0 || wanted.includes(context.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (flags.string('output') === 'name') {
    for (const context of contexts) call.out(`${context.name}\n`);
    return;
  }
  if (flags.string('output')) throw new KubectlError(`output must be one of '' or 'name': ${flags.string('output')}`);
  call.out(
    textTable(
      ['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'],
      contexts.map(({ name, value }) => [
        name === config.currentContext ? '*' : '',
        name,
        value.cluster ?? '',
        value.user ?? '',
        value.namespace ?? '',
      ]),
      { noHeaders: flags.bool('no-headers') },
    ),
  );
}

const names =
  (where: 'clusters' | 'users') =>
  async (call: CommandCall): Promise<void> => {
    call.out('NAME\n');
    const config = await call.session.configAsFound();
    for (const name of config[where].map((entry) => entry.name).sort()) call.out(`${name}\n`);
  };

const secrets: Record<string, string> = { token: 'REDACTED', password: 'REDACTED' };
const bulky = new Set(['certificate-authority-data', 'client-certificate-data', 'client-key-data']);

function redacted(value: object, raw: boolean): object {
  if (raw) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (bulky.has(key) && inner)
        return [
          key,
          key === 'certificate-authority-data' || key === 'client-key-data' || key === 'client-certificate-data'
            ? 'DATA+OMITTED'
            : inner,
        ];
      return [key, secrets[key] && inner ? secrets[key] : inner];
    }),
  );
}

async function view(call: CommandCall): Promise<void> {
  const { flags } = call;
  const config = await call.session.configAsFound();
  const raw = flags.bool('raw') || flags.bool('flatten');
  let { clusters, users, contexts } = config;
  const current = flags.string('context') || config.currentContext;
  if (flags.bool('minify')) {
    const context = contexts.find((entry) => entry.name === current);
    if (!context)
      throw new KubectlError(
        current ? `cannot locate context ${current}` : 'current-context must exist in order to minify',
      );
    contexts = [context];
    clusters = clusters.filter((entry) => entry.name === context.value.cluster);
    users = users.filter((entry) => entry.name === context.value.user);
  }
  const list = (where: Section, entries: readonly Entry<object>[]): unknown =>
    entries.length === 0
      ? null
      : [...entries]
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .map(({ name, value }) => ({ name, [valueField[where]]: redacted(value, raw) }));
  const shown = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: list('clusters', clusters),
    users: list('users', users),
    contexts: list('contexts', contexts),
    'current-context': flags.bool('minify') ? current : config.currentContext,
    ...(Object.keys(config.preferences).length > 0 ? { preferences: config.preferences } : {}),
  };
  const output = flags.string('output') || 'yaml';
  if (output !== 'yaml' && output !== 'json')
    throw new KubectlError(
      `unable to match a printer suitable for the output format ${quote(output)}, allowed formats are: json,yaml`,
    );
  call.out(output === 'json' ? `${toJson(shown)}\n` : toYaml(shown));
}

const oneName = (call: CommandCall): string => {
  if (call.args.length !== 1) throw usageError(call.path, `Unexpected args: ${call.path} takes one NAME`);
  return call.args[0]!;
};

async function setContext(call: CommandCall): Promise<void> {
  const { flags } = call;
  const config = await call.session.configAsFound();
  const current = flags.bool('current');
  if (current && call.args.length > 0) throw new KubectlError('you cannot specify both a context name and --current');
  if (current && !config.currentContext) throw new KubectlError('no current context is set');
  const name = current ? config.currentContext : oneName(call);
  const fields: Record<string, unknown> = {};
  for (const field of ['cluster', 'user', 'namespace']) if (flags.changed(field)) fields[field] = flags.string(field);
  const existed = await setEntry(call, 'contexts', name, fields);
  call.out(`Context ${quote(name)} ${existed ? 'modified' : 'created'}.\n`);
}

/** A file's path as it is written into a kubeconfig, or its contents with --embed-certs. */
async function fileField(call: CommandCall, flag: string): Promise<Record<string, unknown>> {
  const { flags } = call;
  if (!flags.changed(flag)) return {};
  const path = resolve(call.io.cwd, flags.string(flag));
  if (!flags.bool('embed-certs'))
    return {
      [flag]: isAbsolute(flags.string(flag)) ? path : relative(dirname(call.session.configFiles()[0]!), path),
      [`${flag}-data`]: '',
    };
  const bytes = await readFile(path).catch((error: Error) => {
    throw new KubectlError(`could not read ${flag} data from ${flags.string(flag)}: ${error.message}`);
  });
  return { [`${flag}-data`]: bytes.toString('base64'), [flag]: '' };
}

async function setCluster(call: CommandCall): Promise<void> {
  const { flags } = call;
  const name = oneName(call);
  const fields: Record<string, unknown> = await fileField(call, 'certificate-authority');
  for (const field of ['server', 'tls-server-name', 'proxy-url'])
    if (flags.changed(field)) fields[field] = flags.string(field);
  if (flags.changed('insecure-skip-tls-verify'))
    fields['insecure-skip-tls-verify'] = flags.bool('insecure-skip-tls-verify');
  await setEntry(call, 'clusters', name, fields);
  call.out(`Cluster ${quote(name)} set.\n`);
}

async function setCredentials(call: CommandCall): Promise<void> {
  const { flags } = call;
  const name = oneName(call);
  const fields: Record<string, unknown> = {
    ...(await fileField(call, 'client-certificate')),
    ...(await fileField(call, 'client-key')),
  };
  for (const field of ['token', 'username', 'password']) if (flags.changed(field)) fields[field] = flags.string(field);
  await setEntry(call, 'users', name, fields);
  call.out(`User ${quote(name)} set.\n`);
}

function deletion(where: Section, what: string): (call: CommandCall) => Promise<void> {
  return async (call) => {
    const name = oneName(call);
    const config = await call.session.configAsFound();
    const entry = config[where].find((other) => other.name === name);
    if (!entry) throw new KubectlError(`cannot delete ${what} ${name}, not in ${call.session.configFiles()[0]}`);
    if (where === 'contexts' && config.currentContext === name) {
      call.err(
        'warning: this removed your active context, use "kubectl config use-context" to select a different one\n',
      );
    }
    await changeFile(entry.file, (document) => {
      const list = section(document, where);
      list.items = list.items.filter((item) => item.get('name') !== name);
    });
    call.out(`deleted ${what} ${name} from ${entry.file}\n`);
  };
}

async function renameContext(call: CommandCall): Promise<void> {
  const [from, to] = call.args;
  if (!from || !to || call.args.length > 2)
    throw usageError('config rename-context', 'Unexpected args: rename-context takes CONTEXT_NAME NEW_NAME');
  const config = await call.session.configAsFound();
  const entry = config.contexts.find((context) => context.name === from);
  if (!entry)
    throw new KubectlError(`cannot rename the context ${quote(from)}, it's not in ${call.session.configFiles()[0]}`);
  if (config.contexts.some((context) => context.name === to)) {
    throw new KubectlError(
      `cannot rename the context ${quote(from)}, the context ${quote(to)} already exists in ${entry.file}`,
    );
  }
  await changeFile(entry.file, (document) => itemNamed(section(document, 'contexts'), from)?.set('name', to));
  if (config.currentContext === from) await setCurrent(call, config, to);
  call.out(`Context ${quote(from)} renamed to ${quote(to)}.\n`);
}

const embedFlag: Flag = {
  name: 'embed-certs',
  type: 'bool',
  default: 'false',
  help: 'Put the contents of the files into the kubeconfig.',
};
const noHeaders: Flag = { name: 'no-headers', type: 'bool', default: 'false', help: 'No header line.' };
const output: Flag = { name: 'output', short: 'o', type: 'string', help: 'Output format.' };

export const config: Command = {
  name: 'config',
  summary: 'Modify kubeconfig files',
  subcommands: [
    { name: 'current-context', summary: 'Display the current-context', run: currentContext },
    {
      name: 'get-contexts',
      summary: 'Describe one or many contexts',
      usage: '[NAME...]',
      flags: [output, noHeaders],
      run: getContexts,
    },
    { name: 'get-clusters', summary: 'Display clusters defined in the kubeconfig', run: names('clusters') },
    { name: 'get-users', summary: 'Display users defined in the kubeconfig', run: names('users') },
    {
      name: 'use-context',
      aliases: ['use'],
      summary: 'Set the current-context in a kubeconfig file',
      usage: 'CONTEXT_NAME',
      run: useContext,
    },
    {
      name: 'set-context',
      summary: 'Set a context entry in kubeconfig',
      usage: '[NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]',
      flags: [{ name: 'current', type: 'bool', default: 'false', help: 'Change the current context.' }],
      run: setContext,
    },
    {
      name: 'set-cluster',
      summary: 'Set a cluster entry in kubeconfig',
      usage: 'NAME [--server=server] [--certificate-authority=path/to/certificate/authority]',
      flags: [embedFlag, { name: 'proxy-url', type: 'string', help: 'A proxy to reach the server through.' }],
      run: setCluster,
    },
    {
      name: 'set-credentials',
      summary: 'Set a user entry in kubeconfig',
      usage: 'NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token]',
      flags: [embedFlag],
      run: setCredentials,
    },
    {
      name: 'delete-context',
      summary: 'Delete the specified context from the kubeconfig',
      usage: 'NAME',
      run: deletion('contexts', 'context'),
    },
    {
      name: 'delete-cluster',
      summary: 'Delete the specified cluster from the kubeconfig',
      usage: 'NAME',
      run: deletion('clusters', 'cluster'),
    },
    {
      name: 'delete-user',
      summary: 'Delete the specified user from the kubeconfig',
      usage: 'NAME',
      run: deletion('users', 'user'),
    },
    {
      name: 'rename-context',
      summary: 'Rename a context from the kubeconfig file',
      usage: 'CONTEXT_NAME NEW_NAME',
      run: renameContext,
    },
    {
      name: 'view',
      summary: 'Display merged kubeconfig settings or a specified kubeconfig file',
      flags: [
        output,
        { name: 'raw', type: 'bool', default: 'false', help: 'Show certificates and secrets.' },
        {
          name: 'flatten',
          type: 'bool',
          default: 'false',
          help: 'Show certificates and secrets, for a file that stands alone.',
        },
        { name: 'minify', type: 'bool', default: 'false', help: 'Only what the current context uses.' },
      ],
      run: view,
    },
  ],
};
