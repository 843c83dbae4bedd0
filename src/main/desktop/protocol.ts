import type { Protocol } from 'electron';
import { readStatic } from '../page/files';
import { securityHeaders } from '../page/policy';
import { isPage, scheme } from './origin';

/** Before the app is ready: the page's scheme is as good as https. */
export function declareScheme(protocol: Protocol): void {
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

/** Serves the built page under its scheme, with the same rules as the browser host. */
export function servePage(protocol: Protocol, directory: string): void {
  const plain = (status: number) => new Response(null, { status, headers: securityHeaders });
  protocol.handle(scheme, async (request) => {
    if (!isPage(request.url)) return plain(404);
    if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405);
    const file = await readStatic(directory, new URL(request.url).pathname);
    if (!file) return plain(404);
    return new Response(new Uint8Array(file.body), {
      headers: { ...securityHeaders, 'content-type': file.type, 'cache-control': 'no-cache' },
    });
  });
}
