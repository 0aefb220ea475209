/** The search of a list as its page shows it, and as chips that take its parts away. */
import type { SearchList } from "../agent/search/fields.ts";

/** A search as its page shows it. */
export interface ShownSearch {
  readonly list: SearchList;
  readonly text: string;
  readonly chips: readonly ShownChip[];
  /** Parameters of the address that another search takes the place of. */
  readonly replaced: readonly string[];
}
interface ShownChip {
  readonly text: string;
  readonly isNot: boolean;
  /** The page without it. */
  readonly href: string;
}

export function SearchChips({ chips }: ShownSearch) {
  return (
    <>
      {chips.map(({ text, isNot, href }) => (
        <a key={text} class={`chip on ${isNot ? "not" : ""}`} href={href} aria-current="false">
          <bdi class="mono">{text}</bdi>
          <span class="x" aria-hidden="true">×</span>
          <span class="vh">: take away</span>
        </a>
      ))}
    </>
  );
}
