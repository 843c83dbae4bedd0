import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import type { ActionTarget } from '@/actions';

/** The object whose drawer is open, as a target for the palette's actions. */
export const useDetailStore = defineStore('detail', () => ({ target: shallowRef<ActionTarget>() }));
