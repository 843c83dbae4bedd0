import type { Port, ToHost, ToPage } from '@shared/bridge/protocol';
import type { WebSocket } from 'ws';

/** A WebSocket as a port of the bridge: one JSON text per message. */
export function socketPort(socket: WebSocket): Port<ToPage, ToHost> {
  return {
    post(message) {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
    },
    onMessage(listener) {
      socket.on('message', (data, isBinary) => {
        if (isBinary) return socket.close(1003, 'text only');
        let message: ToHost;
        try {
          message = JSON.parse(String(data)) as ToHost;
        } catch {
          return socket.close(1007, 'not JSON');
        }
        listener(message);
      });
    },
    onClose: (listener) => void socket.on('close', listener),
    close: () => socket.close(1001, 'the app ends'),
  };
}
