/**
 * Captures on each device that is named, by libpcap and by AF_PACKET at once, into FOLDER/DEVICE-METHOD.pcap: says "ready",
 * and ends with its standard input. Usage: capture_to_files.ts FOLDER DEVICE…
 */
import { chooseCapture } from "../agent/capture/capture_method.ts";
import { pcapFileHeader } from "../agent/capture/pcap_records.ts";
import { CAPTURE_METHODS, type CaptureHandle } from "../ffi/capture/capture_handle.ts";

const [folder, ...devices] = Deno.args;
const snaplen = 262_144;
const timeoutMs = 50;
let isOver = false;

const captures = devices.flatMap((device) =>
  CAPTURE_METHODS.map((method) => {
    const handle = chooseCapture(method).open({
      device,
      snaplen,
      isPromiscuous: true,
      bufferBytes: 32 << 20,
      timeoutMs,
      filter: "",
      batchPacketsMax: 16_384,
    });
    return { handle, path: `${folder}/${device}-${method}.pcap` };
  })
);
const writing = captures.map(({ handle, path }) => write(handle, path));
console.log("ready");
for await (const _ of Deno.stdin.readable) { /* until it ends */ }
await new Promise((resolve) => setTimeout(resolve, 20 * timeoutMs));
isOver = true;
for (const { handle } of captures) handle.breakLoop();
await Promise.all(writing);

async function write(handle: CaptureHandle, path: string): Promise<void> {
  using file = await Deno.create(path);
  file.writeSync(pcapFileHeader(handle.linktype, snaplen, handle.isNanosecond));
  while (!isOver) {
    const { byteLength, lostPackets } = await handle.read();
    if (lostPackets > 0) throw new Error(`${path}: ${lostPackets} packets lost`);
    file.writeSync(handle.bytes.subarray(0, byteLength));
  }
  const { kernelDrops } = handle.stats();
  if (kernelDrops > 0) throw new Error(`${path}: ${kernelDrops} packets dropped`);
  await handle.close();
}
