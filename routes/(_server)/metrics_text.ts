/** `/metrics` in the Prometheus text format 0.0.4. All counters are totals since the start of the program. */
import type { HubState } from "../../agent/fleet/view.ts";
import type { LiveState } from "../../agent/live_state.ts";
import {
  type ChannelState,
  FINDING_KINDS,
  FLEET_KINDS,
  type FleetState,
} from "../../agent/records.ts";

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}
interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** The whole page, with its last line feed. */
export function metricsText(
  live: LiveState,
  streamCount: number,
  hub?: HubFigures,
): string {
  return [
    ...(hub === undefined ? [] : hubFamilies(hub)),
    ...trafficFamilies(live),
    ...captureFamilies(live),
    ...detectionFamilies(live),
    ...processFamilies(live),
    ...programFamilies(live, streamCount),
    ...alertFamilies(live.channels),
  ].map(familyText).join("");
}

function processFamilies({ processes }: LiveState): Family[] {
  if (processes.state === "off") return [];
  const { named, userOnly, unknown, passedOver, traceLost } = processes;
  return [
    family(
      "counter",
      "process_lookups_total",
      "Flows of this host, by what of their process was found.",
    )(
      byLabel("result", [
        ["process", named],
        ["user", userOnly],
        ["nothing", unknown],
        ["passed_over", passedOver],
      ]),
    ),
    family(
      "counter",
      "process_events_lost_total",
      "Events of connections that begin for which the kernel had no room.",
    )(traceLost),
  ];
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelText(labels: Sample["labels"]): string {
  if (!labels) return "";
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function family(type: Family["type"], name: string, help: string) {
  return (samples: number | readonly Sample[]): Family => ({
    name: `tapwatch_${name}`,
    type,
    help,
    samples: typeof samples === "number" ? [{ value: samples }] : samples,
  });
}

function byLabel(
  key: string,
  entries: readonly (readonly [string, number])[],
): readonly Sample[] {
  return entries.map(([label, value]) => ({ labels: { [key]: label }, value }));
}

function trafficFamilies({ snapshot }: LiveState): Family[] {
  const protocols = Object.entries(snapshot?.protocols ?? {});
  const applications = Object.entries(snapshot?.applications ?? {});
  const counter = family.bind(null, "counter");
  const gauge = family.bind(null, "gauge");
  return [
    counter("packets_total", "Packets decoded.")(snapshot?.packets ?? 0),
    counter("bytes_total", "Bytes on the wire of decoded packets.")(snapshot?.bytes ?? 0),
    counter("captured_bytes_total", "Bytes captured of decoded packets.")(
      snapshot?.capturedBytes ?? 0,
    ),
    counter("protocol_packets_total", "Packets by transport.")(
      byLabel("protocol", protocols.map(([name, total]) => [name, total.packets])),
    ),
    counter("protocol_bytes_total", "Bytes on the wire by transport.")(
      byLabel("protocol", protocols.map(([name, total]) => [name, total.bytes])),
    ),
    counter("application_bytes_total", "Bytes on the wire by application.")(
      byLabel("application", applications.map(([name, total]) => [name || "none", total.bytes])),
    ),
    counter("decode_stops_total", "Packets that could not be decoded to the end, by reason.")(
      byLabel("reason", Object.entries(snapshot?.decodeStops ?? {})),
    ),
    counter(
      "packets_unread_total",
      "Packets of which nothing was seen that detection could judge.",
    )(
      snapshot?.unreadPackets ?? 0,
    ),
    counter(
      "packet_copies_total",
      "Packets that were copies of others, as a bridge, `any` or a mirror port gives them.",
    )(
      snapshot?.copies ?? 0,
    ),
    counter("flows_total", "Flows begun.")(snapshot?.flowsTotal ?? 0),
    counter("flows_evicted_total", "Flows ended early because the table was full.")(
      snapshot?.flowsEvicted ?? 0,
    ),
    counter("flow_names_dropped_total", "Names of flows not kept because too many were held.")(
      snapshot?.flowNamesDropped ?? 0,
    ),
    counter("flows_summed_total", "Flows of floods that share a row with others.")(
      snapshot?.flowsSummed ?? 0,
    ),
    gauge("flows_active", "Flows in the table.")(snapshot?.flowsActive ?? 0),
    gauge("hosts_active", "Hosts seen in the last minutes.")(snapshot?.hostsActive ?? 0),
    counter("packet_rows_total", "Packet rows handed to the database.")(snapshot?.packetRows ?? 0),
    counter("rows_shed_total", "Rows not handed to the database, by table.")(
      byLabel("table", [
        ["packets", snapshot?.packetRowsShed ?? 0],
        ["flows", snapshot?.flowRowsShed ?? 0],
      ]),
    ),
  ];
}

function captureFamilies(live: LiveState): Family[] {
  const counter = family.bind(null, "counter");
  const gauge = family.bind(null, "gauge");
  const bySource = (value: (source: LiveState["sources"][number]) => number) =>
    byLabel("interface", live.sources.map((source) => [source.name, value(source)] as const));
  return [
    counter("capture_drops_total", "Packets (store: rows) lost, by place.")(
      byLabel("where", Object.entries(live.drops())),
    ),
    counter("capture_received_total", "Packets that the kernel handed to capture, by interface.")(
      bySource(({ received }) => received),
    ),
    gauge("capture_up", "1 while the interface is being captured.")(
      bySource(({ state }) => Number(state === "capturing")),
    ),
    gauge("capture_queue_depth", "Buffers between capture and decoding, by interface.")(
      bySource(({ queueDepth }) => queueDepth),
    ),
    gauge("behind_seconds", "How long packets wait to be decoded.")(live.behindS),
  ];
}

/** Those of this program's own detectors. */
const findingKinds = FINDING_KINDS.filter((kind) => !FLEET_KINDS.some((other) => other === kind));

function detectionFamilies({ detection, findingCounts }: LiveState): Family[] {
  const counter = family.bind(null, "counter");
  const gauge = family.bind(null, "gauge");
  const isIn = (state: string) => Number(detection.state === state);
  return [
    counter("findings_total", "Findings opened, by kind.")(
      byLabel("kind", findingKinds.map((kind) => [kind, findingCounts.get(kind) ?? 0])),
    ),
    gauge("blocklist_entries", "Entries of the block lists.")(detection.blocklists.entries),
    gauge("blocklist_bad_lines", "Lines of the block lists that hold no entry.")(
      detection.blocklists.badLines,
    ),
    gauge("findings_open", "Findings that are not over.")(detection.findingsOpen),
    counter("observations_total", "Observations that the detectors took.")(detection.observations),
    counter("observations_shed_total", "Observations not taken because detection was behind.")(
      detection.observationsShed,
    ),
    gauge("detection_state", "1 for the state that the learning of usual behaviour is in.")(
      byLabel("state", ["off", "learning", "ready"].map((state) => [state, isIn(state)])),
    ),
    gauge("detection_windows_learnt", "Windows of 10 s that usual behaviour is learnt from.")(
      detection.windowsLearnt,
    ),
    gauge("detection_windows_needed", "Windows needed before anomalies are reported.")(
      detection.windowsNeeded,
    ),
    gauge("anomaly_windows", "Windows of hosts scored over the last 5 minutes.")(detection.windows),
    gauge("anomaly_windows_flagged", "Of them, those found out of the ordinary.")(
      detection.windowsFlagged,
    ),
    gauge("anomaly_rate_percent", "Packets in flagged windows, of all, over the last 5 minutes.")(
      detection.anomalyRatePct,
    ),
    gauge("detection_state_bytes", "Memory of the detectors' tables.")(detection.stateBytes),
    counter("detection_forgotten_total", "Times that a full table forgot its oldest entry.")(
      detection.forgotten,
    ),
    gauge("model_fitted_time_seconds", "When the model in use was fitted; 0 without one.")(
      (detection.modelFittedUs ?? 0) / 1e6,
    ),
  ];
}

function programFamilies(live: LiveState, streamCount: number): Family[] {
  const { version, rssBytes, startedAtUs } = live.health();
  const { store, recorder, evidence, eve, disk } = live;
  const counter = family.bind(null, "counter");
  const gauge = family.bind(null, "gauge");
  return [
    gauge("store_up", "1 while the database is being written.")(Number(store.state === "ok")),
    gauge("recorder_up", "1 while captured packets can be written to the capture files.")(
      Number(recorder.state !== "failed"),
    ),
    gauge("store_size_bytes", "Size of the database with its log.")(store.sizeBytes),
    gauge("store_queue_depth", "Batches of rows waiting for the database.")(store.queueDepth),
    counter("store_rows_total", "Rows written to the database.")(store.rowsWritten),
    counter("store_rows_lost_total", "Rows that could not be written.")(store.rowsLost),
    counter("store_rows_removed_total", "Rows removed to keep to age and size.")(
      store.rowsRemoved,
    ),
    counter(
      "store_rows_held_back_total",
      "Rows that were not written because the disk is nearly full.",
    )(store.rowsHeldBack),
    gauge(
      "disk_step",
      "What the nearly full disk keeps from growing: 0 nothing, 1 captures, 2 packet rows too, 3 flow rows too.",
    )(disk.step),
    ...(disk.freeBytes === null
      ? []
      : [gauge("disk_free_bytes", "Free bytes where results go.")(disk.freeBytes)]),
    counter("recorder_packets_total", "Packets written to capture files.")(
      recorder.packetsWritten,
    ),
    counter("recorder_bytes_total", "Bytes written to capture files.")(recorder.bytesWritten),
    gauge("recorder_size_bytes", "Size of the ring of capture files.")(recorder.sizeBytes),
    gauge("evidence_size_bytes", "Size of the packets kept of findings.")(evidence.sizeBytes),
    gauge("evidence_findings", "Findings whose packets are kept.")(evidence.findings),
    counter("evidence_packets_total", "Packets of findings kept beyond the ring.")(
      evidence.packetsWritten,
    ),
    counter("evidence_packets_left_out_total", "Packets of findings that there was no room for.")(
      evidence.packetsLeftOut,
    ),
    counter("evidence_files_removed_total", "Files of findings that made room for others.")(
      evidence.filesRemoved,
    ),
    counter("eve_lines_total", "Lines written to the EVE log.")(eve.linesWritten),
    counter(
      "eve_lines_dropped_total",
      "Lines of the EVE log that found no room or could not be written.",
    )(
      eve.linesLost,
    ),
    gauge("eve_size_bytes", "Size of the files of the EVE log.")(eve.sizeBytes),
    ...fleetFamilies(live.fleet),
    counter("worker_restarts_total", "Workers that crashed and were started again.")(
      live.workerRestarts,
    ),
    gauge("event_streams", "Readers of /api/events.")(streamCount),
    gauge("resident_memory_bytes", "Resident memory of the process.")(rssBytes),
    gauge("start_time_seconds", "Start of the program, seconds since 1970.")(startedAtUs / 1e6),
    gauge("build_info", "Always 1; the version is a label.")([{ labels: { version }, value: 1 }]),
  ];
}

/** What `/metrics` of a hub tells besides. */
export interface HubFigures extends Pick<HubState, "lagS" | "pending" | "messages" | "rows"> {
  readonly isConnected: boolean;
  readonly duplicates: number;
  readonly deadLetters: number;
  /** Agents by state: reports, silent, waiting, revoked. */
  readonly agents: Readonly<Record<string, number>>;
  readonly captureDrops: number;
  readonly spoolBytes: number;
  readonly givenUp: number;
}

function hubFamilies(hub: HubFigures): Family[] {
  const counter = family.bind(null, "counter");
  const gauge = family.bind(null, "gauge");
  return [
    gauge("hub_engine_up", "1 while the hub is connected to the fleet's engine.")(
      Number(hub.isConnected),
    ),
    gauge("hub_agents", "Agents of the fleet by state; silent after 90 s without a report.")(
      Object.entries(hub.agents).map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge("hub_behind_seconds", "From the sending of the newest message to its being stored.")(
      hub.lagS,
    ),
    gauge("hub_pending_messages", "Messages that wait in the engine.")(hub.pending),
    counter("hub_messages_total", "Messages taken from the engine.")(hub.messages),
    counter("hub_rows_total", "Rows stored from them.")(hub.rows),
    counter("hub_duplicates_total", "Batches that came twice and were not stored again.")(
      hub.duplicates,
    ),
    counter("hub_dead_letters_total", "Messages that could not be read.")(hub.deadLetters),
    gauge("hub_agent_spool_bytes", "Bytes that wait at agents for the hub, by their last reports.")(
      hub.spoolBytes,
    ),
    gauge("hub_agent_rows_given_up", "Rows that agents have given up, by their last reports.")(
      hub.givenUp,
    ),
    gauge("hub_agent_capture_drops", "Packets that agents have lost, by their last reports.")(
      hub.captureDrops,
    ),
  ];
}

/** None without a fleet. */
function fleetFamilies(fleet: FleetState | null): Family[] {
  if (fleet === null) return [];
  const counter = family.bind(null, "counter");
  const gauge = family.bind(null, "gauge");
  const rows = (["flows", "findings"] as const).flatMap((channel) =>
    (["spooled", "committed", "givenUp"] as const).map((state) => ({
      labels: { channel, state: state === "givenUp" ? "given_up" : state },
      value: fleet[channel][state],
    }))
  );
  return [
    gauge("fleet_up", "1 while the fleet's engine takes what is sent.")(
      Number(fleet.state === "connected"),
    ),
    gauge("fleet_spool_batches", "Batches that wait for the fleet's hub.")(fleet.batches),
    gauge("fleet_spool_bytes", "Bytes that wait for the fleet's hub.")(fleet.bytes),
    gauge("fleet_spool_oldest_time_seconds", "When the oldest of them was made; 0 without any.")(
      (fleet.oldestUs ?? 0) / 1e6,
    ),
    counter(
      "fleet_rows_total",
      "Rows for the fleet since its spool was made: put in, committed by the hub, given up.",
    )(rows),
    counter("fleet_refused_total", "Batches that the fleet's engine refused.")(fleet.refusals),
    counter("fleet_resent_total", "Batches that were lost on their way and sent again.")(
      fleet.resent,
    ),
    counter("fleet_reconnects_total", "Connections to the fleet's engine after the first.")(
      fleet.reconnects,
    ),
  ];
}

function alertFamilies(channels: readonly ChannelState[]): Family[] {
  const samples = (states: readonly ("sent" | "failed" | "retries" | "waiting")[]) =>
    channels.flatMap(({ channel, ...counts }) =>
      states.map((state) => ({ labels: { channel, state }, value: counts[state] }))
    );
  return [
    family("counter", "alerts_total", "Alerts by channel: taken, given up, tries that failed.")(
      samples(["sent", "failed", "retries"]),
    ),
    family("gauge", "alerts_waiting", "Alerts that a channel has not taken yet.")(
      samples(["waiting"]),
    ),
  ];
}
