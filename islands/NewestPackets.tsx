/**
 * The newest packets with a protocol filter. Without scripts the filter is a form; with them it acts at once on what
 * the page has, and the database fills up the rows. While the pointer or the focus is on the rows they hold still.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { PacketRow } from "../agent/records.ts";
import { latest } from "../components/live.ts";
import { formatCount } from "../components/format.ts";
import type { LiveMessage } from "../components/live_message.ts";
import { isOfProtocol, packetKey, PacketTable } from "../components/PacketTable.tsx";
import { PROTOCOL_CHOICES, protocolLabel } from "../components/protocol_groups.ts";
import { fromWire } from "../components/wire.ts";

interface Props {
  readonly initial: LiveMessage;
  readonly zone: string;
  /** Of the address bar; "" shows all. */
  readonly protocol: string;
  /** Rows of that protocol, newest first. */
  readonly rows: readonly PacketRow[];
}

const rowsMax = 15;

export default function NewestPackets({ initial, zone, protocol: initialProtocol, rows }: Props) {
  const [protocol, setProtocol] = useState(initialProtocol);
  const [stored, setStored] = useState(rows);
  const [isHydrated, setHydrated] = useState(false);
  const [isHeld, setHeld] = useState(false);
  const shown = useRef<readonly PacketRow[]>(rows);
  useEffect(() => setHydrated(true), []);
  const incoming = (latest.value ?? initial).snapshot?.newestPackets ?? [];
  const pool = useRef<readonly PacketRow[]>(rows);
  const merged = mergeRows([...pool.current, ...stored], incoming, protocol);
  pool.current = merged;
  if (!isHeld) shown.current = merged;
  const newer = isHeld ? countNewer(merged, shown.current) : 0;

  const choose = async (next: string) => {
    setProtocol(next);
    setHeld(false);
    setStored(shown.current);
    history.replaceState(null, "", next ? `?protocol=${next}` : location.pathname);
    setStored(await storedRows(next));
  };
  return (
    <section class="panel c12" id="newest">
      <header>
        <h2>Newest packets</h2>
        <p>{protocol === "" ? "all protocols" : `only ${protocolLabel(protocol)}`}</p>
        {newer > 0 && (
          <button type="button" class="chip" onClick={() => setHeld(false)}>
            {newer === rowsMax ? `${newer} or more` : newer} newer
          </button>
        )}
        <form method="get" action="/packets#newest" class="end filter">
          <label>
            <span class="vh">Protocol</span>
            <select name="protocol" onChange={(event) => choose(event.currentTarget.value)}>
              <option value="" selected={protocol === ""}>All protocols</option>
              {PROTOCOL_CHOICES.map((name) => (
                <option key={name} value={name} selected={name === protocol}>
                  {protocolLabel(name)}
                </option>
              ))}
            </select>
          </label>
          {!isHydrated && <button type="submit" class="btn">Show</button>}
        </form>
      </header>
      <div
        class="scroll"
        onPointerEnter={() => setHeld(true)}
        onPointerLeave={() => setHeld(false)}
        onFocusIn={() => setHeld(true)}
        onFocusOut={() => setHeld(false)}
      >
        {shown.current.length > 0 && <PacketTable rows={shown.current} zone={zone} />}
      </div>
      {shown.current.length === 0 && (
        <p class="body dim">
          {protocol === ""
            ? "No packet yet."
            : `No ${protocolLabel(protocol)} packet among those kept.`}
        </p>
      )}
      {(initial.snapshot?.sampleK ?? 1) > 1 && (
        <p class="note">
          1 packet in {formatCount(initial.snapshot?.sampleK ?? 1)} is kept as a row at this rate.
        </p>
      )}
    </section>
  );
}

async function storedRows(protocol: string): Promise<readonly PacketRow[]> {
  const query = new URLSearchParams({ limit: String(rowsMax) });
  if (protocol) query.set("protocol", protocol);
  const response = await fetch(`/api/packets?${query}`);
  if (!response.ok) return [];
  return fromWire<{ packets: readonly PacketRow[] }>(await response.json()).packets;
}

/** Rows of the protocol from both lists without repetition, newest first. */
function mergeRows(
  stored: readonly PacketRow[],
  incoming: readonly PacketRow[],
  protocol: string,
): readonly PacketRow[] {
  const byKey = new Map<string, PacketRow>();
  for (const row of [...stored, ...incoming]) {
    if (isOfProtocol(row, protocol)) byKey.set(packetKey(row), row);
  }
  return [...byKey.values()].sort((a, b) => b.tsUs - a.tsUs).slice(0, rowsMax);
}

function countNewer(rows: readonly PacketRow[], shown: readonly PacketRow[]): number {
  const newestShownUs = shown[0]?.tsUs ?? 0;
  return rows.filter(({ tsUs }) => tsUs > newestShownUs).length;
}
