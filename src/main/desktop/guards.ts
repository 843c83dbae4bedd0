import type { App, Session, WebContents } from 'electron';
import type { Logger } from '../cluster/log';
import { isPage, isWeb } from './origin';

/** What our page may use of the browser: writing to the clipboard after a click. */
const granted = new Set(['clipboard-sanitized-write']);

/** Keeps every page of the app on our own origin; links to the web open in the user's browser. */
export function guardContents(app: App, openExternal: (url: string) => void, log: Logger): void {
  const leave = (url: string) => {
    if (isWeb(url)) openExternal(url);
    else log.warn('refused to open an address', { url });
  };
  app.on('web-contents-created', (_, contents: WebContents) => {
    const hold = (event: { preventDefault(): void; url: string }) => {
      if (isPage(event.url)) return;
      event.preventDefault();
      leave(event.url);
    };
    contents.on('will-navigate', hold);
    contents.on('will-redirect', hold);
    contents.on('will-frame-navigate', (event) => {
      // The main frame is held above; a frame in the page has nowhere to go.
      if (!event.isMainFrame) event.preventDefault();
    });
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      leave(url);
      return { action: 'deny' };
    });
  });
}

/** Refuses every permission but writing to the clipboard, and every device. */
export function guardSession(session: Session): void {
  session.setPermissionRequestHandler((_, permission, answer, details) =>
    answer(granted.has(permission) && isPage(details.requestingUrl)),
  );
  session.setPermissionCheckHandler((_, permission, origin) => granted.has(permission) && isPage(origin));
  session.setDevicePermissionHandler(() => false);
}
