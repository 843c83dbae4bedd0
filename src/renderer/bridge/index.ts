import { BridgeClient, type HostPort } from './client';
import { preloadConnector, takeToken, webSocketPort } from './ports';

export { BridgeClient, BridgeException } from './client';
export type { ConnectionState, StreamHandle, StreamHandlers } from './client';

let client: BridgeClient | undefined;

/** The page's bridge to the app; connects at first use. */
export function useBridge(): BridgeClient {
  client ??= new BridgeClient({ connect: connector(), later: (run, ms) => void setTimeout(run, ms) });
  return client;
}

function connector(): () => Promise<HostPort> {
  const { gantry } = window;
  if (gantry) return preloadConnector(gantry);
  const token = takeToken(window.location, window.sessionStorage, window.history);
  const url = new URL('/bridge', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('token', token);
  return () => webSocketPort(url.href);
}
