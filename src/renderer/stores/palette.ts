import { defineStore } from 'pinia';
import { ref } from 'vue';

/** Whether the command palette is open. */
export const usePaletteStore = defineStore('palette', () => ({ open: ref(false) }));
