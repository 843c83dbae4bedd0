import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../cluster/clock';
import { chooseShell, shellEnvironment, writeKubectlShim } from './environment';
import { TextRing } from './ring';
import { type Attachment, createTerminalSessions, type TerminalSessions } from './sessions';

describe('the replay ring', () => {
  it('keeps the end of the text, from the start of a line', () => {
    const ring = new TextRing(20);
    for (let line = 0; line < 10; line += 1) ring.push(`line ${line}\n`);
    expect(ring.toString()).toBe('line 8\nline 9\n');
    ring.push('x'.repeat(50));
    expect(ring.toString()).toBe('x'.repeat(20));
  });
});

describe('terminal sessions on a real pty', () => {
  let sessions: TerminalSessions;
  beforeEach(() => (sessions = createTerminalSessions(systemClock)));
  afterEach(() => sessions.close());

  const spawnOptions = { shell: '/bin/sh', args: [] as string[], cwd: '/', columns: 80, rows: 24 };
  const env = { PS1: '$ ', PATH: process.env.PATH!, TERM: 'xterm-256color' };

  /** Collects events until the text (or the exit) has come. */
  function collector() {
    let wake = () => {};
    const state = { text: '', code: undefined as number | undefined };
    return {
      notify: () => wake(),
      state,
      async until(attachment: Attachment, done: (state: { text: string; code?: number }) => boolean) {
        for (;;) {
          for (const event of attachment.take()) {
            if (event.type === 'output') state.text += event.data;
            else state.code = event.code;
          }
          if (done(state)) return state;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    };
  }

  it('runs a shell, and replays what was printed to a page that attaches again', async () => {
    const first = collector();
    const a = await sessions.open({ ...spawnOptions, env }, first.notify);
    a.write('echo hel""lo; stty size\n');
    await first.until(a, ({ text }) => text.includes('24 80'));
    a.detach();
    const second = collector();
    const b = sessions.attach(a.id, second.notify)!;
    await second.until(b, ({ text }) => text.includes('hello') && text.includes('24 80'));
    b.resize(100, 30);
    b.write('stty size\n');
    await second.until(b, ({ text }) => text.includes('30 100'));
    b.write('exit 3\n');
    expect((await second.until(b, ({ code }) => code !== undefined)).code).toBe(3);
    expect(sessions.attach(a.id, () => {})).toBeUndefined();
  });

  it('kills the shell together with what runs in it', async () => {
    const view = collector();
    const attachment = await sessions.open({ ...spawnOptions, env }, view.notify);
    attachment.write(`sh -c 'echo child=$$; exec sleep 1000'\n`);
    const { text } = await view.until(attachment, (state) => /child=\d+/.test(state.text));
    const child = Number(/child=(\d+)/.exec(text)![1]);
    expect(sessions.kill(attachment.id)).toBe(true);
    await view.until(attachment, ({ code }) => code !== undefined);
    await expect.poll(() => alive(child), { timeout: 5000 }).toBe(false);
    expect(sessions.kill(attachment.id)).toBe(false);
  });

  it('holds the shell back while the page does not take', async () => {
    const view = collector();
    const attachment = await sessions.open({ ...spawnOptions, env }, view.notify);
    let notified = 0;
    let size = 0;
    const slow = sessions.attach(attachment.id, () => (notified += 1))!;
    attachment.write('head -c 3000000 /dev/zero | tr "\\0" x; echo; echo the""end\n');
    // One reader that takes makes the shell go on only as far as the slow one allows.
    const finished = view.until(attachment, ({ text }) => text.includes('theend'));
    await expect.poll(() => notified).toBeGreaterThan(10);
    const settled = async () => {
      const before = notified;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return before === notified;
    };
    await expect.poll(settled).toBe(true);
    expect(view.state.text.length).toBeLessThan(1_500_000);
    const drain = setInterval(() => {
      for (const event of slow.take()) if (event.type === 'output') size += event.data.length;
    }, 1);
    await finished;
    clearInterval(drain);
    for (const event of slow.take()) if (event.type === 'output') size += event.data.length;
    expect(size).toBeGreaterThan(3_000_000);
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(execFileSync('cat', [`/proc/${pid}/stat`], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

describe('the shell environment', () => {
  it("puts our kubectl behind the user's own and sets KUBECONFIG", async () => {
    const directory = mkdtempSync(join(tmpdir(), "gantry it's "));
    try {
      const script = join(directory, 'cli.mjs');
      writeFileSync(script, 'process.stdout.write(JSON.stringify([process.env.KUBECONFIG, ...process.argv.slice(2)]))');
      const bin = await writeKubectlShim(directory, [process.execPath, script, 'kubectl']);
      const env = shellEnvironment({
        env: { PATH: '/usr/bin:/bin', NODE_OPTIONS: '--no-warnings', HOME: '/root' },
        kubeconfig: '/tmp/k',
        shimDirectory: bin,
      });
      expect(env.PATH).toBe(`/usr/bin:/bin:${bin}`);
      expect(env.NODE_OPTIONS).toBeUndefined();
      const output = execFileSync(join(bin, 'kubectl'), ['get', 'pods', '-l', "a b 'c'"], { env, encoding: 'utf8' });
      expect(JSON.parse(output)).toEqual(['/tmp/k', 'kubectl', 'get', 'pods', '-l', "a b 'c'"]);
      const shouted = execFileSync('/bin/sh', ['-c', 'Kubectl get nodes'], {
        env: { ...env, PATH: `${bin}:${env.PATH}` },
        encoding: 'utf8',
      });
      expect(JSON.parse(shouted)).toEqual(['/tmp/k', 'kubectl', 'get', 'nodes']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('takes the shell of the setting, then of the user, then of the system', () => {
    expect(chooseShell('/opt/fish', { SHELL: '/bin/sh' }, 'linux')).toBe('/opt/fish');
    expect(chooseShell('', { SHELL: '/bin/sh' }, 'linux')).toBe('/bin/sh');
    expect(chooseShell('', { SHELL: '/not/there' }, 'linux')).toMatch(/^\/bin\/(ba)?sh$/);
  });
});
