import { cli, type Chapter } from '../entry';

const box = 'docker run -d --name $BOX';

/** The docker commands of the notes, on a container of the test's own. */
export const dockerChapter: Chapter = {
  name: 'docker',
  files: { Dockerfile: 'FROM busybox:1\nCMD ["echo", "built"]\n' },
  entries: [
    cli('CLI-80', 'docker images', { stdout: [/^REPOSITORY|^IMAGE/m, /busybox/] }),
    cli('CLI-01', 'docker image pull 127.0.0.1:1/none:1', { code: 1, stderr: /connection refused/ }),
    cli('CLI-02 CLI-84 CLI-90 CLI-123', `${box} \\\n  --publish 127.0.0.1::8080 \\\n  gantry-test/web:v1`, {
      stdout: /^[0-9a-f]{64}\n$/,
    }),
    cli('CLI-02', 'docker port $BOX 8080/tcp', { stdout: /^127\.0\.0\.1:\d+$/m }),
    cli('CLI-80', 'docker ps --filter name=$BOX --format {{.Names}}', { stdout: '$BOX\n' }),
    cli('CLI-81', 'docker stop -t 0 $BOX', { stdout: '$BOX\n' }),
    cli('CLI-82', 'docker rm $BOX', { stdout: '$BOX\n' }),
    cli('CLI-119', 'docker network ls', { stdout: [/^NETWORK ID/, / bridge +bridge /] }),
    cli('CLI-33', 'kubectl get nodes', { stdout: / Ready / }),
  ],
};
