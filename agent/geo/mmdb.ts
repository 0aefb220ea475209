/**
 * One MMDB file (MaxMind DB format 2.0, maxmind.github.io/MaxMind-DB): the country and the network of an address. Read by mmdb-lib
 * (decision 0013), whose lookups of damaged data throw; what is wrong with a file as a whole is told here.
 */
import { Buffer } from "node:buffer";
import { Reader, type Response } from "mmdb-lib";

/** A file as it travels between threads; all of them read the same bytes. */
export interface GeoFile {
  readonly path: string;
  readonly bytes: SharedArrayBuffer;
}

/** Where an address belongs. */
export interface Place {
  /** ISO 3166 code of two letters; "" when not known. */
  readonly country: string;
  /** Autonomous system; 0 when not known. */
  readonly asn: number;
  /** Who runs it; "" when not known. */
  readonly organization: string;
}

/** A file that cannot be used; the message, for people, does not name it. */
export class MmdbError extends Error {
  override readonly name = "MmdbError";
}

/** In front of the metadata, which are at most 128 KiB from the end. */
const marker = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const metadataMax = 128 * 1024;
const separatorBytes = 16;
/** Records that are looked at to see what a file holds, and steps to find them. */
const recordsTried = 200;
const stepsMax = 20_000;
const organizationMax = 120;

export class Mmdb {
  readonly path: string;
  readonly hasCountries: boolean;
  readonly hasNetworks: boolean;
  /** When it was made. */
  readonly builtUs: number;
  readonly #reader: Reader<Response>;

  /** Throws MmdbError. */
  constructor({ path, bytes }: GeoFile) {
    this.path = path;
    const reader = this.#reader = open(Buffer.from(bytes));
    this.builtUs = reader.metadata.buildEpoch.getTime() * 1000;
    const found = firstPlaces(reader);
    this.hasCountries = found.some(({ country }) => country !== "");
    this.hasNetworks = found.some(({ asn }) => asn > 0);
    if (!this.hasCountries && !this.hasNetworks) {
      const { databaseType } = reader.metadata;
      throw new MmdbError(
        `it holds neither countries nor networks (AS numbers) of addresses; its type is ${
          JSON.stringify(String(databaseType).slice(0, 60))
        }`,
      );
    }
  }

  /** Of an address that is one. Null where nothing is known of it, or cannot be read. */
  placeOf(address: string): Place | null {
    try {
      return toPlace(this.#reader.get(address));
    } catch {
      return null;
    }
  }
}

function open(buffer: Buffer): Reader<Response> {
  if (buffer.lastIndexOf(marker) < Math.max(0, buffer.length - metadataMax)) {
    throw new MmdbError(
      "it is no MMDB file, or was cut off: the metadata at the end of such a file are missing",
    );
  }
  try {
    // Declared for Node's Buffer, which Deno's is.
    const reader = new Reader<Response>(buffer as never);
    checkSize(reader, buffer);
    return reader;
  } catch (error) {
    if (error instanceof MmdbError) throw error;
    throw new MmdbError(`it is damaged: ${error instanceof Error ? error.message : error}`);
  }
}

function checkSize({ metadata }: Reader<Response>, buffer: Buffer): void {
  const { binaryFormatMajorVersion: major, nodeCount, searchTreeSize: size, ipVersion } = metadata;
  if (major !== 2 || (ipVersion !== 4 && ipVersion !== 6) || !Number.isInteger(nodeCount)) {
    throw new MmdbError(`it is in version ${major} of the MMDB format, or damaged; 2 is read`);
  }
  const separator = buffer.subarray(size, size + separatorBytes);
  if (separator.length < separatorBytes || separator.some((byte) => byte !== 0)) {
    throw new MmdbError(
      "it is damaged: the tree of addresses does not end where its metadata say it does",
    );
  }
}

/** Of the first networks that have any. Throws MmdbError where one cannot be read. */
function firstPlaces(reader: Reader<Response>): Place[] {
  const bits = reader.metadata.ipVersion === 4 ? 32 : 128;
  const found: Place[] = [];
  let address = 0n;
  for (let step = 0; step < stepsMax && address < 1n << BigInt(bits); step++) {
    const text = bits === 32 ? ipv4Text(address) : ipv6Text(address);
    try {
      const [data, prefixLength] = reader.getWithPrefixLength(text);
      const place = toPlace(data);
      if (place !== null) found.push(place);
      if (found.length >= recordsTried) break;
      const size = 1n << BigInt(bits - prefixLength);
      address = (address / size + 1n) * size;
    } catch (error) {
      throw new MmdbError(
        `it is damaged: what it says of ${text} cannot be read (${(error as Error).message})`,
      );
    }
  }
  return found;
}

function ipv4Text(address: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => address >> shift & 255n).join(".");
}

function ipv6Text(address: bigint): string {
  return Array.from({ length: 8 }, (_, index) => {
    return (address >> BigInt(112 - 16 * index) & 0xffffn).toString(16);
  }).join(":");
}

/** The fields of MaxMind and DB-IP, of ip-location-db, and of IPinfo. */
function toPlace(data: unknown): Place | null {
  if (!isRecord(data)) return null;
  const country = countryOf(data);
  const asn = asnOf(data.autonomous_system_number ?? data.asn);
  if (country === "" && asn === 0) return null;
  const name = asn === 0
    ? ""
    : data.autonomous_system_organization ?? data.as_name ?? data.organization ?? "";
  return { country, asn, organization: printable(String(name)) };
}

/** Without control characters and marks of direction. */
function printable(name: string): string {
  return name.slice(0, organizationMax).replaceAll(/\p{C}/gu, "\ufffd");
}

function countryOf(data: Record<string, unknown>): string {
  const { country, registered_country: registered, country_code } = data;
  const codes = [codeOf(country), country_code, country, codeOf(registered)];
  const code = codes.find((code) => typeof code === "string" && /^[A-Za-z]{2}$/.test(code));
  return typeof code === "string" ? code.toUpperCase() : "";
}

function codeOf(country: unknown): unknown {
  return isRecord(country) ? country.iso_code : undefined;
}

/** 64500 or "AS64500". */
function asnOf(value: unknown): number {
  const number = typeof value === "string" ? Number(value.replace(/^AS/i, "")) : value;
  const isGood = typeof number === "number" && Number.isInteger(number) && number > 0 &&
    number < 2 ** 32;
  return isGood ? number : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
