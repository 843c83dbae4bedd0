import type { ValidatingWebhookConfiguration } from '@shared/k8s';
import { defineKind } from '../kind';
import { webhookConfiguration } from './webhooks';

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  ...webhookConfiguration({ mutating: false }),
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
});
