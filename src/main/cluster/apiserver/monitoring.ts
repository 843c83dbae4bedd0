import type { Route } from './router';
import type { ApiRequest } from './types';

/** A page of figures as it is answered. */
export interface Exposed {
  contentType: string;
  text: string;
}

/** Counts requests and tells the figures of the cluster. The composition root hands one to the API server. */
export interface Monitoring {
  /** A request begins; the result is to be called with the status it was answered with. */
  begin(request: ApiRequest, route: Route): (code: number) => void;
  /** What GET /metrics answers: the control plane. */
  controlPlane(): Promise<Exposed>;
  /** What a node answers under a path of its own: `metrics`, `metrics/resource`, `stats/summary`; undefined: nothing. */
  node(name: string, path: string): Promise<Exposed | undefined>;
}
