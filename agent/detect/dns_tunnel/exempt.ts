/** Registered domains under which long, ever new names are ordinary. */
const domains: ReadonlySet<string> = new Set([
  // Reverse lookups.
  ...["in-addr.arpa", "ip6.arpa"],
  // Virus and reputation look-ups that put a hash into the name.
  ...["mcafee.com", "sophosxl.net", "sophosxl.com", "sophos.com", "e5.sk", "eset.com", "avast.com"],
  ...["avg.com", "kaspersky.com", "trendmicro.com", "bitdefender.net", "nimbus.bitdefender.net"],
  ...[
    "webcfs03.com",
    "webcfs00.com",
    "cymru.com",
    "senderbase.org",
    "zvelo.com",
    "brightcloud.com",
  ],
  // Lists of mail senders and domains (RFC 5782).
  ...["spamhaus.org", "spamhaus.net", "dq.spamhaus.net", "spamcop.net", "sorbs.net", "surbl.org"],
  ...["uribl.com", "dnswl.org", "mailspike.net", "barracudacentral.org", "invaluement.com"],
  ...[
    "njabl.org",
    "uceprotect.net",
    "abuse.ch",
    "mailshell.net",
    "abuseat.org",
    "manitu.net",
    "msbl.org",
    "abusix.zone",
    "rspamd.com",
    "spamrats.com",
    "junkemailfilter.com",
    "spfbl.net",
  ],
  // Nodes of mobile networks (3GPP TS 23.003), under a domain that nobody else may register.
  "3gppnetwork.org",
  // Content networks, clouds and measurement with hashed or numbered host names.
  ...["akamaihd.net", "akamaiedge.net", "akamai.net", "akstat.io", "edgekey.net", "edgesuite.net"],
  ...[
    "cloudfront.net",
    "amazonaws.com",
    "awsdns.com",
    "fastly.net",
    "azureedge.net",
    "azurefd.net",
  ],
  ...["trafficmanager.net", "windows.net", "office.com", "office.net", "microsoft.com", "live.com"],
  ...["googlevideo.com", "googleusercontent.com", "googlesyndication.com", "doubleclick.net"],
  ...["gvt1.com", "gvt2.com", "gstatic.com", "nflxvideo.net", "nflxso.net", "fbcdn.net"],
  ...[
    "cdninstagram.com",
    "icloud.com",
    "apple.com",
    "aaplimg.com",
    "cedexis-radar.net",
    "plex.direct",
  ],
  // Inside: multicast DNS, Kubernetes, home routers.
  ...["local", "cluster.local", "home.arpa"],
]);

/** `domain` as QueriedName.domain gives it. */
export function hasLongNames(domain: string): boolean {
  return domains.has(domain) || domain.endsWith(".arpa") || domain.endsWith(".gprs");
}
