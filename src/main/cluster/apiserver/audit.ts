import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname } from 'node:path';
import { microTimestamp, type Clock } from '../clock';
import type { Logger } from '../log';
import type { Identity } from './authentication';
import { parsePath } from './router';
import type { UserInfo } from './types';
import { requestVerb } from './verbs';

/** Writes down who asked for what and what came of it: events of audit.k8s.io/v1 at level Metadata, one JSON line each. */
export interface AuditLog {
  /** A request has arrived; `end` writes its line. */
  begin(request: IncomingMessage): AuditEntry;
  close(): Promise<void>;
}

export interface AuditEntry {
  /** Adds what admission noted; what is there already stays. */
  annotate(key: string, value: string): void;
  end(code: number, identity?: Identity): void;
}

/** Appends to `file`, which only its owner may read. @throws Error when it cannot be opened */
export async function openAuditLog(file: string, { clock, log }: { clock: Clock; log: Logger }): Promise<AuditLog> {
  await mkdir(dirname(file), { recursive: true });
  await (await open(file, 'a', 0o600)).close();
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  stream.on('error', (error) => log.error('the audit log cannot be written', { file, error }));
  return {
    begin(request) {
      const received = clock.now();
      const noted: Record<string, string> = {};
      return {
        annotate: (key, value) => void (noted[key] ??= value),
        end(code, identity) {
          const { annotations, ...event } = auditEvent(request, identity, code, received, clock.now());
          stream.write(`${JSON.stringify({ ...event, annotations: { ...annotations, ...noted } })}\n`);
        },
      };
    },
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

const userOf = ({ name, uid, groups, extra }: UserInfo) => ({ username: name, uid, groups, extra });

function auditEvent(
  request: IncomingMessage,
  identity: Identity | undefined,
  code: number,
  received: number,
  ended: number,
) {
  const uri = request.url ?? '/';
  const [path = '/', search] = uri.split('?', 2);
  const route = parsePath(path);
  const method = request.method ?? 'GET';
  const resource = route.type === 'resource' ? route : undefined;
  const actor = identity?.actor ?? identity?.user;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: randomUUID(),
    stage: 'ResponseComplete',
    requestURI: uri,
    verb: resource ? requestVerb(method, resource, new URLSearchParams(search)) : method.toLowerCase(),
    user: actor ? userOf(actor) : {},
    ...(identity?.actor ? { impersonatedUser: userOf(identity.user) } : {}),
    sourceIPs: [request.socket.remoteAddress ?? ''],
    userAgent: request.headers['user-agent'],
    ...(resource
      ? {
          objectRef: {
            resource: resource.plural,
            namespace: resource.namespace,
            name: resource.name,
            apiGroup: resource.group || undefined,
            apiVersion: resource.version,
            subresource: resource.subresource,
          },
        }
      : {}),
    responseStatus: { metadata: {}, code },
    requestReceivedTimestamp: microTimestamp(received),
    stageTimestamp: microTimestamp(ended),
    annotations: { 'authorization.k8s.io/decision': code === 401 || code === 403 ? 'forbid' : 'allow' },
  };
}
