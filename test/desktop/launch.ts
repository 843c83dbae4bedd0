import { fork, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser, type Page } from 'playwright-core';

export interface DoubleEvent {
  event: 'openExternal' | 'problem' | 'errorBox' | 'menu' | 'exit';
  url?: string;
  message?: string;
  title?: string;
  content?: string;
  code?: number;
}

/** A Chromium with one profile, for the app's windows and for the test alike. */
export async function startChromium(): Promise<{ endpoint: string; stop(): Promise<void> }> {
  const executable = process.env.GANTRY_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executable))
    throw new Error(`${executable} is missing: run the tests with npm test, which installs Chromium`);
  const profile = await mkdtemp(join(tmpdir(), 'gantry-chromium-'));
  const flags = [
    'no-sandbox',
    'disable-gpu',
    'disable-quic',
    'no-first-run',
    'disable-background-networking',
    'disable-sync',
  ];
  const child = spawn(
    executable,
    [
      '--headless=new',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      ...flags.map((flag) => `--${flag}`),
      '--disable-component-update',
      'about:blank',
    ],
    { stdio: 'ignore' },
  );
  const exit = new Promise<void>((end) => child.once('exit', () => end()));
  const portFile = join(profile, 'DevToolsActivePort');
  for (let tries = 0; !existsSync(portFile) || !(await readFile(portFile, 'utf8')).includes('\n'); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error('Chromium did not start');
    await sleep(50);
  }
  const [port] = (await readFile(portFile, 'utf8')).split('\n');
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill();
      await exit;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The built desktop app on the double of Electron. */
export class DesktopApp {
  readonly events: DoubleEvent[] = [];
  readonly exited: Promise<number | null>;
  log = '';
  private readonly before: Set<Page>;
  private count = 0;
  private readonly waiting = new Map<number, { resolve: (value: any) => void; reject: (error: Error) => void }>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly browser: Browser,
  ) {
    this.before = new Set(browser.contexts()[0]!.pages());
    child.stderr!.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    child.on('message', (message: any) => {
      const asked = this.waiting.get(message.id);
      if (message.event) this.events.push(message);
      else if (message.error) asked?.reject(new Error(message.error));
      else asked?.resolve(message.result);
    });
    this.exited = new Promise((end) => child.once('exit', (code) => end(code)));
  }

  /** @param main the entry of the app: the built one, unless the double itself is tested */
  static async start(endpoint: string, args: string[], main = 'out/main/index.js'): Promise<DesktopApp> {
    const browser = await chromium.connectOverCDP(endpoint);
    const child = fork(resolve(main), args, {
      execArgv: ['--import', resolve('test/desktop/double/register.mjs')],
      env: { ...process.env, GANTRY_DOUBLE_BROWSER: endpoint },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return new DesktopApp(child, browser);
  }

  /** Pages that came with this app; others may be left of one that was killed. */
  private pages(): Page[] {
    return this.browser
      .contexts()[0]!
      .pages()
      .filter((page) => !this.before.has(page));
  }

  ask<T = any>(command: string, params?: unknown): Promise<T> {
    const id = (this.count += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, command, params });
    });
  }

  /** The page of the app's window. */
  async page(): Promise<Page> {
    for (let tries = 0; tries < 300; tries += 1) {
      const page = this.pages().find((one) => one.url().startsWith('http://gantry.app.localhost/'));
      if (page) return page;
      if (this.child.exitCode !== null) break;
      await sleep(100);
    }
    throw new Error(`the window did not open:\n${this.log}`);
  }

  of(event: DoubleEvent['event']): DoubleEvent[] {
    return this.events.filter((one) => one.event === event);
  }

  async stop(): Promise<number | null> {
    if (this.child.exitCode === null) this.child.kill('SIGTERM');
    const code = await this.exited;
    // A process that was killed leaves its pages behind.
    await Promise.all(this.pages().map((page) => page.close()));
    await this.browser.close();
    return code;
  }
}
