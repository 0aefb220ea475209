/** Lines for people (or for log collectors as JSON) on stderr, from `--log-level` on. */
import { fstatSync } from "node:fs";
import type { LogLevel } from "./config.ts";

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

export class Log {
  readonly #minimum: number;
  readonly #format: "text" | "json";
  readonly #write: (line: string) => void;

  readonly #isJournal: boolean;

  constructor(
    options: {
      level: LogLevel;
      format: "text" | "json";
      write?: (line: string) => void;
      /** The journal takes the lines, which has times of its own. */
      isJournal?: boolean;
    },
  ) {
    this.#isJournal = options.isJournal ?? false;
    this.#minimum = levels.indexOf(options.level);
    this.#format = options.format;
    this.#write = options.write ?? writeToStderr;
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
    this.#write(
      this.#isJournal && this.#format === "text"
        ? journalLines(level, text)
        : formatLine(level, text, this.#format),
    );
  }
}

/** A closed terminal or pipe takes nothing, and is no reason to end. */
function writeToStderr(line: string): void {
  try {
    console.error(line);
  } catch {
    // nobody reads it any more
  }
}

/** Whether stderr is a connection to systemd's journal, by its device and inode (systemd.exec(5), JOURNAL_STREAM). */
export function isJournal(stream: string | undefined, fd = 2): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return stream === `${dev}:${ino}`;
  } catch {
    return false; // closed
  }
}

/** sd-daemon(3): each line with its priority and no time. */
function journalLines(level: LogLevel, text: string): string {
  const priority = { debug: 7, info: 6, warning: 4, error: 3 }[level];
  return text.split("\n").map((line) => `<${priority}>${line}`).join("\n");
}

/** A line with the present time, without line feed. */
export function formatLine(level: LogLevel, text: string, format: "text" | "json"): string {
  const time = new Date().toISOString();
  if (format === "json") return JSON.stringify({ time, level, text });
  return `${time.slice(11, 19)} ${level === "info" ? "" : `${level}: `}${text}`;
}
