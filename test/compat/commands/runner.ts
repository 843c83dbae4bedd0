import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ApiClient } from '../../support/app';
import { eventually, type Ran } from '../../support/kubectl';
import { forRelease, type Entry, type Expected } from './entry';
import { type, typeInTerminal, typeUntil, type User } from './user';

/** Who runs a script, with which kubectl, against what. */
export interface Run extends User {
  minor: number;
  namespace: string;
  api: ApiClient;
}

/** How long the cluster may take to get to the outcome, in ms. */
const patience = 180_000;

/** Runs an entry and looks at everything it must lead to. */
export async function play(run: Run, entry: Entry): Promise<void> {
  const user: Run = { ...run, env: { ...run.env, ...entry.env } };
  const once = async () => {
    const ran = await say(user, entry);
    check(entry, ran, run);
    return ran;
  };
  const ran = entry.again ? await eventually(`the outcome of ${entry.line}`, once, patience) : await once();
  if (entry.save) run.env[entry.save] = ran.stdout.trim();
  if (entry.file) expect(await readFile(join(run.directory, entry.file[0]), 'utf8')).toMatch(entry.file[1]);
  for (const [path, state] of Object.entries(entry.server ?? {})) await stands(run, path, state);
}

function say(user: Run, entry: Entry): Promise<Ran> {
  const { input, typed, until, meanwhile } = entry;
  const line = entry.line.replaceAll('{ns}', user.namespace);
  if (typed) return typeInTerminal(user, line, typed);
  if (!until) return type(user, line, input);
  const look = async () => {
    if (!meanwhile) return;
    const [other, stdout] = meanwhile;
    await eventually(`${String(stdout)} from ${other}`, async () => {
      const ran = await type(user, other);
      if (stdout.test(ran.stdout)) return true;
      throw new Error(JSON.stringify(ran));
    });
  };
  return typeUntil(user, line, until, look, input);
}

function check(entry: Entry, ran: Ran, { minor, namespace, env }: Run): void {
  const told = `${entry.line}\nended with ${ran.code}\n${ran.stdout}${ran.stderr}`;
  const fill = (text: string) => filled(text, namespace, env);
  const holds = (what: string, text: string, expected: Expected | undefined) => {
    if (expected === undefined) return;
    if (typeof expected === 'string') expect(text, `${what} of ${told}`).toBe(fill(expected));
    else
      for (const one of [expected].flat())
        expect(text, `${what} of ${told}`).toMatch(new RegExp(one.source.replaceAll('{ns}', namespace), one.flags));
  };
  const code = forRelease(entry.code, minor) ?? 0;
  if (code === 'fails') expect(ran.code, told).not.toBe(0);
  else expect(ran.code, told).toBe(code);
  holds('stdout', ran.stdout, forRelease(entry.stdout, minor));
  holds('stderr', ran.stderr, forRelease(entry.stderr, minor));
}

/** Asks the API by itself, not through kubectl, until the object is as it must be. */
async function stands(run: Run, path: string, state: object | 'gone'): Promise<void> {
  const url = filled(path, run.namespace, run.env);
  await eventually(
    `${url} being right`,
    async () => {
      const { status, body } = await run.api.call('GET', url);
      if (state === 'gone') expect(status, JSON.stringify(body)).toBe(404);
      else expect(body).toMatchObject(state);
      return true;
    },
    patience,
  );
}

const filled = (text: string, namespace: string, env: Record<string, string>) =>
  text.replaceAll('{ns}', namespace).replaceAll(/\$([A-Z]+)/g, (whole, name: string) => env[name] ?? whole);
