/** The import rules of the architecture: the house is built so that arrows go one way. */
const cluster = '^src/main/cluster/';
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

module.exports = {
  forbidden: [
    forbid(
      'no-circular',
      'A circle of modules cannot be read top-down.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    forbid(
      'electron-only-in-desktop',
      'Only the desktop host knows Electron.',
      { pathNot: '^src/(main/desktop/|main/index\\.ts|preload/)' },
      { path: '(^|node_modules/)electron($|/)' },
    ),
    forbid(
      'cluster-knows-no-app',
      'The cluster does not know the app around it.',
      { path: cluster },
      { path: '^src/(renderer|preload|main/(desktop|serve|services|catalog|informers|kubectl|terminal))' },
    ),
    forbid(
      'shared-is-a-leaf',
      'Contracts depend on nothing but each other.',
      { path: '^src/shared/' },
      { path: '^src/(main|renderer|preload)' },
    ),
    forbid(
      'renderer-only-shared',
      'The page reaches the app through the bridge only.',
      { path: '^src/renderer/' },
      { path: '^src/(main|preload)' },
    ),
    forbid('main-knows-no-renderer', 'The main side knows no page.', { path: '^src/main/' }, { path: '^src/renderer' }),
    forbid(
      'store-is-the-floor',
      'The store knows objects, not how they are served.',
      { path: `${cluster}store/` },
      { path: `${cluster}(?!store/|clock|log)` },
    ),
    forbid(
      'api-above-store',
      'What objects are does not depend on how they are served.',
      { path: `${cluster}api/` },
      { path: `${cluster}(apiserver|client|controllers|scheduler|kubelet|proxy|metrics)/` },
    ),
    forbid(
      'apiserver-below-client',
      'The API server does not know its clients.',
      { path: `${cluster}apiserver/` },
      { path: `${cluster}(client|controllers|scheduler|kubelet|proxy)/` },
    ),
    forbid(
      'loops-through-client',
      'Control loops reach the API through the client only.',
      { path: `${cluster}(controllers|scheduler|kubelet|proxy)/`, pathNot: '\\.test\\.ts$' },
      { path: `${cluster}(apiserver|store)/`, dependencyTypesNot: ['type-only'] },
    ),
    forbid(
      'loops-do-not-mix',
      'One control loop does not call another.',
      { path: `${cluster}(controllers|scheduler|kubelet|proxy)/` },
      { path: `${cluster}(controllers|scheduler|kubelet|proxy)/`, pathNot: `${cluster}$1/` },
    ),
    forbid(
      'services-know-no-host',
      'Services run under any host.',
      { path: '^src/main/(services|catalog|informers|terminal|kubectl)/' },
      { path: '^src/main/(desktop|serve)/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.vue', '.js', '.json'] },
  },
};
