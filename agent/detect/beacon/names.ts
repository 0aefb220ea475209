/**
 * What a client calls, by name: whether it is a service that systems of many vendors ask in a fixed rhythm. Names are known
 * from the addresses that DNS has answered, or where it said nothing, from the host that an HTTP request asked. An address
 * that other names have led to as well is no such service.
 */
import { KeyedSlots } from "../common/keyed_slots.ts";
import { CONTACT_WORDS, type Observation } from "../observation.ts";

export const CallKind = {
  /** Nothing is known of it, or nothing harmless. */
  unknown: 0,
  /** The name of a check whether the internet is there, or of one's own address. */
  check: 1,
  /** A service of a vendor of systems, or of the weather. */
  vendor: 2,
} as const;

const capacity = 4096;
const recentMax = 1024;
/** Key: client, address. */
const keyWords = 8;

/**
 * Parts of labels that names of such checks have: NetworkManager's at Ubuntu, Debian, GNOME, KDE, openSUSE and others,
 * ConnMan's, Windows' NCSI, Apple's, Android's, Firefox', Roku's, Nintendo's, Home Assistant's; and of services that say
 * under which address one is seen, which dynamic DNS asks.
 */
const checkParts: readonly string[] = [
  ...["connectivity", "conncheck", "connecttest", "conntest", "connectiontest", "connman"],
  ...["nmcheck", "ncsi", "netcheck", "networkcheck", "network-test", "network-check"],
  ...["captive", "capnet", "detectportal", "portal-detect", "hotspot-detect", "generate-204"],
  ...["internetcheck", "internet-check", "checkonline", "online-check", "checkip", "myip"],
  ...["ipecho"],
];

/** Registered domains and host names of checks, updates and weather that nothing in the name shows. Nobody else can have names under them. */
const vendorNames: ReadonlySet<string> = new Set([
  // Systems: checks, updates, news.
  ...[
    "ubuntu.com",
    "canonical.com",
    "snapcraft.io",
    "launchpad.net",
    "debian.org",
    "linuxmint.com",
  ],
  ...["fedoraproject.org", "redhat.com", "centos.org", "rockylinux.org", "almalinux.org"],
  ...["opensuse.org", "suse.com", "archlinux.org", "manjaro.org", "alpinelinux.org", "gentoo.org"],
  ...["nixos.org", "voidlinux.org", "endlessos.org", "elementary.io", "system76.com", "kali.org"],
  ...["freebsd.org", "netbsd.org", "openbsd.org", "pfsense.org", "netgate.com", "opnsense.org"],
  ...["openwrt.org", "gnome.org", "kde.org", "flathub.org", "freedesktop.org", "fwupd.org"],
  ...["raspberrypi.org", "raspberrypi.com", "home-assistant.io", "proxmox.com", "truenas.com"],
  ...["synology.com", "qnap.com", "ui.com", "mikrotik.com", "avm.de", "lvfs.org"],
  ...["microsoft.com", "windows.com", "windowsupdate.com", "msftconnecttest.com", "msftncsi.com"],
  ...["msedge.net", "office.com", "apple.com", "icloud.com", "mzstatic.com", "aaplimg.com"],
  ...["mozilla.org", "mozilla.com", "mozilla.net", "firefox.com", "brave.com", "vivaldi.com"],
  ...["gstatic.com", "gvt1.com", "android.com", "clamav.net", "steampowered.com", "nintendo.net"],
  ...["miui.com", "hicloud.com", "coloros.com", "oppomobile.com", "vivo.com.cn", "roku.com"],
  ...["clients1.google.com", "clients2.google.com", "clients3.google.com", "clients4.google.com"],
  ...["update.googleapis.com", "play.googleapis.com", "safebrowsing.googleapis.com"],
  // The weather.
  ...["met.no", "yr.no", "openweathermap.org", "open-meteo.com", "weatherapi.com", "weather.com"],
  ...["wunderground.com", "accuweather.com", "weather.gov", "wttr.in", "weatherbit.io", "dwd.de"],
  ...["tomorrow.io", "metoffice.gov.uk", "meteofrance.com", "pirateweather.net", "meteoblue.com"],
  // Under which address one is seen, and dynamic DNS.
  ...["ipify.org", "icanhazip.com", "ifconfig.me", "ifconfig.co", "ipinfo.io", "ident.me"],
  ...["checkip.amazonaws.com", "checkip.dyndns.org", "members.dyndns.org", "www.duckdns.org"],
  ...["dynupdate.no-ip.com", "dyn.dns.he.net", "cp.cloudflare.com"],
]);

export class CalledNames {
  readonly #slots = new KeyedSlots({ capacity, keyWords });
  readonly #key = new Int32Array(keyWords);
  readonly #kinds = new Uint8Array(capacity);
  /** 1 where DNS has said so. */
  readonly #byDns = new Uint8Array(capacity);
  /** CallKind of names seen of late, by the hash of each. */
  readonly #recentHashes = new Int32Array(recentMax);
  readonly #recentKinds = new Uint8Array(recentMax);

  get stateBytes(): number {
    return this.#slots.stateBytes + this.#kinds.byteLength * 2 + recentMax * 5;
  }

  /** Takes a DNS response: its client will call the addresses. */
  learnAnswer(response: Observation): void {
    const count = response.dnsAddressCount;
    if (count === 0) return;
    const kind = this.#kindOfAnswer(response);
    for (let index = 0; index < count; index++) {
      this.#setKey(response.words, response.at + 7, response.dnsAddressAt(index));
      this.#learn(kind, true);
    }
  }

  /** Takes a client's HTTP request, which may say what it likes: it is a check at most. */
  learnHost(request: Observation): void {
    const { words, at } = request;
    this.#setKey(words, at + 3, at + 7);
    const kind = this.#kindIn(
      words,
      at + CONTACT_WORDS,
      at + (words[at] >>> 16),
      () => request.httpHost.replace(/:\d+$/, ""),
    );
    this.#learn(Math.min(kind, CallKind.check), false);
  }

  /** CallKind of what a client calls at an address; the words of both stand where `wordAt` says, from 0 on. */
  kindOf(wordAt: (index: number) => number): number {
    for (let word = 0; word < keyWords; word++) this.#key[word] = wordAt(word);
    const slot = this.#slots.find(this.#key);
    return slot < 0 ? CallKind.unknown : this.#kinds[slot];
  }

  #kindOfAnswer(response: Observation): number {
    const { words, at, dnsNameLength } = response;
    const end = at + 16 + (dnsNameLength + 3 >> 2);
    return this.#kindIn(words, at + 16, end, () => response.dnsName);
  }

  /** CallKind of the name whose bytes are in the words from `from` up to `end`. */
  #kindIn(words: Int32Array, from: number, end: number, readName: () => string): number {
    let hash = end - from;
    for (let word = from; word < end; word++) {
      hash = Math.imul(hash ^ words[word], 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    const place = hash & recentMax - 1;
    if (this.#recentHashes[place] !== hash) {
      this.#recentHashes[place] = hash;
      this.#recentKinds[place] = kindOfName(readName());
    }
    return this.#recentKinds[place];
  }

  #setKey(words: Int32Array, client: number, address: number): void {
    for (let word = 0; word < 4; word++) {
      this.#key[word] = words[client + word];
      this.#key[4 + word] = words[address + word];
    }
  }

  /** Of all names that led to an address it is the least harmless that counts, of what DNS said if it said something. */
  #learn(kind: number, byDns: boolean): void {
    const slot = this.#slots.add(this.#key);
    const wasByDns = !this.#slots.isNew && this.#byDns[slot] !== 0;
    if (wasByDns && !byDns) return;
    const isFirst = this.#slots.isNew || byDns && !wasByDns;
    this.#kinds[slot] = isFirst ? kind : Math.min(kind, this.#kinds[slot]);
    this.#byDns[slot] = Number(byDns);
  }
}

/** CallKind of a name, in lower case. */
function kindOfName(name: string): number {
  // The name, and what stands behind each of its dots but the last.
  for (let at = 0, dot = name.indexOf("."); dot >= 0; at = dot + 1, dot = name.indexOf(".", at)) {
    if (vendorNames.has(name.slice(at))) return CallKind.vendor;
  }
  const isCheck = checkParts.some((part) => name.includes(part));
  return isCheck ? CallKind.check : CallKind.unknown;
}
