import { mkdir, stat, writeFile } from 'node:fs/promises';
import { ConfigError } from '../objects';

/** Makes sure that a path of this host is what its type says. @throws ConfigError when it is not */
export async function checkHostPath(path: string, type: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (type === '') {
    // Docker refuses a bind of what is not there; kubelets leave it to the runtime, which makes a directory.
    if (!found) await mkdir(path, { recursive: true });
    return;
  }
  if (type === 'DirectoryOrCreate') {
    if (!found) await mkdir(path, { recursive: true, mode: 0o755 });
    else if (!found.isDirectory()) throw new ConfigError('hostPath type check failed: ' + path + ' is not a directory');
    return;
  }
  if (type === 'FileOrCreate') {
    if (!found) await writeFile(path, '', { mode: 0o644 });
    else if (!found.isFile()) throw new ConfigError('hostPath type check failed: ' + path + ' is not a file');
    return;
  }
  const checks: Record<string, [string, boolean | undefined]> = {
    Directory: ['directory', found?.isDirectory()],
    File: ['file', found?.isFile()],
    Socket: ['socket file', found?.isSocket()],
    CharDevice: ['character device', found?.isCharacterDevice()],
    BlockDevice: ['block device', found?.isBlockDevice()],
  };
  const check = checks[type];
  if (check && !check[1]) throw new ConfigError(`hostPath type check failed: ${path} is not a ${check[0]}`);
}
