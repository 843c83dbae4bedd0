/** Command lines of the checklist that are no part of a script here, and why. */
export const elsewhere: Record<string, string> = {
  'CLI-17': 'kops makes clusters in a cloud account; what it makes can be opened through its kubeconfig',
  'CLI-18': 'kops makes clusters in a cloud account',
  'CLI-19': 'kops makes clusters in a cloud account',
  'CLI-20': 'kops makes clusters in a cloud account',
  'CLI-32': 'minikube starts a cluster of its own; gantry serve takes its place',
  'CLI-34': 'minikube tells about a cluster of its own',
  'CLI-57': 'minikube opens a service of its own cluster; the window has "Open in browser"',
  'CLI-60': 'k3d makes clusters of its own',
  'CLI-61': 'helm fetches a repository from the internet',
  'CLI-62': 'helm installs from a repository on the internet; the line continuation it shows is run with docker run',
  'CLI-79': 'a script that sets up a virtual machine: nothing of it concerns a cluster',
  'CLI-83': 'docker build is covered by the integration tests of image builds, which use the API of the engine',
  'CLI-85': 'the compose plugin is no part of the test environment',
};
