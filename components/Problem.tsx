/** Something that is wrong with the program itself, among findings. */
import { Severity } from "./Icon.tsx";
import type { Problem } from "./verdict.ts";

export function problemClass({ tone }: Problem): string {
  return `finding problem ${tone === "high" ? "is-high" : ""}`;
}

export function ProblemText({ problem: { tone, title, detail } }: { readonly problem: Problem }) {
  return (
    <>
      <Severity level={tone} />
      <div class="tx">
        <h3>{title}</h3>
        {detail !== "" && <p>{detail}</p>}
      </div>
    </>
  );
}
