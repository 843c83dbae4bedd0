import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import type { APIService } from '@shared/k8s';
import { apiError } from '../../api/errors';
import type { Clock } from '../../clock';
import { startDeadline } from '../deadline';
import type { FrontProxy } from '../pki';
import type { ProxyTarget, Reaching } from '../proxy';
import { exchange } from '../proxy-http';
import { dialSecured, dialService } from '../service-dial';
import type { UserInfo } from '../types';
import { identityHeaders } from './identity';

/** How long an answer may take (Kubernetes' limit for requests that do not last), in ms. */
const patienceMs = 60_000;

/** Who looks what a server serves. */
const aggregator: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** What a server said, in full; without text where that was too long or broke off. */
export interface Said {
  status: number;
  text?: string;
}

interface Asking {
  timeoutMs: number;
  mostBytes: number;
  /** Nobody wants to know any more. */
  signal: AbortSignal;
}

/** The way to the servers behind APIServices. */
export interface ExtensionServers {
  /** Where a request of a user goes. `lasting`: a watch, which may take as long as it likes. @throws ApiError 500 */
  target(api: APIService, path: string, user: UserInfo, lasting: boolean): ProxyTarget;
  /** Asks for a document within `timeoutMs`. @throws Error in Go's words for why there is no answer */
  ask(api: APIService, path: string, options: Asking): Promise<Said>;
  /** Ends what is under way. */
  close(): void;
}

/** @param frontProxy who the API server is to them; it is nobody without */
export function createExtensionServers(options: {
  reaching: Reaching;
  clock: Clock;
  frontProxy?: () => Promise<FrontProxy>;
}): ExtensionServers {
  const { reaching, clock, frontProxy } = options;
  const closing = new AbortController();
  // Every request that is under way listens.
  setMaxListeners(0, closing.signal);

  const connect = async ({ spec }: APIService, signal?: AbortSignal): Promise<Duplex> => {
    const { namespace, name, port = 443 } = spec!.service!;
    const client = (await frontProxy?.())?.client;
    const securing = {
      servername: `${name}.${namespace}.svc`,
      caBundle: spec!.caBundle,
      insecure: spec!.insecureSkipTLSVerify,
      client,
    };
    return dialSecured(dialService(reaching, namespace!, name!, port), securing, signal);
  };

  const target: ExtensionServers['target'] = (api, path, user, lasting) => {
    const { namespace, name } = api.spec!.service!;
    return {
      host: `${name}.${namespace}.svc`,
      tls: false,
      path,
      prefix: '',
      connect: (signal) => connect(api, signal),
      aggregated: {
        identity: identityHeaders(user),
        deadline: () => startDeadline(clock, lasting ? undefined : patienceMs, tookTooLong, closing.signal),
      },
    };
  };

  return {
    target,
    close: () => closing.abort(apiError(503, 'ServiceUnavailable', 'the server is shutting down')),
    async ask(api, path, { timeoutMs, mostBytes, signal }) {
      const deadline = startDeadline(clock, timeoutMs, () => new Error('context deadline exceeded'), signal);
      try {
        const answer = await exchange(target(api, path, aggregator, true), {
          method: 'GET',
          headers: { accept: 'application/json' },
          signal: deadline.signal,
        });
        const chunks: Buffer[] = [];
        let size = 0;
        try {
          for await (const chunk of answer as AsyncIterable<Buffer>) {
            size += chunk.length;
            if (size > mostBytes) return { status: answer.statusCode! };
            chunks.push(chunk);
          }
        } catch {
          return { status: answer.statusCode! };
        } finally {
          answer.destroy();
        }
        return { status: answer.statusCode!, text: Buffer.concat(chunks).toString() };
      } finally {
        deadline.over();
      }
    },
  };
}

const tookTooLong = () => apiError(504, 'Timeout', 'Timeout: request did not complete within the allotted timeout', {});
