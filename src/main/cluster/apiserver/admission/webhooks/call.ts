import { request as plainRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MutatingWebhookConfiguration } from '@shared/k8s';
import type { Clock } from '../../../clock';
import type { Reaching } from '../../proxy';
import { startDeadline, unlessAborted } from '../../deadline';
import { dialHost, dialSecured, dialService, unbracketed } from '../../service-dial';

export type Webhook = NonNullable<MutatingWebhookConfiguration['webhooks']>[number];

/** The largest answer that is read, in bytes. */
const mostBytes = 16 * 1024 * 1024;

/** How webhooks are reached. */
export interface WebhookCaller {
  /** Posts a review; resolves with what the webhook answers. @throws Error in the words Kubernetes has for it */
  post(webhook: Webhook, review: object): Promise<unknown>;
}

/** Calls webhooks over HTTPS: by their URL, or on a ready pod behind their service. */
export function createWebhookCaller({ clock, reaching }: { clock: Clock; reaching: () => Reaching }): WebhookCaller {
  return {
    async post(webhook, review) {
      const { url, service, caBundle } = webhook.clientConfig;
      const seconds = webhook.timeoutSeconds ?? 10;
      const port = service?.port ?? 443;
      const target = new URL(
        url ?? `https://${service!.name}.${service!.namespace}.svc:${port}${service!.path ?? '/'}`,
      );
      // The URL as the error names it: the default port of a service is spelled out.
      const shown = service ? `https://${target.hostname}:${port}${target.pathname}` : target.toString();
      target.searchParams.set('timeout', `${seconds}s`);
      const open = service
        ? () => dialService(reaching(), service.namespace, service.name, port)
        : () => dialHost(unbracketed(target.hostname), Number(target.port || 443));
      const failed = (why: string) => new Error(`failed to call webhook: Post "${shown}?timeout=${seconds}s": ${why}`);
      let live: Duplex | undefined;
      const deadline = startDeadline(clock, seconds * 1000, () => new Error('context deadline exceeded'));
      const exchange = async () => {
        live = await dialSecured(open(), { servername: unbracketed(target.hostname), caBundle }, deadline.signal);
        return send(live, target, JSON.stringify(review));
      };
      try {
        const answer = await unlessAborted(exchange(), deadline.signal, (late) => late.destroy()).catch(
          (error: Error) => {
            throw failed(error.message);
          },
        );
        return await unlessAborted(read(answer), deadline.signal, () => {}).catch((error: Error) => {
          throw deadline.signal.aborted ? failed(error.message) : error;
        });
      } finally {
        deadline.over();
        live?.destroy();
      }
    },
  };
}

function send(connection: Duplex, target: URL, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = plainRequest(
      {
        method: 'POST',
        path: target.pathname + target.search,
        headers: {
          Host: target.host,
          'Content-Type': 'application/json',
          Accept: 'application/json',
          'User-Agent': 'kube-apiserver-admission',
          'Content-Length': Buffer.byteLength(body),
          Connection: 'close',
        },
        createConnection: () => connection,
      },
      resolve,
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The JSON of an answer. @throws Error for anything else */
async function read(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) throw new Error('the response of the webhook is too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  const status = answer.statusCode!;
  if (status >= 200 && status < 300) {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error(`couldn't get version/kind; json parse error: ${JSON.stringify(text.slice(0, 200))}`);
    }
  }
  if (status === 404) throw new Error('failed to call webhook: the server could not find the requested resource');
  if (status >= 500) {
    const said = JSON.stringify(text.trim().slice(0, 2048));
    throw new Error(
      `failed to call webhook: an error on the server (${said}) has prevented the request from succeeding`,
    );
  }
  throw new Error(
    `failed to call webhook: the server responded with the status code ${status} but did not return more information`,
  );
}
