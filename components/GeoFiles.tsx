/** The files that countries and networks of addresses come from, or how to get one. */
import type { GeoFileState } from "../agent/records.ts";
import { formatWhen } from "./format.ts";

interface Props {
  readonly files: readonly GeoFileState[];
  readonly nowUs: number;
  readonly zone: string;
}

export function GeoFiles({ files, nowUs, zone }: Props) {
  return (
    <section class="panel c12" id="geo">
      <header>
        <h2>Countries and networks</h2>
        <p>
          shown beside addresses, and searched by <code>country</code> and <code>asn</code>
        </p>
      </header>
      {files.length === 0 ? <HowToGetOne /> : (
        <div class="scroll">
          <table class="tbl cards">
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">Holds</th>
                <th scope="col">Made</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {files.map((file) => (
                <tr key={file.path}>
                  <td class="mono wrap anywhere">{file.path}</td>
                  <td>{contents(file)}</td>
                  <td>{file.builtUs === 0 ? "–" : formatWhen(file.builtUs, nowUs, zone)}</td>
                  <td class={file.error === "" ? "" : "wrap"}>{stateText(file)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function HowToGetOne() {
  return (
    <div class="body">
      <p>
        No file with countries or networks is there, so nothing of them is shown. tapwatch brings
        none and asks nobody: it reads MMDB files on this machine. Free ones are MaxMind&apos;s
        GeoLite2 (Country or City, and ASN; geoipupdate keeps them up to date), DB-IP Lite and
        ip-location-db.
      </p>
      <p>
        What lies in <code>/usr/share/GeoIP</code>{" "}
        is found by itself; for any other place start tapwatch with{" "}
        <code>--geo-db FILE</code>, once for each file. A file that is replaced is read again.
      </p>
    </div>
  );
}

function contents({ hasCountries, hasNetworks }: GeoFileState): string {
  const what = [hasCountries && "countries", hasNetworks && "networks"].filter(Boolean);
  return what.length === 0 ? "–" : what.join(" and ");
}

function stateText({ error, builtUs }: GeoFileState): string {
  if (error === "") return "in use";
  return builtUs === 0
    ? `cannot be used: ${error}`
    : `what was read before is in use; the new file cannot be: ${error}`;
}
