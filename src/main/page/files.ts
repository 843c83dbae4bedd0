import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

export interface StaticFile {
  body: Buffer;
  type: string;
  /** Its name changes with its content. */
  immutable: boolean;
  isPage: boolean;
}

/** What the bundler puts into assets/ carries a hash in its name. */
const hashed = /^assets[\\/].+-[\w-]{8,}\.\w+$/;

/**
 * A file of a directory by the path of a URL. Paths without an extension are
 * routes of the page and get index.html.
 * @param pathname as in the URL, still percent-encoded
 * @returns undefined when there is none or the path leads out of the directory
 */
export async function readStatic(directory: string, pathname: string): Promise<StaticFile | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0') || decoded.includes('\\')) return undefined;
  const name = extname(decoded) ? normalize(decoded).replace(/^[/\\]+/, '') : 'index.html';
  const file = join(directory, name);
  const type = types[extname(name).toLowerCase()];
  if (!type || !file.startsWith(directory.endsWith(sep) ? directory : directory + sep)) return undefined;
  try {
    if (!(await stat(file)).isFile()) return undefined;
    return { body: await readFile(file), type, immutable: hashed.test(name), isPage: name === 'index.html' };
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
