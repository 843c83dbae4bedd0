import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { CommandCall } from '../../command';
import { KubectlError } from '../../errors';
import type { Flag } from '../../flags';

/** Flags that give a ConfigMap or Secret its data. */
export const sourceFlags: Flag[] = [
  { name: 'from-file', type: 'array', help: 'A file, KEY=FILE, or a directory of files.' },
  { name: 'from-literal', type: 'array', help: 'KEY=VALUE.' },
  { name: 'from-env-file', type: 'array', help: 'A file of KEY=VALUE lines.' },
];

const keyShape = /^[-._a-zA-Z0-9]+$/;

function add(data: Map<string, Buffer>, key: string, value: Buffer, what: string): void {
  if (!keyShape.test(key)) {
    throw new KubectlError(
      `"${key}" is not a valid key name for a ${what}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    );
  }
  if (data.has(key))
    throw new KubectlError(`cannot add key "${key}", another key by that name already exists in Data for ${what} `);
  data.set(key, value);
}

async function addFiles(call: CommandCall, data: Map<string, Buffer>, source: string, what: string): Promise<void> {
  const equals = source.indexOf('=');
  const file = equals < 0 ? source : source.slice(equals + 1);
  if (equals === 0) throw new KubectlError(`key name for file path ${file} missing`);
  if (equals > 0 && file === '') throw new KubectlError(`file path for key name ${source.slice(0, equals)} missing`);
  const path = resolve(call.io.cwd, file);
  const info = await stat(path).catch(() => {
    throw new KubectlError(`error reading ${file}: no such file or directory`);
  });
  if (!info.isDirectory()) {
    add(data, equals < 0 ? basename(file) : source.slice(0, equals), await readFile(path), what);
    return;
  }
  if (equals > 0) throw new KubectlError('cannot give a key name for a directory path');
  const entries = (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isFile());
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (keyShape.test(entry.name)) add(data, entry.name, await readFile(join(path, entry.name)), what);
  }
}

async function addEnvFile(call: CommandCall, data: Map<string, Buffer>, file: string, what: string): Promise<void> {
  const text = await readFile(resolve(call.io.cwd, file), 'utf8').catch((error: Error) => {
    throw new KubectlError(error.message);
  });
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const equals = trimmed.indexOf('=');
    const key = equals < 0 ? trimmed : trimmed.slice(0, equals);
    add(data, key, Buffer.from(equals < 0 ? (call.io.env[key] ?? '') : trimmed.slice(equals + 1)), what);
  }
}

/** Collects the data that --from-file, --from-literal and --from-env-file give. @throws KubectlError */
export async function collectData(call: CommandCall, what: string): Promise<Map<string, Buffer>> {
  const data = new Map<string, Buffer>();
  const { flags } = call;
  if (
    flags.list('from-env-file').length > 0 &&
    flags.list('from-file').length + flags.list('from-literal').length > 0
  ) {
    throw new KubectlError('from-env-file cannot be combined with from-file or from-literal');
  }
  for (const source of flags.list('from-file')) await addFiles(call, data, source, what);
  for (const pair of flags.list('from-literal')) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw new KubectlError(`invalid literal source ${pair}, expected key=value`);
    add(data, pair.slice(0, equals), Buffer.from(pair.slice(equals + 1).replace(/^(['"])(.*)\1$/s, '$2')), what);
  }
  for (const file of flags.list('from-env-file')) await addEnvFile(call, data, file, what);
  return data;
}

/** Whether bytes are UTF-8 text (a ConfigMap keeps others apart). */
export const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
