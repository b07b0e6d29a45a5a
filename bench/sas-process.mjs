// The product's training: answers each request with the time of one batch and the peak memory so far.
import { peakMiB, serve } from "./measure.mjs";
import { nextEvent, openTraining, repeatBatch } from "./training.mjs";

const { imageSize, batch, ...options } = JSON.parse(process.argv[2]);
const training = await openTraining({ ...options, imageSize, batch });
const loop = await training.start(repeatBatch({ count: 1e6 * batch, imageSize, batch }));
await serve(training.facts, async () => {
  const began = performance.now();
  const { loss } = await nextEvent(loop, "step");
  return { ms: performance.now() - began, loss, peakMiB: peakMiB() };
});
await loop.return();
await training.close();
