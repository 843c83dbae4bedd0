import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '@shared/k8s';
import { mergesStrategically, patchTarget, ResultPrinter } from '../actions';
import { fieldManagerFlag, filenameFlags, printFlags, validateFlag, type Command, type CommandCall } from '../command';
import { groupVersion } from '../discovery';
import { KubectlError, messageOf } from '../errors';
import { threeWayPatch } from '../merge/three-way';
import { parseManifests } from '../manifests';
import { toJson, toYaml } from '../output/yaml';
import { withoutManagedFields } from '../output/printer';
import { fetchTargets, selectTargets, type Target } from '../resources';

const banner =
  "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

function editorCommand(call: CommandCall): string {
  const { env } = call.io;
  return env.KUBE_EDITOR || env.EDITOR || (process.platform === 'win32' ? 'notepad' : 'vi');
}

/** Opens the user's editor on a file and waits for it. @throws KubectlError when it cannot run or fails */
async function openEditor(call: CommandCall, file: string): Promise<void> {
  const editor = editorCommand(call);
  const code = await new Promise<number>((resolve, reject) => {
    // The editor may come with flags of its own (`code --wait`), so a shell splits it.
    const options = { stdio: 'inherit', env: call.io.env as NodeJS.ProcessEnv, cwd: call.io.cwd } as const;
    const child =
      process.platform === 'win32'
        ? spawn(`${editor} "${file}"`, { ...options, shell: true })
        : spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], options);
    child.on('error', (error) =>
      reject(new KubectlError(`unable to launch the editor ${JSON.stringify(editor)}: ${error.message}`)),
    );
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (code !== 0) throw new KubectlError(`there was a problem with the editor ${JSON.stringify(editor)}`);
}

const meaningful = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .trim();

const commented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('');

async function editOne(
  call: CommandCall,
  target: Target & { object: KubeObject },
  printer: ResultPrinter,
  directory: string,
): Promise<void> {
  const json = call.flags.string('output') === 'json';
  const shown = withoutManagedFields({
    ...target.object,
    apiVersion: groupVersion(target.mapping),
    kind: target.mapping.kind,
  });
  const original = json ? `${toJson(shown)}\n` : toYaml(shown);
  const file = join(directory, `edit.${json ? 'json' : 'yaml'}`);
  let text = original;
  let trouble = '';
  for (;;) {
    await writeFile(file, (json ? '' : banner) + (trouble ? `${commented(trouble)}#\n` : '') + text, { mode: 0o600 });
    await openEditor(call, file);
    const edited = meaningful(await readFile(file, 'utf8'));
    if (edited === meaningful(original)) {
      call.err('Edit cancelled, no changes made.\n');
      return;
    }
    if (edited === '') {
      call.err('Edit cancelled, saved file was empty.\n');
      return;
    }
    // What was refused and comes back unchanged will be refused again.
    if (trouble && edited === meaningful(text)) {
      throw new KubectlError(`Edit cancelled, no valid changes were saved.\n${trouble}`);
    }
    text = `${edited}\n`;
    try {
      const [manifest] = parseManifests(text, file);
      if (!manifest) throw new KubectlError('the file holds no object');
      const patch = threeWayPatch(shown, manifest.object, shown, mergesStrategically(target));
      if (Object.keys(patch).length === 0) {
        call.err('Edit cancelled, no changes made.\n');
        return;
      }
      printer.done(target, 'edited', await patchTarget(call, target, patch));
      return;
    } catch (error) {
      trouble = messageOf(error);
    }
  }
}

async function run(call: CommandCall): Promise<void> {
  const targets = await selectTargets(call, { listWithoutSelector: true });
  const { found, errors } = await fetchTargets(call.session, targets);
  if (errors.length > 0) throw errors[0];
  const printer = await ResultPrinter.create(call);
  const directory = await mkdtemp(join(tmpdir(), 'kubectl-edit-'));
  try {
    for (const target of found) await editOne(call, target, printer, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export const edit: Command = {
  name: 'edit',
  summary: 'Edit a resource on the server',
  usage: '(RESOURCE/NAME | -f FILENAME)',
  examples: [['Edit in your editor ($KUBE_EDITOR, $EDITOR or vi)', 'kubectl edit deployment/web']],
  flags: [...filenameFlags, validateFlag, fieldManagerFlag('kubectl-edit'), ...printFlags],
  run,
};
