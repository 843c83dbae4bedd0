import { randomUUID } from 'node:crypto';
import type { IPty } from 'node-pty';
import type { Clock } from '../cluster/clock';
import { TextRing } from './ring';

/** What is replayed to a page that attaches again, in characters. */
const REPLAY = 256 * 1024;
/** Output that may wait for a page before the shell is held back, and the level at which it goes on. */
const HIGH_WATER = 256 * 1024;
const LOW_WATER = 64 * 1024;
/** How long a shell has to go after a hang-up, in ms. */
const GRACE = 2000;

export type TerminalEvent = { type: 'output'; data: string } | { type: 'exit'; code: number };

/** One page's view of a session. */
export interface Attachment {
  readonly id: string;
  readonly shell: string;
  /** What was printed since the last take (first: the replay), and the exit as the last event. */
  take(): TerminalEvent[];
  write(data: string): void;
  resize(columns: number, rows: number): void;
  /** Leaves the session running. */
  detach(): void;
}

export interface SpawnOptions {
  shell: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  columns: number;
  rows: number;
}

export interface TerminalSessions {
  /** Starts a shell. `notify` is called when there is something to take. */
  open(options: SpawnOptions, notify: () => void): Promise<Attachment>;
  /** Attaches to a running session; undefined when it is gone. */
  attach(id: string, notify: () => void): Attachment | undefined;
  /** Ends a session and what runs in it; false when there is none. */
  kill(id: string): boolean;
  /** Ends all; resolves when every shell has gone. */
  close(): Promise<void>;
}

interface Viewer {
  waiting: string[];
  size: number;
  notify: () => void;
}

class Session {
  readonly id = randomUUID();
  private readonly ring = new TextRing(REPLAY);
  private readonly viewers = new Set<Viewer>();
  private held = false;
  private exitCode: number | undefined;
  readonly ended: Promise<void>;

  constructor(
    private readonly shell: string,
    private readonly pty: IPty,
    private readonly clock: Clock,
  ) {
    pty.onData((data) => {
      this.ring.push(data);
      for (const viewer of this.viewers) {
        viewer.waiting.push(data);
        viewer.size += data.length;
        viewer.notify();
      }
      this.balance();
    });
    this.ended = new Promise((resolve) =>
      pty.onExit(({ exitCode, signal }) => {
        this.exitCode = signal ? 128 + signal : exitCode;
        for (const viewer of this.viewers) viewer.notify();
        resolve();
      }),
    );
  }

  /** Holds the shell back while a page is behind. A session that nobody watches runs on into the ring. */
  private balance(): void {
    const most = Math.max(0, ...[...this.viewers].map((viewer) => viewer.size));
    if (!this.held && most > HIGH_WATER) {
      this.held = true;
      this.pty.pause();
    } else if (this.held && most < LOW_WATER) {
      this.held = false;
      this.pty.resume();
    }
  }

  attach(notify: () => void): Attachment {
    const replay = this.ring.toString();
    const viewer: Viewer = { waiting: replay ? [replay] : [], size: replay.length, notify };
    this.viewers.add(viewer);
    return {
      id: this.id,
      shell: this.shell,
      take: () => {
        const events: TerminalEvent[] = [];
        if (viewer.waiting.length) events.push({ type: 'output', data: viewer.waiting.join('') });
        viewer.waiting = [];
        viewer.size = 0;
        this.balance();
        if (this.exitCode !== undefined) events.push({ type: 'exit', code: this.exitCode });
        return events;
      },
      write: (data) => {
        if (this.exitCode === undefined) this.pty.write(data);
      },
      resize: (columns, rows) => {
        if (this.exitCode === undefined) this.pty.resize(columns, rows);
      },
      detach: () => {
        this.viewers.delete(viewer);
        this.balance();
      },
    };
  }

  /** Hangs up, and after a while kills what stayed. */
  kill(): void {
    if (this.exitCode !== undefined) return;
    if (this.held) this.pty.resume();
    this.signal('SIGHUP');
    const timer = this.clock.setTimeout(() => this.signal('SIGKILL'), GRACE);
    void this.ended.then(() => timer.cancel());
  }

  private signal(name: 'SIGHUP' | 'SIGKILL'): void {
    if (this.exitCode !== undefined) return;
    try {
      // The shell leads a process group of its own.
      if (process.platform === 'win32') this.pty.kill();
      else process.kill(-this.pty.pid, name);
    } catch {
      // It has gone meanwhile.
    }
  }
}

/** Local shells that outlive the page that shows them. node-pty is loaded with the first. */
export function createTerminalSessions(clock: Clock): TerminalSessions {
  const sessions = new Map<string, Session>();
  return {
    async open(options, notify) {
      const { spawn } = await import('node-pty');
      const pty = spawn(options.shell, options.args, {
        name: 'xterm-256color',
        cols: options.columns,
        rows: options.rows,
        cwd: options.cwd,
        env: options.env,
      });
      const session = new Session(options.shell, pty, clock);
      sessions.set(session.id, session);
      void session.ended.then(() => sessions.delete(session.id));
      return session.attach(notify);
    },
    attach: (id, notify) => sessions.get(id)?.attach(notify),
    kill(id) {
      const session = sessions.get(id);
      session?.kill();
      return session !== undefined;
    },
    async close() {
      for (const session of sessions.values()) session.kill();
      await Promise.all([...sessions.values()].map((session) => session.ended));
    },
  };
}
