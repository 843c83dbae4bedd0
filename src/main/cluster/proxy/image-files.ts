import dockerfile from '../../../../resources/node-image/Dockerfile?raw';
import ingressLua from '../../../../resources/node-image/ingress.lua?raw';
import ingressLoad from '../../../../resources/node-image/ingress-load?raw';
import ingressNginx from '../../../../resources/node-image/ingress-nginx?raw';
import kubeDnsCheck from '../../../../resources/node-image/kube-dns-check?raw';
import kubeDns from '../../../../resources/node-image/kube-dns?raw';
import kubeTunnel from '../../../../resources/node-image/kube-tunnel?raw';

/** A file of the node image's folder. */
export interface ImageFile {
  name: string;
  data: Buffer | string;
  executable?: boolean;
}

/** What the node image is built from, without the sandbox program, which depends on the engine. */
export const imageFiles: ImageFile[] = [
  { name: 'Dockerfile', data: dockerfile },
  { name: 'kube-dns', data: kubeDns, executable: true },
  { name: 'kube-dns-check', data: kubeDnsCheck, executable: true },
  { name: 'kube-tunnel', data: kubeTunnel, executable: true },
  { name: 'ingress-nginx', data: ingressNginx, executable: true },
  { name: 'ingress.lua', data: ingressLua },
  { name: 'ingress-load', data: ingressLoad, executable: true },
];
