import { cli, type Chapter } from '../entry';

const certs = 'home/.certs';
const as = '--kubeconfig=username.conf';

/** A user with a certificate of their own, made with openssl as the notes do: X.509 version 1. */
export const certificatesChapter: Chapter = {
  name: 'certificates',
  files: {
    'by-hand.conf': JSON.stringify({
      users: [
        {
          name: 'username',
          user: { 'client-certificate': `${certs}/username.crt`, 'client-key': `${certs}/privatekey.key` },
        },
      ],
    }),
  },
  entries: [
    cli('CLI-26', 'openssl genrsa -out privatekey.key 2048', { file: ['privatekey.key', /PRIVATE KEY/] }),
    cli(
      'CLI-27',
      'openssl req -new -key privatekey.key -out req.csr -subj "/CN=username/O=username" # CN for common name',
      {
        file: ['req.csr', /CERTIFICATE REQUEST/],
      },
    ),
    cli(
      'CLI-28',
      'openssl x509 -req -in req.csr -CA $PKI/ca.crt -CAkey $PKI/ca.key-CAcreateserial -out username.crt -days 500',
      {
        code: 'fails',
      },
    ),
    cli(
      'CLI-28',
      'cp $PKI/ca.crt kubernetes.crt; openssl x509 -req -in req.csr -CA kubernetes.crt -CAkey $PKI/ca.key -CAcreateserial -out username.crt -days 500',
      {
        stderr: /subject=\s*CN = username, O = username/,
      },
    ),
    cli('CLI-28', 'openssl x509 -in username.crt -noout -text', { stdout: /Version: 1 \(0x0\)/ }),
    cli('CLI-29', 'mkdir -p home/.certs; mv username.crt privatekey.key kubernetes.crt home/.certs; ls home/.certs', {
      stdout: 'kubernetes.crt\nprivatekey.key\nusername.crt\n',
    }),
    cli('CLI-30', 'cp by-hand.conf username.conf', { before: 21 }),
    cli(
      'CLI-30',
      `kubectl ${as} config set-credentials username --client-certificate=home/.certs/username.crt --client-key=home/.certs/privatekey.key`,
      {
        since: [21, 'this build of Debian panics when it writes a user'],
        stdout: 'User "username" set.\n',
      },
    ),
    cli('CLI-31', `kubectl ${as} config set-cluster cluster name --certificate-authority=home/.certs/kubernetes.crt`, {
      code: 'fails',
    }),
    cli(
      'CLI-31',
      `kubectl ${as} config set-cluster cluster --certificate-authority=home/.certs/kubernetes.crt --server=$SERVER`,
      {
        stdout: 'Cluster "cluster" set.\n',
      },
    ),
    cli('CLI-120', `kubectl ${as} config set-context theirs --cluster=cluster --user=username --namespace={ns}`, {
      stdout: 'Context "theirs" created.\n',
    }),
    cli('CLI-120', `kubectl ${as} config use-context theirs`, { stdout: 'Switched to context "theirs".\n' }),
    cli('CLI-30', `kubectl ${as} get pods`, {
      code: 1,
      stderr:
        'Error from server (Forbidden): pods is forbidden: User "username" cannot list resource "pods" in API group "" in the namespace "{ns}"\n',
    }),
    cli('CLI-120', 'kubectl create role reader --verb=get,list --resource=pods', {
      stdout: 'role.rbac.authorization.k8s.io/reader created\n',
    }),
    cli('CLI-120', 'kubectl create rolebinding readers --role=reader --group=username', {
      stdout: 'rolebinding.rbac.authorization.k8s.io/readers created\n',
    }),
    cli('CLI-30', `kubectl ${as} get pods`, {
      stdout: '',
      stderr: 'No resources found in {ns} namespace.\n',
    }),
    cli('CLI-30', `kubectl ${as} delete pod any`, {
      code: 1,
      stderr:
        'Error from server (Forbidden): pods "any" is forbidden: User "username" cannot delete resource "pods" in API group "" in the namespace "{ns}"\n',
    }),
  ],
};
