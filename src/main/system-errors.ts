/** What the system refused, in words for the person who started the app; its own message where there are none. */
export function systemErrorText(error: unknown): string {
  const { code, message, path, port } = error as NodeJS.ErrnoException & { port?: number };
  const at = path ? ` ${path}` : '';
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is in use: choose another with --api-port or --port, or 0 for any free one`;
    case 'EACCES':
    case 'EPERM':
      return port
        ? `port ${port} may not be used: choose another with --api-port or --port`
        : `no permission for${at} (${message})`;
    case 'EROFS':
      return `the file system of${at} is read-only: choose another place with --data-dir`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `the disk is full${at ? ` (${path})` : ''}: make room where the data directory is and start again`;
    case 'EEXIST':
    case 'ENOTDIR':
      return path ? `${path} is a file: --data-dir takes a directory` : message;
    default:
      return message;
  }
}
