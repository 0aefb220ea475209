import { SeenBy } from "../../components/AgentName.tsx";
import { type Clock, FindingHead, IncidentNote } from "../../components/FindingPage.tsx";
import { findingPath } from "../../components/findings.ts";
import { ProcessNote } from "../../components/ProcessNote.tsx";
import MuteButton from "../../islands/MuteButton.tsx";
import { findingPackets, type FindingPage } from "./finding_pages.ts";
import type { State } from "./state.ts";

interface Props {
  readonly page: FindingPage;
  readonly state: State;
  readonly clock: Clock;
}

/** What the page of a finding of any kind begins with. */
export function FindingTop({ page, state, clock }: Props) {
  const { finding } = page;
  const notes = (
    <>
      <ProcessNote process={finding.process} class="of" />
      <IncidentNote incident={page.incident} />
      <SeenBy agent={page.agent} />
    </>
  );
  const packets = findingPackets(state, finding);
  return (
    <FindingHead finding={finding} lead={finding.reason} notes={notes} packets={packets} {...clock}>
      <MuteButton {...page.muteStart} from={findingPath(finding)} word="finding" {...clock} />
    </FindingHead>
  );
}
