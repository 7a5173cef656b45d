/** Loads the model, then shows the playground or says why not. */

import './style.css';
import { showFailure } from './failed';
import { asFailure } from './failure';
import type { Model } from './model';
import { loadModel } from './model';
import { startPlayground } from './playground';

declare global {
  interface Window {
    /** The loaded model, for the console and for tests. */
    tidemark?: Model;
  }
}

const page = document.querySelector<HTMLElement>('#page')!;
const tagline = document.querySelector<HTMLElement>('#tagline')!;

try {
  window.tidemark = await loadModel('./model');
  startPlayground(window.tidemark, page, tagline);
  document.documentElement.dataset.state = 'ready';
} catch (error) {
  showFailure(asFailure(error), page);
  document.documentElement.dataset.state = 'failed';
}
