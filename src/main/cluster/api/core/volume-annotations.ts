/** Annotations and finalizers by which volumes, claims and who makes volumes speak of each other. */

/** On a claim and a volume: binding them is done. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed';
/** On a claim or a volume: the controller chose the other side, no user did. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller';
/** On a volume: the provisioner that made it and that removes it. */
export const provisionedBy = 'pv.kubernetes.io/provisioned-by';
/** On a claim: the provisioner that is to make its volume. The second name is the one of before Kubernetes 1.23. */
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
export const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
/** On a claim, set by the scheduler: the node of its first pod. */
export const selectedNode = 'volume.kubernetes.io/selected-node';
/** The provisioner of classes whose volumes are made by hand. */
export const noProvisioner = 'kubernetes.io/no-provisioner';

export const claimProtection = 'kubernetes.io/pvc-protection';
export const volumeProtection = 'kubernetes.io/pv-protection';
