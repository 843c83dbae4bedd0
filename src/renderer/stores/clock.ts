import { readonly, ref } from 'vue';

const now = ref(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => (now.value = Date.now()));

/** The time in ms, a second at a time: what ages are counted from. */
export function useNow(): Readonly<typeof now> {
  return readonly(now);
}
