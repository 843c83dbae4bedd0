/** Network policies in the drawer. */
export const policy = {
  appliesTo: 'Applies to',
  ingress: 'What may come in',
  egress: 'What may go out',
  nothing: 'Nothing',
  anyone: 'Anyone',
  from: 'From',
  to: 'To',
  allPorts: 'All',
  block: '{cidr}',
  blockExcept: '{cidr} except {except}',
  podsHere: 'Pods {pods} of this namespace',
  allPodsHere: 'All pods of this namespace',
  podsNamespaces: 'Pods {pods} of namespaces {namespaces}',
  allPodsNamespaces: 'All pods of namespaces {namespaces}',
  podsEverywhere: 'Pods {pods} of every namespace',
  allPodsEverywhere: 'All pods of every namespace',
};
