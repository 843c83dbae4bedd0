export { NodeInfo } from './node-info';
export { PodInfo, type HostPort } from './pod-info';
export { Snapshot } from './snapshot';
