import type { IpcMain, MessagePortMain } from 'electron';
import type { Port, ToHost, ToPage } from '@shared/bridge/protocol';
import type { Logger } from '../cluster/log';
import type { BridgeHost } from '../services/bridge-host';
import { isPage } from './origin';

/** A message port as a port of the bridge. */
export function messagePort(port: MessagePortMain): Port<ToPage, ToHost> {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => void port.on('message', (event) => listener(event.data as ToHost)),
    onClose: (listener) => void port.on('close', listener),
    close: () => port.close(),
  };
}

/**
 * Takes the port that the preload script of a window sends, from the main frame
 * of our own page alone. What the page says before the app is up waits in the port.
 */
export function listenForPages(ipcMain: IpcMain, bridge: Promise<BridgeHost>, log: Logger): void {
  ipcMain.on('gantry:connect', (event) => {
    const [port] = event.ports;
    const frame = event.senderFrame;
    if (!port) return;
    if (!frame || frame.parent !== null || !isPage(frame.url)) {
      log.warn('refused a page that is not ours', { url: frame?.url ?? '' });
      port.close();
      return;
    }
    void bridge.then(
      (host) => {
        host.attach(messagePort(port));
        port.start();
      },
      // The app says itself why it could not start.
      () => port.close(),
    );
  });
}
