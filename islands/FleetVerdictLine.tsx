/** First line of a hub's pages about itself: does every agent report? Below it what else is wrong. */
import { useFleetVerdict } from "../components/fleet_feed.ts";
import { Icon } from "../components/Icon.tsx";
import { ProblemRow } from "../components/Problem.tsx";
import type { Verdict } from "../components/verdict.ts";

export default function FleetVerdictLine(
  { initial, path }: {
    readonly initial: Verdict;
    /** Of the page. */
    readonly path: string;
  },
) {
  const { tone, title, detail, problems } = useFleetVerdict(true) ?? initial;
  const isQuiet = tone === "good" || tone === "plain";
  const others = problems.filter((problem) => problem.title !== title);
  return (
    <>
      <section class={`verdict ${isQuiet ? "quiet" : ""}`}>
        <h2 aria-live="polite">
          {tone === "good" && <Icon name="tick" class="tick" />}
          {title}
        </h2>
        <p>{detail}.</p>
      </section>
      {others.length > 0 && (
        <ul class="findings">
          {others.map((problem) => (
            <li key={problem.title}>
              <ProblemRow problem={problem} isHere={problem.href === path} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
