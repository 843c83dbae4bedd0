#!/usr/bin/env node
// Extracts facts about the Kubernetes API from the Go types that Debian packages:
// field names, types, protobuf numbers, merge keys, list kinds, enumerations.
// No comments and no code of theirs come along. The result is committed in
// resources/api/, so this runs only when the API moves on.
//
//   node scripts/extract-api.mjs [--source DIR]
//
// DIR is a directory with `k8s.io/api`, `k8s.io/apimachinery` and `k8s.io/apiextensions-apiserver`. Without it the
// packages are fetched with apt from the machine's own Debian mirror (suite sid)
// into a temporary directory; nothing is installed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'resources/api');

/** Our name of a Go package → where it is, and the API group it serves. */
const packages = {
  quantity: { path: 'apimachinery/pkg/api/resource' },
  intstr: { path: 'apimachinery/pkg/util/intstr' },
  runtime: { path: 'apimachinery/pkg/runtime' },
  'meta.v1': { path: 'apimachinery/pkg/apis/meta/v1', group: 'meta.k8s.io' },
  ...served('core', '', 'v1'),
  ...served('apps', 'apps', 'v1'),
  ...served('batch', 'batch', 'v1'),
  ...served('autoscaling', 'autoscaling', 'v1', 'v2'),
  ...served('policy', 'policy', 'v1'),
  ...served('networking', 'networking.k8s.io', 'v1'),
  ...served('discovery', 'discovery.k8s.io', 'v1'),
  ...served('storage', 'storage.k8s.io', 'v1'),
  ...served('rbac', 'rbac.authorization.k8s.io', 'v1'),
  ...served('coordination', 'coordination.k8s.io', 'v1'),
  ...served('scheduling', 'scheduling.k8s.io', 'v1'),
  ...served('node', 'node.k8s.io', 'v1'),
  ...served('certificates', 'certificates.k8s.io', 'v1'),
  ...served('events', 'events.k8s.io', 'v1'),
  ...served('admissionregistration', 'admissionregistration.k8s.io', 'v1'),
  ...served('authentication', 'authentication.k8s.io', 'v1'),
  ...served('authorization', 'authorization.k8s.io', 'v1'),
  'apiextensions.v1': { path: 'apiextensions-apiserver/pkg/apis/apiextensions/v1', group: 'apiextensions.k8s.io' },
};

function served(directory, group, ...versions) {
  return Object.fromEntries(
    versions.map((version) => [`${directory}.${version}`, { path: `api/${directory}/${version}`, group }]),
  );
}

/** Packages that Debian does not carry, small enough to be written by hand in the form of the others. */
const written = [
  {
    name: 'apiregistration.v1',
    group: 'apiregistration.k8s.io',
    version: 'v1',
    types: {
      APIService: [
        '~ meta.v1.TypeMeta 0',
        'metadata meta.v1.ObjectMeta 1 omit opt',
        'spec APIServiceSpec 2 omit',
        'status APIServiceStatus 3 omit',
      ],
      APIServiceCondition: [
        'type APIServiceConditionType 1',
        'status ConditionStatus 2',
        'lastTransitionTime meta.v1.Time 3 omit opt',
        'reason string 4 omit opt',
        'message string 5 omit opt',
      ],
      APIServiceList: ['~ meta.v1.TypeMeta 0', 'metadata meta.v1.ListMeta 1 omit opt', 'items []APIService 2'],
      APIServiceSpec: [
        'service *ServiceReference 1 omit opt',
        'group string 2 omit',
        'version string 3 omit',
        'insecureSkipTLSVerify bool 4 omit',
        'caBundle []byte 5 omit opt list=atomic',
        'groupPriorityMinimum int32 7',
        'versionPriority int32 8',
      ],
      APIServiceStatus: ['conditions []APIServiceCondition 1 omit opt merge key=type list=map keys=type'],
      ServiceReference: ['namespace string 1 omit', 'name string 2 omit', 'port *int32 3 omit opt'],
    },
    atomic: [],
    aliases: { APIServiceConditionType: 'string', ConditionStatus: 'string' },
    enums: {},
  },
];

/** Types that encode themselves in JSON; what they are is written by hand in the schema code. */
const special = {
  quantity: ['Quantity'],
  intstr: ['IntOrString'],
  runtime: ['RawExtension'],
  'meta.v1': ['Time', 'MicroTime', 'Duration', 'FieldsV1'],
  'apiextensions.v1': ['JSON', 'JSONSchemaPropsOrArray', 'JSONSchemaPropsOrBool', 'JSONSchemaPropsOrStringArray'],
};

const flag = process.argv.indexOf('--source');
const temporary = flag < 0 ? fetchPackages() : undefined;
const source = resolve(temporary ?? process.argv[flag + 1], temporary ? 'root/usr/share/gocode/src/k8s.io' : 'k8s.io');
try {
  if (!existsSync(join(source, 'api/core/v1/types.go'))) throw new Error(`no Kubernetes API types in ${source}`);
  mkdirSync(target, { recursive: true });
  let count = 0;
  const tables = Object.keys(packages).map((name) => {
    const table = extract(name);
    count += Object.keys(table.types).length;
    return table;
  });
  tables.push(...written);
  for (const file of readdirSync(target)) if (file.endsWith('.json')) rmSync(join(target, file));
  writeFileSync(join(target, 'tables.json'), `${JSON.stringify(tables, null, 1)}\n`);
  console.log(`${tables.length} packages, ${count} types → ${target}`);
} finally {
  if (temporary) rmSync(temporary, { recursive: true, force: true });
}

/** Downloads and unpacks the packages. @returns the temporary directory */
function fetchPackages() {
  const directory = mkdtempSync(join(tmpdir(), 'kubernetes-api-'));
  const targets = execFileSync(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(CODENAME) $(COMPONENT)', 'Created-By: Packages'],
    { encoding: 'utf8' },
  );
  const codename = /VERSION_CODENAME=(\w+)/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const mirror = targets
    .split('\n')
    .map((line) => line.split(' '))
    .find((words) => words[1] === codename && words[2] === 'main')?.[0];
  if (!mirror) throw new Error('apt knows no Debian mirror on this machine; give --source DIR');
  for (const sub of ['lists/partial', 'cache/archives/partial', 'root'])
    mkdirSync(join(directory, sub), { recursive: true });
  writeFileSync(
    join(directory, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} sid main\n`,
  );
  const apt = (...args) =>
    execFileSync(
      'apt-get',
      [
        '-qq',
        '-o',
        `Dir::Etc::SourceList=${join(directory, 'sources.list')}`,
        '-o',
        'Dir::Etc::SourceParts=/nonexistent',
        '-o',
        `Dir::State::Lists=${join(directory, 'lists')}`,
        '-o',
        `Dir::Cache=${join(directory, 'cache')}`,
        '-o',
        'APT::Sandbox::User=root',
        ...args,
      ],
      { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] },
    );
  apt('update');
  apt('download', 'golang-k8s-api-dev', 'golang-k8s-apimachinery-dev', 'golang-k8s-apiextensions-apiserver-dev');
  for (const file of readdirSync(directory)) {
    if (file.endsWith('.deb')) execFileSync('dpkg', ['-x', join(directory, file), join(directory, 'root')]);
  }
  return directory;
}

/** The table of one package. The format is described in src/main/cluster/api/schema/table.ts. */
function extract(name) {
  const { path, group } = packages[name];
  const directory = join(source, path);
  const files = readdirSync(directory).filter(
    (file) => file.endsWith('.go') && !/_test\.go$|^zz_|generated/.test(file),
  );
  const types = {};
  const aliases = {};
  const values = {};
  const enums = new Set();
  const atomic = new Set();
  for (const file of files) {
    const text = readFileSync(join(directory, file), 'utf8');
    const imports = importsOf(text);
    parse(text, (type) => resolveType(type, imports), { types, aliases, values, enums, atomic });
  }
  for (const type of special[name] ?? []) types[type] = [];
  const kept = reachable(name, types, aliases);
  return {
    name,
    ...(group === undefined ? {} : { group, version: path.split('/').at(-1) }),
    types: pick(types, kept),
    // Structs that one manager owns as a whole.
    atomic: [...atomic].filter((type) => kept.has(type)).sort(),
    aliases: pick(aliases, kept),
    enums: Object.fromEntries(
      [...enums]
        .filter((type) => kept.has(type) && values[type])
        .sort()
        .map((type) => [type, values[type].sort()]),
    ),
  };
}

/** Local package alias → our name of the package. */
function importsOf(text) {
  const result = {};
  for (const [, alias, path] of text.matchAll(/^\s+(?:(\w+) )?"k8s\.io\/([^"]+)"$/gm)) {
    const known = Object.keys(packages).find((name) => packages[name].path === path);
    if (known) result[alias ?? path.split('/').at(-1)] = known;
  }
  return result;
}

/** `[]v1.Container` → `[]core.v1.Container`; types of the same package stay short. */
function resolveType(type, imports) {
  return type.replace('interface{}', 'any').replace(/(\w+)\.(\w+)/g, (all, alias, local) => {
    // pkg/types holds named strings only.
    if (alias === 'types') return 'string';
    return imports[alias] ? `${imports[alias]}.${local}` : all;
  });
}

function parse(text, qualify, out) {
  let current;
  let markers = {};
  for (const line of text.split('\n')) {
    const comment = /^\s*\/\/\s*\+([\w:-]+)(?:=(.*))?$/.exec(line);
    if (comment) {
      const [, marker, value = ''] = comment;
      (markers[marker] ??= []).push(value.trim());
      continue;
    }
    if (/^\s*\/\//.test(line)) continue;
    if (line.trim() === '') {
      if (!current) markers = {};
      continue;
    }
    const constant = /^(?:const)?\s+\w+\s+(\w+)\s*=\s*"([^"]*)"/.exec(line);
    const declaration = /^type (\w+) (?:= )?(.+?)( \{)?$/.exec(line);
    if (declaration && /^struct(\{\})?$/.test(declaration[2])) {
      current = out.types[declaration[1]] = [];
      if (markers.structType?.[0] === 'atomic') out.atomic.add(declaration[1]);
      if (line.endsWith('}')) current = undefined;
    } else if (declaration && /^(string|bool|u?int\d*|float\d*|\[\]|map\[)/.test(declaration[2])) {
      out.aliases[declaration[1]] = qualify(declaration[2]);
      if (markers.enum) out.enums.add(declaration[1]);
    } else if (current && line === '}') {
      current = undefined;
    } else if (current) {
      const field = /^\s+(?:(\w+)\s+)?(\S+)\s+`(.*)`/.exec(line);
      if (field) {
        const entry = fieldEntry(qualify(field[2]), field[3], markers);
        if (entry) current.push(entry);
      }
    } else if (constant) {
      (out.values[constant[1]] ??= []).push(constant[2]);
    }
    markers = {};
  }
}

/** One line of the table: `name type number flag…`. */
function fieldEntry(type, tags, markers) {
  const tag = (key) => new RegExp(`(?:^|\\s)${key}:"([^"]*)"`).exec(tags)?.[1];
  const json = tag('json')?.split(',');
  if (!json || json[0] === '-') return undefined;
  const inline = json.includes('inline') || json[0] === '';
  const number = tag('protobuf')?.split(',')[1] ?? '0';
  const flags = [];
  if (json.includes('omitempty') || json.includes('omitzero')) flags.push('omit');
  if (markers.optional || markers['k8s:optional']) flags.push('opt');
  const strategies = tag('patchStrategy')?.split(',') ?? [];
  if (strategies.includes('merge')) flags.push('merge');
  if (strategies.includes('replace')) flags.push('replace');
  if (strategies.includes('retainKeys')) flags.push('retainKeys');
  if (tag('patchMergeKey')) flags.push(`key=${tag('patchMergeKey')}`);
  const list = markers.listType?.[0] ?? markers['k8s:listType']?.[0];
  if (list) flags.push(`list=${list}`);
  const keys = markers.listMapKey ?? markers['k8s:listMapKey'];
  if (keys) flags.push(`keys=${keys.join(',')}`);
  if (markers.structType?.[0] === 'atomic' || markers.mapType?.[0] === 'atomic') flags.push('atomic');
  const preset = markers.default?.[0];
  if (preset && /^[^\s(]+$/.test(preset)) flags.push(`default=${preset}`);
  return [inline ? '~' : json[0], type, number, ...flags].join(' ');
}

/** Types of a package that its kinds (structs with TypeMeta) reach, or all of a package without kinds. */
function reachable(name, types, aliases) {
  const isKind = (fields) => fields.some((field) => /^~ (?:meta\.v1\.)?TypeMeta /.test(field));
  const kinds = Object.keys(types).filter((type) => isKind(types[type]));
  if (!packages[name].group && packages[name].group !== '') return new Set(special[name]);
  const kept = new Set();
  const visit = (type) => {
    if (kept.has(type) || (!types[type] && !aliases[type])) return;
    kept.add(type);
    for (const field of types[type] ?? []) for (const word of field.split(' ')[1].match(/[\w.]+/g)) visit(word);
    if (aliases[type]) for (const word of aliases[type].match(/[\w.]+/g)) visit(word);
  };
  kinds.forEach(visit);
  // Other packages refer to any type of meta/v1.
  if (name === 'meta.v1')
    Object.keys(types)
      .filter((type) => types[type].length > 0 || special[name].includes(type))
      .forEach(visit);
  // References into core/v1 from other groups (PodTemplateSpec, NodeSelector …).
  if (name === 'core.v1')
    Object.keys(types)
      .filter((type) => types[type].length > 0)
      .forEach(visit);
  return kept;
}

function pick(object, names) {
  return Object.fromEntries(
    Object.keys(object)
      .filter((key) => names.has(key))
      .sort()
      .map((key) => [key, object[key]]),
  );
}
