import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Window } from '../e2e/pages/window';
import { apiClient, deleteCluster, startApp } from './app';
import { launchBrowser } from './browser';
import { eventually } from './kubectl';

// Takes the README's pictures: a small shop on real Docker, shown in both themes.
const target = process.argv[2]!;
const image = (version: string) => `shop/web:${version}`;

const workload = (name: string, replicas: number, version: string) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: shop
spec:
  replicas: ${replicas}
  selector:
    matchLabels: { app: ${name} }
  template:
    metadata:
      labels: { app: ${name} }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: ${name}
          image: ${image(version)}
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef: { name: settings }
          readinessProbe:
            httpGet: { path: /, port: 8080 }
            periodSeconds: 1
          resources:
            requests: { cpu: 20m, memory: 16Mi }
            limits: { cpu: 500m, memory: 64Mi }
`;
const shop = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  GREETING: hello
---
${workload('web', 4, 'v1')}---
${workload('cart', 2, 'v1')}---
${workload('search', 3, 'v2')}---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selector: { app: web }
  ports:
    - port: 80
      targetPort: 8080
`;

for (const version of ['v1', 'v2']) execFileSync('docker', ['tag', `gantry-test/web:${version}`, image(version)]);
const app = await startApp({ args: ['--runtime', 'docker'] });
const api = await apiClient(app.kubeconfig);
const browser = await launchBrowser();
const deployments = '/apis/apps/v1/namespaces/shop/deployments';
const available = () =>
  eventually(
    'the shop is up',
    async () => {
      const list = (await api.call('GET', deployments)).body.items as any[];
      return (
        list.length === 3 &&
        list.every(
          (item) =>
            item.status.availableReplicas === item.spec.replicas && item.status.updatedReplicas === item.spec.replicas,
        )
      );
    },
    120_000,
  );

try {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1.5,
    colorScheme: 'light',
  });
  const page = await context.newPage();
  await page.goto(app.ui);
  const window = new Window(page);
  const shoot = async (name: string, theme: 'light' | 'dark') => {
    await page.emulateMedia({ colorScheme: theme });
    await page.mouse.move(640, 790);
    await page.waitForTimeout(1200);
    await page.screenshot({ path: join(target, `${name}-${theme}.png`) });
  };

  await window.create(shop.replace('replicas: 2', 'replicaCount: 2'));
  // Shows the faulty line; meanwhile the charts get their first samples.
  await window.byId('editor-fault').first().click();
  await page.waitForTimeout(8_000);
  await shoot('create', 'light');
  await window.dock.write(shop);
  await window.byId('editor-apply').click();
  await available();
  await window.dock.closeTab('create');

  await api.call(
    'PATCH',
    `${deployments}/web`,
    { spec: { template: { spec: { containers: [{ name: 'web', image: image('v2') }] } } } },
    { 'content-type': 'application/strategic-merge-patch+json' },
  );
  await available();
  await window.open('pods');
  // Every pod with its usage.
  await page.waitForFunction(
    () =>
      [...document.querySelectorAll('[role="gridcell"][data-column="cpu"]')].every((cell) => cell.textContent !== '–'),
    undefined,
    { timeout: 90_000 },
  );
  await shoot('pods', 'dark');
  const table = await window.open('deployments');
  await table.openRow('web');
  await shoot('deployment', 'light');
  await window.drawer.action('rollback');
  await page.waitForTimeout(1500);
  await shoot('rollback', 'dark');
  await page.keyboard.press('Escape');
  await window.drawer.close();
  await window.overview();
  await page.waitForTimeout(30_000);
  await shoot('overview', 'light');
} finally {
  await browser.close();
  api.close();
  await app.stop();
  try {
    await deleteCluster(app.dataDirectory);
  } finally {
    execFileSync('docker', ['rmi', image('v1'), image('v2')]);
  }
}
