import type { Chapter } from '../entry';
import { autoscalingChapter } from './autoscaling';
import { certificatesChapter } from './certificates';
import { changingChapter } from './changing';
import { creatingChapter } from './creating';
import { deploymentChapter } from './deployment';
import { dockerChapter } from './docker';
import { nodesChapter } from './nodes';
import { podsChapter } from './pods';

/** The whole script: every chapter runs with every kubectl. */
export const chapters: readonly Chapter[] = [
  deploymentChapter,
  podsChapter,
  creatingChapter,
  changingChapter,
  autoscalingChapter,
  certificatesChapter,
  dockerChapter,
  nodesChapter,
];
