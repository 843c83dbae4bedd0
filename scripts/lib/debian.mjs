// Fetches single packages of other Debian releases without touching the
// machine's own package sources: a private list derived from its mirror.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The machine's Debian mirror, e.g. `http://…/debian`. */
export function mirror() {
  const files = ['/etc/apt/sources.list'];
  if (existsSync('/etc/apt/sources.list.d')) {
    for (const name of readdirSync('/etc/apt/sources.list.d')) files.push(join('/etc/apt/sources.list.d', name));
  }
  for (const file of files) {
    if (!existsSync(file)) continue;
    const match = /(?:^URIs:\s*|^deb\s+(?:\[[^\]]*\]\s+)?)(https?:\/\/\S+\/debian)\/?(?:\s|$)/m.exec(
      readFileSync(file, 'utf8'),
    );
    if (match) return match[1];
  }
  throw new Error('no Debian mirror found in /etc/apt: this step needs a Debian machine');
}

/**
 * Downloads packages of another release and unpacks them.
 * @param {string} suite `trixie`, `sid` …
 * @param {string[]} packages
 * @param {string} target the folder they are unpacked into
 */
export function unpackDebianPackages(suite, packages, target) {
  const work = mkdtempSync(join(tmpdir(), 'gantry-apt-'));
  try {
    for (const dir of ['lists/partial', 'cache/archives/partial', 'download'])
      mkdirSync(join(work, dir), { recursive: true });
    writeFileSync(
      join(work, 'sources.list'),
      `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror()} ${suite} main\n`,
    );
    writeFileSync(join(work, 'status'), '');
    const options = [
      `Dir::Etc::SourceList=${join(work, 'sources.list')}`,
      'Dir::Etc::SourceParts=/dev/null',
      `Dir::State::Lists=${join(work, 'lists')}`,
      `Dir::State::Status=${join(work, 'status')}`,
      `Dir::Cache=${join(work, 'cache')}`,
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
    ].flatMap((option) => ['-o', option]);
    const apt = (args) =>
      execFileSync('apt-get', ['-qq', ...options, ...args], {
        cwd: join(work, 'download'),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    apt(['update']);
    apt(['download', ...packages]);
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(join(work, 'download')))
      execFileSync('dpkg', ['-x', join(work, 'download', file), target]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
