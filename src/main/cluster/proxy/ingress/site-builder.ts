import type { Route, Scheme, Server, Site, Upstream } from './model';

/** Gathers a site from several kinds of objects; servers and upstreams are shared between them. */
export class SiteBuilder {
  private readonly servers = new Map<string, Server>();
  private readonly upstreams = new Map<string, Upstream>();
  private readonly certificates = new Map<string, string>();

  /** The server of a host, made when it is new. */
  server(scheme: Scheme, host: string, labels: Server['labels']): Server {
    const key = `${scheme} ${host.startsWith('*') ? labels : ''} ${host}`;
    let server = this.servers.get(key);
    if (!server) this.servers.set(key, (server = { scheme, host, labels, routes: [] }));
    return server;
  }

  /** The routes of a host of Ingresses as far as they are there. */
  routesOf(scheme: Scheme, host: string): Route[] {
    return this.servers.get(`${scheme} ${host.startsWith('*') ? 'one' : ''} ${host}`)?.routes ?? [];
  }

  /** Makes sure of an upstream. @returns the name to call it by; undefined when nobody is behind it */
  upstream(upstream: Upstream, stickyBy?: string): string | undefined {
    if (upstream.servers.length === 0) return undefined;
    const name = stickyBy ? `${upstream.name}_by_${stickyBy}` : upstream.name;
    this.upstreams.set(name, { ...upstream, name, ...(stickyBy ? { stickyBy } : {}) });
    return name;
  }

  certificate(name: string, pem: string): void {
    this.certificates.set(name, pem);
  }

  build(): Site {
    return {
      servers: [...this.servers.values()],
      upstreams: [...this.upstreams.values()],
      certificates: this.certificates,
    };
  }
}
