export { createDockerLogin } from './docker-login';
export { createKubelet } from './kubelet';
export type { Kubelet, KubeletOptions } from './kubelet';
