/** A progress bar on stderr, drawn only on a terminal and at most ten times a second. */
import type { CaptureFileInfo } from "../capture/file_reader.ts";
import { formatCount } from "../text/amounts.ts";

/** The size is null when it is not known, as on stdin. */
type Progress = Pick<CaptureFileInfo, "bytesRead" | "sizeBytes" | "packets">;

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

  /** Asks how far the file has been read only when it draws. */
  update(read: () => Progress): void {
    if (!this.#isShown || Date.now() - this.#drawnMs < pauseMs) return;
    this.#drawnMs = Date.now();
    const { bytesRead, sizeBytes, packets } = read();
    const share = sizeBytes ? Math.min(1, bytesRead / sizeBytes) : 0;
    const filled = Math.round(share * width);
    const bar = sizeBytes
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
