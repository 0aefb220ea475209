/** A slice of the capture files to download: a plain form, so it needs no script. */
import { Icon } from "./Icon.tsx";
import type { RecorderState } from "../agent/records.ts";

interface Props {
  readonly recorder: RecorderState;
  /** Fits the inputs: "2026-11-22T14:07". */
  readonly from: string;
}

export function ExportForm({ recorder, from }: Props) {
  return (
    <section class="panel c12" id="export">
      <header>
        <h2>Export packets</h2>
        <p>from the capture files, as pcap; empty fields take everything</p>
      </header>
      <div class="body">
        {recorder.state === "off" && recorder.packetsWritten === 0
          ? (
            <p class="dim">
              Capture files are off (--pcap-files 0), so there is nothing to export.
            </p>
          )
          : (
            <form method="get" action="/api/export/pcap" class="export">
              <label class="field">
                <span>From</span>
                <input type="datetime-local" name="from" step="1" value={from} />
              </label>
              <label class="field">
                <span>To</span>
                <input type="datetime-local" name="to" step="1" />
              </label>
              <label class="field">
                <span>Host</span>
                <input
                  name="host"
                  class="mono"
                  placeholder="192.168.1.20"
                  autocomplete="off"
                  spellcheck={false}
                />
              </label>
              <label class="field">
                <span>Port</span>
                <input name="port" inputmode="numeric" pattern="[0-9]{1,5}" placeholder="443" />
              </label>
              <label class="field">
                <span>Protocol</span>
                <select name="protocol">
                  <option value="">any</option>
                  {["tcp", "udp", "icmp", "icmpv6", "arp", "igmp", "sctp"].map((name) => (
                    <option value={name}>{name}</option>
                  ))}
                </select>
              </label>
              <button type="submit" class="btn main">
                <Icon name="download" />
                Download pcap
              </button>
            </form>
          )}
      </div>
    </section>
  );
}
