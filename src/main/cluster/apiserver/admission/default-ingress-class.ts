import type { Ingress, IngressClass } from '@shared/k8s';
import { classAnnotation } from '../../api/networking/ingress';
import { defaultIngressClassOf } from '../../api/networking/ingressclass';
import type { Store } from '../../store/types';
import type { AdmissionPlugin } from '../admission';
import { isAbout } from './attributes';
import { Watched } from './watched';

/** Ingresses that name no class get the default one: the newest, where several are marked as default. */
export function defaultIngressClass(store: Store): AdmissionPlugin {
  const classes = new Watched<IngressClass>(store, '/registry/networking.k8s.io/ingressclasses/');
  return {
    name: 'DefaultIngressClass',
    close: () => classes.close(),
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isAbout(attributes, 'networking.k8s.io', 'ingresses')) return;
      const ingress = attributes.object as Ingress;
      if (!ingress.spec || typeof ingress.spec.ingressClassName === 'string') return;
      if (ingress.metadata.annotations?.[classAnnotation] !== undefined) return;
      const chosen = defaultIngressClassOf(classes.in());
      if (chosen) ingress.spec.ingressClassName = chosen.metadata.name;
    },
  };
}
