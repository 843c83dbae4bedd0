import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import type { KubeClient } from '../../client/types';
import type { Clock } from '../../clock';
import type { Configuration } from './render';

const loadTimeoutMs = 20_000;
/** The exit status of ingress-load for what nginx does not take. */
const refusedStatus = 3;

/** What nginx said about a configuration: taken, or the line it does not like. */
export type Verdict = { taken: true } | { taken: false; line?: number; complaint: string };

/** Puts a configuration into a controller's container. @throws Error when it could not be asked */
export async function loadConfiguration(
  client: KubeClient,
  clock: Clock,
  pod: { namespace: string; name: string; container: string },
  configuration: Configuration,
): Promise<Verdict> {
  const archive = pack();
  for (const [name, text] of configuration.files) archive.entry({ name, mode: 0o600 }, text);
  archive.finalize();
  const bytes = await buffer(archive);
  const session = await client.transport.exec({
    namespace: pod.namespace,
    pod: pod.name,
    container: pod.container,
    command: ['ingress-load', configuration.name],
    stdin: true,
    stdout: true,
    stderr: true,
  });
  const timer = clock.setTimeout(() => session.close(), loadTimeoutMs);
  try {
    let complaint = '';
    // Its end says more than a stream that breaks with it.
    for (const stream of [session.stdin, session.stdout, session.stderr]) stream?.on('error', () => {});
    session.stdout?.resume();
    session.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString().slice(0, 4000)));
    session.stdin?.end(bytes);
    const { exitCode, error } = await session.done;
    if (exitCode === 0 && !error) return { taken: true };
    if (exitCode === refusedStatus) return refusal(complaint);
    throw new Error(
      `the ingress controller did not take its configuration: ${(error ?? complaint).trim().slice(0, 500)}`,
    );
  } finally {
    timer.cancel();
  }
}

/** `nginx: [emerg] … in /run/ingress/config-…/nginx.conf:17`. */
function refusal(output: string): Verdict {
  const text = output.split('\n').find((line) => line.includes('[emerg]')) ?? output.trim();
  const line = /nginx\.conf:(\d+)/.exec(text)?.[1];
  const complaint = text
    .replace(/^.*\[emerg\]\s*(\d+#\d+:)?\s*/, '')
    .replace(/ in \/run\/\S+$/, '')
    .slice(0, 500);
  return { taken: false, complaint, ...(line ? { line: Number(line) } : {}) };
}
