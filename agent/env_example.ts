/** The text of `.env.example`, made from the table of options: each variable with its help and its default. */
import { OPTIONS, type OptionSpec } from "./options.ts";

const columnsMax = 100;
const head = [
  "# Settings of tapwatch. It reads a file .env in the folder where it is started, or the one that --env-file names.",
  "# Variables of its environment win over these, flags over both. Lines that begin with # are defaults or examples:",
  "# take the # away to set one. Values of several parts have commas between them. Check them with",
  "# tapwatch --check-config, and --env-file where they are no .env of that folder.",
];

/** `set` are variables with a value of their own, whose lines are in force. */
export function envExample(set: Readonly<Record<string, string>> = {}): string {
  const parts = OPTIONS.filter(({ env }) => env !== undefined).map((spec) =>
    [...wrapped(helpOf(spec)), lineOf(spec, set[spec.env!])].join("\n")
  );
  return `${[head.join("\n"), ...parts].join("\n\n")}\n`;
}

function helpOf({ help, min, max, choices, isRepeatable }: OptionSpec): string {
  const range = min === undefined ? "" : ` (${min} to ${max})`;
  const words = choices === undefined || choices.every((choice) => help.includes(choice))
    ? ""
    : ` (${choices.join(", ")})`;
  return help.replace(", repeatable", "") + range + words +
    (isRepeatable ? "; several with commas" : "");
}

function lineOf(spec: OptionSpec, value: string | undefined): string {
  if (value !== undefined) return `${spec.env}=${quoted(value)}`;
  const standard = spec.kind === "boolean" ? Number(spec.default ?? 0) : spec.default ?? "";
  return `#${spec.env}=${standard}`;
}

/** As `util.parseEnv` reads it. Throws RangeError for what it cannot. */
function quoted(value: string): string {
  if (/^[\w.:\/,+@%-]*$/.test(value)) return value;
  const mark = ["'", '"', "`"].find((each) => !value.includes(each));
  if (mark === undefined || value.includes("\n")) {
    throw new RangeError(`Cannot write ${JSON.stringify(value)} into a file of variables`);
  }
  return mark + value + mark;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columnsMax) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(`# ${word}`);
  }
  return lines;
}
