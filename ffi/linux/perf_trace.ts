/**
 * A tracepoint of the kernel as records in memory, perf_event_open(2): one ring for each processor, of all processes of the
 * host. Needs CAP_PERFMON or CAP_SYS_ADMIN (or perf_event_paranoid -1) to open, and nothing afterwards. The rings stay mapped until
 * this process ends, because threads that read them may end at any time; so nobody can read one that is gone.
 */
import { checkCall, cString, errorText, lastErrno, libc } from "./libc.ts";
import { readKernelFile } from "./kernel_file.ts";
import { readTraceFiles } from "./tracefs.ts";

const callNumbers: Readonly<Record<string, bigint>> = { x86_64: 298n, aarch64: 241n };
/** linux/perf_event.h */
const typeTracepoint = 2;
/** PERF_ATTR_SIZE_VER3, which ends with `clockid`. */
const attributeBytes = 96;
/** PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW */
const sampleType = 1n << 1n | 1n << 2n | 1n << 10n;
/** disabled, use_clockid */
const flagBits = 1n | 1n << 25n;
const clockMonotonic = 1;
const closeOnExec = 8n;
const ioctlEnable = 0x2400n;
const ioctlDisable = 0x2401n;
/** _IOW('$', 6, char *) */
const ioctlSetFilter = 0x40082406n;
const readWrite = 3;
const mapShared = 1;
/** MAP_FAILED */
const mapFailed = 2n ** 64n - 1n;
/** _SC_PAGESIZE */
const pageSizeName = 30;
/** Of data, for each processor, and of all together. */
const ringBytesMax = 256 * 1024;
const ringsBytesMax = 8 << 20;
/** The largest page of any machine. */
const ringBytesMin = 64 * 1024;

/** What a thread needs to read it; may be sent to others. */
export interface PerfTrace {
  /** Of the tracepoint: where its records have which field, as tracefs tells it. */
  readonly format: string;
  readonly rings: readonly { readonly address: bigint; readonly byteLength: number }[];
  /** Files to wait at. */
  readonly handles: readonly number[];
}

/** Opens a tracepoint, "sock/inet_sock_set_state", for records that `filter` lets pass, not yet enabled. Throws Error. */
export function openPerfTrace(tracepoint: string, filter: string): PerfTrace {
  const folder = `events/${tracepoint}`;
  const [id, format] = readTraceFiles([`${folder}/id`, `${folder}/format`]);
  const rings: { address: bigint; byteLength: number }[] = [];
  const handles: number[] = [];
  const processors = onlineProcessors(readKernelFile("/sys/devices/system/cpu/online") ?? "");
  try {
    for (const processor of processors) {
      const handle = openEvent(Number(id), processor);
      handles.push(handle);
      checkCall("ioctl", libc().ioctl(handle, ioctlSetFilter, cString(filter)));
      rings.push(mapRing(handle, ringBytes(processors.length)));
    }
    return { format: format!, rings, handles };
  } catch (error) {
    for (const handle of handles) libc().close(handle);
    throw error;
  }
}

/** Lets records come, or no more. */
export function enablePerfTrace({ handles }: PerfTrace, isOn: boolean): void {
  for (const handle of handles) libc().ioctl(handle, isOn ? ioctlEnable : ioctlDisable, null);
}

/** Numbers of processors in "0-3,8", cpulist format; throws Error when there are none. */
export function onlineProcessors(list: string): number[] {
  return list.trim().split(",").flatMap((range) => {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (first === undefined) throw new Error(`no list of processors: ${JSON.stringify(list)}`);
    const count = Number(last ?? first) - Number(first) + 1;
    return Array.from({ length: count }, (_, index) => Number(first) + index);
  });
}

/** A power of two. */
export function ringBytes(processorCount: number): number {
  let bytes = ringBytesMax;
  while (bytes > ringBytesMin && bytes * processorCount > ringsBytesMax) bytes /= 2;
  return bytes;
}

function openEvent(id: number, processor: number): number {
  const number = callNumbers[Deno.build.arch];
  if (number === undefined) throw new Error(`no perf_event_open for ${Deno.build.arch}`);
  // struct perf_event_attr
  const attributes = new DataView(new ArrayBuffer(attributeBytes));
  attributes.setUint32(0, typeTracepoint, true);
  attributes.setUint32(4, attributeBytes, true);
  attributes.setBigUint64(8, BigInt(id), true); // config
  attributes.setBigUint64(16, 1n, true); // sample_period: each
  attributes.setBigUint64(24, sampleType, true);
  attributes.setBigUint64(40, flagBits, true);
  attributes.setUint32(48, 1, true); // wakeup_events
  attributes.setInt32(92, clockMonotonic, true); // clockid
  const bytes = new Uint8Array(attributes.buffer);
  const anyProcess = -1n;
  const noGroup = -1n;
  const { perf_event_open } = libc();
  const handle = perf_event_open(
    number,
    bytes,
    anyProcess,
    BigInt(processor),
    noGroup,
    closeOnExec,
  );
  checkCall("perf_event_open", handle);
  return Number(handle);
}

/** A page that says how far it is written and read, then the data. */
function mapRing(handle: number, dataBytes: number): { address: bigint; byteLength: number } {
  const byteLength = Number(libc().sysconf(pageSizeName)) + dataBytes;
  const place = libc().mmap(null, BigInt(byteLength), readWrite, mapShared, handle, 0n);
  const address = BigInt(Deno.UnsafePointer.value(place));
  if (address === mapFailed || address === 0n) throw new Error(`mmap: ${errorText(lastErrno())}`);
  return { address, byteLength };
}
