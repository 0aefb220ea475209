/** Lines for people (or for log collectors as JSON) on stderr, from `--log-level` on. */
import type { LogLevel } from "./config.ts";

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

export class Log {
  readonly #minimum: number;
  readonly #format: "text" | "json";
  readonly #write: (line: string) => void;

  constructor(
    options: { level: LogLevel; format: "text" | "json"; write?: (line: string) => void },
  ) {
    this.#minimum = levels.indexOf(options.level);
    this.#format = options.format;
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
    this.#write(formatLine(level, text, this.#format));
  }
}

/** A line with the present time, without line feed. */
export function formatLine(level: LogLevel, text: string, format: "text" | "json"): string {
  const time = new Date().toISOString();
  if (format === "json") return JSON.stringify({ time, level, text });
  return `${time.slice(11, 19)} ${level === "info" ? "" : `${level}: `}${text}`;
}
