/** Lines for people (or for log collectors as JSON) on stderr, from `--log-level` on. */
import type { LogLevel } from "./config.ts";

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

export class Log {
  readonly #minimum: number;
  readonly #isJson: boolean;
  readonly #write: (line: string) => void;

  constructor(
    options: { level: LogLevel; format: "text" | "json"; write?: (line: string) => void },
  ) {
    this.#minimum = levels.indexOf(options.level);
    this.#isJson = options.format === "json";
    this.#write = options.write ?? ((line) => console.error(line));
  }

  debug(text: string): void {
    this.write("debug", text);
  }

  info(text: string): void {
    this.write("info", text);
  }

  warning(text: string): void {
    this.write("warning", text);
  }

  error(text: string): void {
    this.write("error", text);
  }

  write(level: LogLevel, text: string): void {
    if (levels.indexOf(level) < this.#minimum) return;
    const time = new Date().toISOString();
    if (this.#isJson) this.#write(JSON.stringify({ time, level, text }));
    else this.#write(`${time.slice(11, 19)} ${level === "info" ? "" : `${level}: `}${text}`);
  }
}
