import { request, type Agent, type ClientRequestArgs } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';

type Callback = (error: Error | null, socket?: Socket) => void;

/** Makes an agent open its connections through an HTTP proxy (CONNECT). */
export function tunnelThrough(agent: Agent, proxyUrl: string): void {
  const proxy = new URL(proxyUrl);
  const secure = agent instanceof HttpsAgent;
  const create = (options: ClientRequestArgs & { servername?: string }, callback: Callback): undefined => {
    const target = `${options.host}:${options.port}`;
    const credentials = proxy.username
      ? `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
      : '';
    const opening = request({
      host: proxy.hostname,
      port: proxy.port || 80,
      method: 'CONNECT',
      path: target,
      headers: {
        Host: target,
        ...(credentials ? { 'Proxy-Authorization': `Basic ${Buffer.from(credentials).toString('base64')}` } : {}),
      },
    });
    opening.once('error', (error) => callback(error));
    opening.once('response', (response) => {
      response.resume();
      callback(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
    });
    opening.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        callback(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
      } else if (secure) {
        callback(
          null,
          connect({ ...(options as object), socket, servername: options.servername ?? options.host ?? undefined }),
        );
      } else callback(null, socket);
    });
    opening.end();
    return undefined;
  };
  (agent as unknown as { createConnection: typeof create }).createConnection = create;
}
