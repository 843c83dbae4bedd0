/** Ingresses in the drawer. */
export const ingress = {
  title: 'Ingress',
  class: 'Class',
  defaultClass: 'The default one',
  noAddress: 'None yet: nothing serves it so far',
  rules: 'Rules',
  host: 'Host',
  path: 'Path',
  tls: 'TLS',
  defaultCertificate: 'The default certificate',
  open: 'Open {url}',
  openShort: 'Open',
};
