/** One incident: who did what to whom, in order of time, how far it got, what to do. */
import { tacticName } from "../../agent/incident/attack.ts";
import { endsOfIncident } from "../../agent/finding_ends.ts";
import { COURSE_MAX, type Incident } from "../../agent/records.ts";
import {
  Advice,
  type Clock,
  type Fact,
  Facts,
  FindingHead,
  FindingMissing,
  LinkedFlows,
  Path,
} from "../../components/FindingPage.tsx";
import { attackText, kindText, portsText, whenText } from "../../components/finding_text.ts";
import { findingPath, severityRank } from "../../components/findings.ts";
import { Moment } from "../../components/Moment.tsx";
import { momentHref } from "../../components/range_text.ts";
import {
  formatCount,
  formatDuration,
  formatSecond,
  formatWhen,
  unparted,
} from "../../components/format.ts";
import { Severity } from "../../components/Icon.tsx";
import {
  causesOf,
  kindsText,
  type Member,
  raisedText,
  roleLabels,
  standsOutTexts,
} from "../../components/incident_text.ts";
import { incidentPath } from "../../components/incidents.ts";
import { Notice } from "../../components/Notice.tsx";
import { OpenPorts } from "../../components/OpenPorts.tsx";
import { ProcessNote } from "../../components/ProcessNote.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { ToldByAgents } from "../../components/ToldByAgents.tsx";
import { WhyList } from "../../components/WhyList.tsx";
import IncidentUpdate from "../../islands/IncidentUpdate.tsx";
import MuteButton from "../../islands/MuteButton.tsx";
import { type IncidentPage, incidentPage } from "../(_server)/incident_pages.ts";
import { packetsShown } from "../(_server)/packet_pages.ts";
import { onePage } from "../(_server)/one_thing.ts";
import { checkNames } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, params, url }) {
    checkNames(url.searchParams, []);
    return await onePage(
      state,
      () => incidentPage(state, params.id ?? ""),
      ({ incident }) => incident.headline,
    );
  },
});

export default define.page<typeof handler>(function IncidentRoute({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The database cannot be read" detail={data.error} />;
  }
  if (!data.value) return <FindingMissing list="incidents" word="incident" />;
  const { incident, members, names, open, flows, muteStart } = data.value;
  const clock: Clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const gravest = gravestCause(members);
  // Beside a short story the facts would stand alone.
  const isLong = unusualWindow(members) !== undefined || open.ports.length > 1;
  return (
    <>
      <FindingHead
        finding={incident}
        lead={incident.headline}
        notes={<Notes page={data.value} />}
        packets={packetsShown(state, { incident: String(incident.id) }, {
          fromUs: incident.firstUs,
          toUs: incident.isOpen ? Infinity : incident.lastUs,
        })}
        mainButton={<Acknowledge page={data.value} nowUs={state.message.nowUs} zone={clock.zone} />}
        {...clock}
      >
        <MuteButton
          {...muteStart}
          from={incidentPath(incident)}
          word="incident"
          nowUs={state.message.nowUs}
          zone={clock.zone}
        />
      </FindingHead>
      <IncidentUpdate incident={incident} />
      <Path
        ends={endsOfIncident(incident, causesOf(members))}
        names={names}
        over={kindsText(incident)}
        under={formatDuration(Math.max(0, incident.lastUs - incident.firstUs) / 1e6)}
        label="Who did it to whom"
      />
      <ToldByAgents told={data.value.told} agentCount={data.value.agentCount} {...clock} />
      <div class="c8 stack">
        <Course incident={incident} {...clock} />
        {open.ports.length > 0 && (
          <OpenPorts open={open.ports} notListed={open.notListed} names={names} />
        )}
        <WhyItStandsOut members={members} />
      </div>
      <div class="c4 stack">
        {gravest && <Advice finding={gravest.finding} names={names} />}
        {isLong && <Facts facts={factsOf(incident, clock)} />}
      </div>
      {!isLong && (
        <div class="c12">
          <Facts isWide facts={factsOf(incident, clock)} />
        </div>
      )}
      <Findings incident={incident} members={members} {...clock} />
      <LinkedFlows finding={incident} word="incident" flows={flows} {...clock} />
    </>
  );
});

/** An incident of a fleet can have a thousand. */
const findingsShown = 100;

/** The cause to act on: what succeeded before what did not, then the gravest. */
function gravestCause(members: readonly Member[]): Member | undefined {
  const weight = ({ finding: { hasSucceeded, scan, severity } }: Member) =>
    severityRank(severity) + (hasSucceeded || scan && scan.cameBack.length > 0 ? 10 : 0);
  return members.filter(({ role }) => role === "cause")
    .toSorted((a, b) => weight(b) - weight(a))[0];
}

function Notes({ page: { incident, members, muted, origin, next } }: { page: IncidentPage }) {
  const raised = raisedText(incident, members);
  return (
    <div class="notes">
      <ProcessNote process={incident.process} />
      {muted !== "" && <p>This incident is {muted}. Nobody is told of it.</p>}
      {raised !== "" && <p>{raised}</p>}
      {origin && (
        <p>
          It {origin.text}: <Linked {...origin} />
        </p>
      )}
      {next.map((one) => (
        <p key={one.id}>
          It led to <Linked {...one} /> That {one.text}.
        </p>
      ))}
    </div>
  );
}

function Linked({ id, headline }: { id: number; headline: string }) {
  return (
    <a href={`/incidents/${id}`}>
      incident {id}
      {headline !== "" && `, ${headline}`}
    </a>
  );
}

function Acknowledge({ page, nowUs, zone }: { page: IncidentPage } & Clock) {
  const { incident: { id }, acknowledgedUs } = page;
  return (
    <form method="post" action={`/api/incidents/${id}/acknowledge`} class="acknowledge">
      {acknowledgedUs === null ? <button type="submit" class="btn main">Acknowledge</button> : (
        <>
          <input type="hidden" name="undo" value="1" />
          <span class="dim">Acknowledged {formatWhen(acknowledgedUs, nowUs, zone)}</span>
          <button type="submit" class="btn">Undo</button>
        </>
      )}
    </form>
  );
}

function Course(
  { incident: { course, findingCount }, nowUs, zone }: { incident: Incident } & Clock,
) {
  if (course.length === 0) return null;
  return (
    <section class="panel">
      <header>
        <h2>What happened</h2>
        <p>in order of time, with tactics of MITRE ATT&CK</p>
      </header>
      <ol class="course">
        {course.map(({ tsUs, tactic, technique, text }, index) => (
          <li key={index}>
            <time>
              <Moment {...{ tsUs, nowUs, zone }} />
            </time>
            <div>
              {tactic !== "" && (
                <span class="tactic" title={`${tactic}; ${attackText(technique)}`}>
                  {tacticName(tactic)}
                </span>
              )}
              {unparted(text)}
            </div>
          </li>
        ))}
      </ol>
      {course.length === COURSE_MAX && findingCount > COURSE_MAX && (
        <p class="note">The first {COURSE_MAX} of {formatCount(findingCount)} findings.</p>
      )}
    </section>
  );
}

/** The most unusual one that is not an effect on a target. */
function unusualWindow(members: readonly Member[]): Member | undefined {
  const windows = members.filter(({ role, finding: { anomaly, kind } }) =>
    role !== "effect" && kind === "anomaly" && anomaly && anomaly.topFeatures.length > 0
  );
  return windows.toSorted((a, b) => b.finding.anomaly!.score - a.finding.anomaly!.score)[0];
}

/** Of its unusual windows the most unusual one, and what the other causes stand out by. */
function WhyItStandsOut({ members }: { members: readonly Member[] }) {
  const window = unusualWindow(members);
  const texts = standsOutTexts(members);
  if (!window && texts.length === 0) return null;
  return (
    <section class="panel">
      <header>
        <h2>Why this stands out</h2>
      </header>
      <div class="body why-texts">
        {texts.map((text) => <p key={text}>{unparted(text)}</p>)}
        {window && (
          <>
            <p>
              Its most unusual window, {formatDuration(window.finding.anomaly!.windowUs / 1e6)}{" "}
              long: <a href={findingPath(window.finding)}>{window.finding.reason}</a>
            </p>
            <WhyList
              features={window.finding.anomaly!.topFeatures}
              severity={window.finding.severity}
            />
          </>
        )}
      </div>
      {window && (
        <p class="note">
          Usual is the range that holds the middle 90&nbsp;% of the windows that were learnt from.
        </p>
      )}
    </section>
  );
}

interface FindingsProps extends Clock {
  readonly incident: Incident;
  readonly members: readonly Member[];
}

function Findings({ incident: { id, findingCount }, members, nowUs, zone }: FindingsProps) {
  const more = members.length - findingsShown;
  const missing = findingCount - members.length;
  return (
    <section class="panel c12">
      <header>
        <h2>Findings</h2>
        <p>{members.length > 0 && "the evidence, and what each is to the incident"}</p>
      </header>
      {members.length > 0 && (
        <div class="scroll">
          <table class="tbl cards episodes">
            <thead>
              <tr>
                {["Began", "Severity", "What was found", "Kind", "Role", "State"].map((name) => (
                  <th key={name} scope="col">{name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {members.slice(0, findingsShown).map((member) => (
                <FindingRow
                  key={findingPath(member.finding)}
                  {...member}
                  nowUs={nowUs}
                  zone={zone}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more > 0 && (
        <p class="note">
          {formatCount(more)} more are in <a href={`/api/incidents/${id}`}>/api/incidents/{id}</a>.
        </p>
      )}
      {missing > 0 && (
        <p class="note">
          {missing === 1 ? "One finding is" : `${formatCount(missing)} findings are`}{" "}
          not in the list: not written yet, or deleted with the history.
        </p>
      )}
    </section>
  );
}

function FindingRow({ finding, role, nowUs, zone }: Member & Clock) {
  const { note } = whenText(finding, nowUs, zone);
  return (
    <tr>
      <td class="dim time">
        <Moment tsUs={finding.firstUs} nowUs={nowUs} zone={zone} />
      </td>
      <td class="level">
        <Severity level={finding.severity} />
      </td>
      <td class="grow w2" title={finding.reason}>
        <a class="plain" href={findingPath(finding)}>{finding.reason}</a>
      </td>
      <td class="opt">{kindText(finding)}</td>
      <td class="opt">{roleLabels[role]}</td>
      <td class={finding.isOpen ? "over" : "over dim"}>
        <span class="only-card">{roleLabels[role]},</span> {finding.isOpen ? <b>open</b> : note}
      </td>
    </tr>
  );
}

function factsOf(incident: Incident, { nowUs, zone }: Clock): Fact[] {
  const { tactics, techniques, ports, firstUs, lastUs, detectedUs } = incident;
  const listed = ports.filter((text) => text !== "").join(",");
  return [
    { term: "Kind", text: kindsText(incident) },
    { term: "Tactics", text: tactics.map((id) => `${tacticName(id)} (${id})`).join(", ") },
    { term: "Techniques", text: techniques.map(attackText).join("; ") },
    { term: "Ports", text: portsText(listed, 24) },
    {
      term: "First evidence",
      text: formatSecond(firstUs, nowUs, zone),
      href: momentHref(firstUs),
    },
    { term: "Found", text: formatSecond(detectedUs, nowUs, zone), href: momentHref(detectedUs) },
    { term: "Last evidence", text: formatSecond(lastUs, nowUs, zone), href: momentHref(lastUs) },
    { term: "Findings", text: formatCount(incident.findingCount) },
  ];
}
