/** A progress bar on stderr, drawn only on a terminal and at most ten times a second. */
import { formatCount } from "../detect/sentence.ts";

const width = 30;
const pauseMs = 100;

export class ProgressBar {
  readonly #label: string;
  readonly #isShown: boolean;
  #drawnMs = 0;

  constructor(label: string) {
    this.#label = label;
    this.#isShown = Deno.stderr.isTerminal();
  }

  /** `total` null when the size is not known, as on stdin. */
  update(bytes: number, total: number | null, packets: number): void {
    if (!this.#isShown || Date.now() - this.#drawnMs < pauseMs) return;
    this.#drawnMs = Date.now();
    const share = total ? Math.min(1, bytes / total) : 0;
    const filled = Math.round(share * width);
    const bar = total
      ? `${"█".repeat(filled)}${"░".repeat(width - filled)} ${Math.floor(share * 100)} %`
      : "";
    this.#draw(this.#fit(` ${bar} ${formatCount(packets)} packets`));
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#isShown && this.#drawnMs > 0) this.#draw("");
  }

  /** One line of the terminal at most: only that much can be drawn over. */
  #fit(text: string): string {
    const { columns } = Deno.consoleSize();
    return this.#label.slice(0, Math.max(0, columns - text.length - 1)) + text;
  }

  #draw(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
  }
}
