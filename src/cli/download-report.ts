import type { DownloadEvent } from "../platform/node.js";
import { hasLiveLine, showLive, tell } from "../platform/terminal.js";
import { duration } from "./duration.js";

/** A function that shows a download on stderr: a live line on a terminal, otherwise one line when a file begins. */
export function downloadReport(): (event: DownloadEvent) => void {
  let first: DownloadEvent | undefined;
  let began = 0;
  return (event) => {
    const { backbone, file, receivedBytes, totalBytes } = event;
    const name = `${backbone} ${file}`;
    if (first?.file !== file || first.backbone !== backbone) {
      [first, began] = [event, performance.now()];
      if (!hasLiveLine()) tell(`downloading ${name}  ${megabytes(totalBytes)}`);
    }
    if (receivedBytes === totalBytes) {
      showLive("");
      if (hasLiveLine()) tell(`${name}  ${megabytes(totalBytes)}`);
      return;
    }
    const rate = (receivedBytes - first.receivedBytes) / ((performance.now() - began) / 1000);
    const speed = rate > 0 ? `  ${megabytes(rate)}/s  ${duration((totalBytes - receivedBytes) / rate)} left` : "";
    const share = `${Math.floor((100 * receivedBytes) / totalBytes)} %`;
    showLive(`${name}  ${megabytes(receivedBytes)} of ${megabytes(totalBytes)}  ${share}${speed}`);
  };
}

/** Bytes as `346.3 MB`, and as kB where that says more. */
const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
