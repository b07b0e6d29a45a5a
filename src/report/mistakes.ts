import type { ImagePrediction } from "../evaluate/predictions.js";
import { percent } from "./format.js";
import { html, Markup } from "./markup.js";
import { className, type Run, shortName } from "./run.js";

/** So many of the worst mistakes are shown. */
const mistakeCount = 24;

/** Style rules of the gallery. */
export const mistakesStyle = [
  ".mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:16px;margin:14px 0;padding:0;list-style:none}",
  ".mistakes li{min-width:0;font-size:.82rem;line-height:1.35;break-inside:avoid;overflow-wrap:anywhere}",
  ".mistakes img,.mistakes .none{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:var(--raised);border-radius:8px;margin-bottom:6px}",
  ".mistakes .none{display:grid;place-items:center;color:var(--soft)}",
  ".mistakes .file{color:var(--soft);font-size:.74rem}",
  "@media (max-width:560px){.mistakes{grid-template-columns:repeat(2,1fr)}}",
].join("");

/** The images that are wrong, those with the highest confidence first. */
export const worstMistakes = (
  predictions: readonly ImagePrediction[],
  count = mistakeCount,
): readonly ImagePrediction[] =>
  predictions
    .filter(({ top, label }) => top[0]?.[0] !== label)
    .sort((a, b) => (b.top[0]?.[1] ?? 0) - (a.top[0]?.[1] ?? 0))
    .slice(0, count);

/**
 * The worst mistakes: what each was taken for, what it is, and how it looks.
 * @param pictures small pictures by image as `data:` addresses; null to show none
 */
export function drawMistakes(run: Run, pictures: ReadonlyMap<string, string> | null): Markup {
  const worst = worstMistakes(run.predictions);
  if (worst.length === 0) return html`<p>There is none: every image is classified rightly.</p>`;
  return html`<ol class="mistakes">${worst.map(({ image, label, probability, top }) => {
    const [taken, confidence] = top[0] ?? [label, 0];
    const picture = pictures?.get(image);
    const drawn =
      picture === undefined
        ? pictures && html`<span class="none">no picture</span>`
        : html`<img src="${new Markup(dataAddress(picture))}" alt="${shortName(image)}">`;
    return html`<li>${drawn}<b>${className(run, taken)}</b> ${percent(confidence)}<br>is ${className(run, label)} <span class="soft">${percent(probability)}</span><br><span class="file">${shortName(image)}</span></li>`;
  })}</ol>`;
}

/** The address, if it holds an image and nothing else. */
const dataAddress = (text: string): string =>
  /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/=]*$/.test(text) ? text : "";
