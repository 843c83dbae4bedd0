import type { MutatingWebhookConfiguration } from '@shared/k8s';
import { defineKind } from '../kind';
import { webhookConfiguration } from './webhooks';

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  ...webhookConfiguration({ mutating: true }),
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
});
