import { WebSocket } from 'ws';
import { apiClient, startApp, type Answer, type ApiClient, type RunningApp } from '../support/app';

/** Keeps the app running: what it is started with, its log over all its lives, and calls that outlast a crash. */
export class Supervisor {
  private app: RunningApp | undefined;
  private api: ApiClient | undefined;
  private up: Promise<void> = Promise.resolve();
  private earlierLogs = '';
  private wanted = false;
  directory: string | undefined;
  /** How often it was killed. */
  kills = 0;

  constructor(private readonly options: { args: string[]; env: Record<string, string> }) {}

  start(): Promise<void> {
    this.wanted = true;
    this.up = (async () => {
      this.app = await startApp({ ...this.options, dataDirectory: this.directory });
      this.directory = this.app.dataDirectory;
      this.api = await apiClient(this.app.kubeconfig);
    })();
    return this.up;
  }

  get clusterId(): string {
    return /cluster=([0-9a-f]+)/.exec(this.log())![1]!;
  }

  /** All it said in all its lives. */
  log(): string {
    return this.earlierLogs + (this.app?.log() ?? '');
  }

  /** `kill -9`; it stays dead for a while, then it is started again. */
  async crash(deadMs: number): Promise<void> {
    this.kills++;
    const { app, api } = this;
    let started: () => void = () => {};
    this.up = new Promise((resolve) => (started = resolve));
    await app!.kill();
    api!.close();
    this.earlierLogs += app!.log();
    this.app = undefined;
    await new Promise((resolve) => setTimeout(resolve, deadMs));
    await this.start();
    started();
  }

  /** One try, once the app is up. */
  async once(method: string, path: string, body?: object): Promise<Answer> {
    await this.up;
    const headers: Record<string, string> =
      method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {};
    return this.api!.call(method, path, body, headers);
  }

  /** Tries again when the app was killed meanwhile: for requests that change nothing, or nothing more the second time. */
  async call(method: string, path: string, body?: object): Promise<Answer> {
    for (;;) {
      try {
        return await this.once(method, path, body);
      } catch (error) {
        if (!this.excuses(error)) throw error;
      }
    }
  }

  /** Calls what the window can ask for. @throws Error in the app's words, or because it is gone */
  async window(method: string, params: object): Promise<unknown> {
    await this.up;
    const url = new URL(this.app!.ui);
    const { origin } = url;
    url.protocol = 'ws:';
    url.pathname = '/bridge';
    const socket = new WebSocket(url, { origin });
    try {
      return await new Promise((resolve, reject) => {
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('the app is gone')));
        socket.on('open', () => socket.send(JSON.stringify({ type: 'call', id: 1, method, params })));
        socket.on('message', (data: Buffer) => {
          const answer = JSON.parse(data.toString()) as { type: string; value?: unknown; error?: { message: string } };
          if (answer.type === 'error') reject(new Error(answer.error!.message));
          else resolve(answer.value);
        });
      });
    } finally {
      socket.terminate();
    }
  }

  /** Whether a request failed as requests do when the app is killed under them, and it was. */
  excuses(error: unknown): boolean {
    if (!(error instanceof Error) || !this.wanted || this.kills === 0) return false;
    return 'code' in error || /hang up|aborted/.test(error.message);
  }

  async stop(): Promise<void> {
    this.wanted = false;
    this.api?.close();
    await this.app?.stop();
  }
}
