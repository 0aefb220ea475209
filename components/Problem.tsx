/** Something that is wrong with the program itself, among findings. */
import { Severity } from "./Icon.tsx";
import type { Problem } from "./verdict.ts";

/** A row; all of it is a link where more is said of it, unless `isHere`: that is this page. */
export function ProblemRow(
  { problem: { tone, title, detail, href }, isHere = false }: {
    readonly problem: Problem;
    readonly isHere?: boolean;
  },
) {
  const name = `finding problem ${tone === "high" ? "is-high" : ""}`;
  const row = (
    <>
      <Severity level={tone} />
      <div class="tx">
        <h3>{title}</h3>
        {detail !== "" && <p>{detail}</p>}
      </div>
    </>
  );
  return href === undefined || isHere
    ? <div class={name}>{row}</div>
    : <a class={name} href={href} aria-current="false">{row}</a>;
}
