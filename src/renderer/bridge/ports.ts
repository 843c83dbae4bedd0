import type { ToHost, ToPage } from '@shared/bridge/protocol';
import type { HostPort } from './client';

/** What the preload script of the desktop window offers. */
interface PreloadBridge {
  post(message: ToHost): void;
  onMessage(callback: (message: ToPage) => void): void;
  onClose?(callback: () => void): void;
}

declare global {
  interface Window {
    gantry?: PreloadBridge;
  }
}

const TOKEN = 'gantry.token';

/** Opens the pipe through the desktop window's preload script. It comes once: when it has closed, the window must be loaded again. */
export function preloadConnector(bridge: PreloadBridge): () => Promise<HostPort> {
  let closed = false;
  bridge.onClose?.(() => (closed = true));
  return async () => {
    if (closed) throw new Error('The window lost the app.');
    return {
      // Reactive values cannot be cloned; on the WebSocket JSON makes them plain, here we do.
      post: (message) => bridge.post(JSON.parse(JSON.stringify(message)) as ToHost),
      onMessage: (listener) => bridge.onMessage(listener),
      onClose: (listener) => bridge.onClose?.(listener),
      close: () => {},
    };
  };
}

/**
 * The token that the browser host put into the page's address. It is kept for
 * reloads of this tab and taken out of the address bar.
 */
export function takeToken(location: Location, storage: Storage, history: History): string {
  const url = new URL(location.href);
  const given = url.searchParams.get('token');
  if (given === null) return storage.getItem(TOKEN) ?? '';
  storage.setItem(TOKEN, given);
  url.searchParams.delete('token');
  history.replaceState(history.state, '', url);
  return given;
}

/** Opens the pipe over a WebSocket. Rejects when it cannot be opened. */
export function webSocketPort(url: string): Promise<HostPort> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const early: ToPage[] = [];
    let listener = (message: ToPage): void => void early.push(message);
    socket.addEventListener('message', (event) => listener(JSON.parse(event.data as string) as ToPage));
    socket.addEventListener('error', () => reject(new Error('The app does not answer.')), { once: true });
    socket.addEventListener('close', () => reject(new Error('The app closed the connection.')), { once: true });
    socket.addEventListener('open', () =>
      resolve({
        post: (message) => socket.send(JSON.stringify(message)),
        onMessage: (next) => {
          listener = next;
          for (const message of early.splice(0)) next(message);
        },
        onClose: (closed) => {
          // It may have closed between opening and this call.
          if (socket.readyState >= WebSocket.CLOSING) closed();
          else socket.addEventListener('close', () => closed(), { once: true });
        },
        close: () => socket.close(),
      }),
    );
  });
}
