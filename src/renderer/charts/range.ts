import { ref } from 'vue';

/** How far charts can look back, in seconds. */
export const ranges = [900, 3_600, 21_600, 86_400] as const;
export type Range = (typeof ranges)[number];

/** What all charts show: who looks at six hours of the cluster looks at six hours of its pods. */
export const range = ref<Range>(ranges[0]);
