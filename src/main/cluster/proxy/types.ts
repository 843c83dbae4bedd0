import type { InformerFactory, KubeClient } from '../client/types';
import type { Clock } from '../clock';
import type { Dial } from '../dial';
import type { Logger } from '../log';
import type { TaskList } from '../tasks';
import type { PodSandboxes } from './external-routes';
import type { ImageEngine } from './node-image';
import type { PolicyNetwork } from './policy';
import type { ReachMode } from './reach';

/** What the service proxy needs of the container engine. */
export interface ServiceProxyEngine extends ImageEngine {
  /** `range` is there when fixed addresses are free in the rest of the subnet. */
  ensureNetwork(): Promise<{ subnet: string; range?: string; gateway: string }>;
}

export interface ServiceProxyOptions {
  client: KubeClient;
  informers: InformerFactory;
  engine: ServiceProxyEngine;
  /** The network namespaces of pods that run. */
  sandboxes: PodSandboxes;
  /** The program that sandboxes of the node image run, for the engine's architecture. */
  sandboxProgram(): Buffer;
  /** A prebuilt node image to use instead of building one. */
  nodeImage?: string;
  /** Ports of this machine for Ingresses and Gateways; 0 is any, absent the usual ones first. */
  ingressPorts?: { http?: number; https?: number };
  /** Awaited before routers get rules, so that these hold traffic to network policies first. */
  guardRouters?(): Promise<void>;
  /** Told the address at which containers reach this machine, as soon as it is known. Rejects when it is none of this machine. */
  onHostAddress?(address: HostAddress): Promise<void>;
  /** Where the API answers on this machine's loopback address: pods are led there where they have no route to this machine. */
  apiPort?: number;
  /** How addresses of pods are reached from here; `auto` unless told. */
  reach?: ReachMode;
  /** What is known of the machine that the engine runs on. */
  machine: EngineMachine;
  tasks: TaskList;
  clock: Clock;
  log: Logger;
}

/** Where containers reach this machine. */
export interface HostAddress {
  ip: string;
  /** What comes there arrives at this machine's loopback address: it need not be listened on. */
  forwarded: boolean;
  /** Where `forwarded` comes in, when that is another port than the API's. */
  port?: number;
}

/** The machine of the engine, as far as ports are opened there. */
export interface EngineMachine {
  /** Whether the network's gateway is an address of that machine, so that ports can be opened on it. */
  hasGateway(): boolean;
  /** Whether a program of this machine has the port; false when the engine's is another one. */
  portInUse(port: number, protocol: 'TCP' | 'UDP'): Promise<boolean>;
}

/** How pods of a node reach the addresses of services. */
export interface Routing {
  image: string;
  routerIp: string;
  serviceCidr: string;
  clusterDns: string[];
  /** Addresses outside the range that services have besides. */
  externalIps: string[];
}

/**
 * Services and DNS inside the cluster's own network (D7): a router and a resolver
 * that run as pods in kube-system and keep working while the app is closed.
 */
export interface ServiceProxy {
  /** Asks the engine what is there already, for the nodes (see `setNodes`) that are about to start. Never throws. */
  prepare(nodes: readonly (string | undefined)[]): Promise<void>;
  /** Which nodes there are: the place of each decides the address of its router, and may be empty. */
  setNodes(nodes: readonly (string | undefined)[]): void;
  /** Builds what is missing and keeps add-ons, rules and records; once, after the nodes. */
  start(): Promise<void>;
  /** For a new pod of the node; undefined while services are not routed. */
  routing(node: string): Routing | undefined;
  /** What network policies need to know of the network; undefined while services are not routed. */
  network(): PolicyNetwork | undefined;
  /** How a node's pods are reached from here: the one dialer of probes, forwarded ports, the API's proxy and webhooks. */
  dial(node: string): Dial;
  /** To be told when the engine or what it says of itself is another. */
  engineChanged(): void;
  /** Stops following; what runs keeps running. */
  stop(): Promise<void>;
}
