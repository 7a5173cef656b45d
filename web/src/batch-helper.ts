/** Scores parts of a file, as the web worker that reads it hands them out. */

import type { Failed, Part, ScoredPart, Start } from './batch-messages';
import { openPredictor, startLite } from './engine';
import { asFailure } from './failure';
import { PartScoring } from './part-scoring';

const tell = (news: ScoredPart | Failed) => postMessage(news);

let scoring: Promise<PartScoring>;

async function start({ bytes, header, delimiter }: Start): Promise<PartScoring> {
  await startLite();
  return new PartScoring(await openPredictor(bytes), header, delimiter);
}

addEventListener('message', async ({ data }: MessageEvent<Start | Part>) => {
  try {
    if (data.kind === 'start') scoring = start(data);
    else tell((await scoring).score(data.text, data.index));
  } catch (error) {
    const { message, hint } = asFailure(error);
    tell({ kind: 'failed', message, hint });
  }
});
