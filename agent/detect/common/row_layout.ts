/**
 * Kinds, marks, transports and applications of observations, as observation.ts and records.ts have them, for the AssemblyScript sources:
 * numbers only, in the part of the language that both have.
 */
export const KIND_CONTACT = 1;
export const KIND_END = 2;
export const KIND_ARP = 3;
export const KIND_ICMP_ERROR = 4;
export const KIND_DNS = 5;
export const KIND_HOST_WINDOW = 6;
export const KIND_NDP = 9;
export const MARK_IS_NEW = 0x1;
export const MARK_IS_FIRST_OF_SIDE = 0x2;
export const MARK_HAS_TCP_STATE_MOVED = 0x4;
export const MARK_IS_FIRST_PAYLOAD = 0x8;
export const MARK_IS_FIRST_IN_WINDOW = 0x10;
export const MARK_IS_RESUMED = 0x20;
export const MARK_HAS_DOUBLED = 0x40;
export const MARK_IS_CONTINUED = 0x80;
export const MARK_SENT_BY_ORIGINATOR = 0x100;
export const MARK_IS_SOURCE_LOCAL = 0x200;
export const MARK_IS_DESTINATION_LOCAL = 0x400;
export const MARK_IS_LINK_BROADCAST = 0x800;
export const MARK_IS_TO_MANY = 0x1000;
export const MARK_IS_FRAGMENT = 0x2000;
export const MARK_IS_TUNNELLED = 0x4000;
export const MARK_IS_SENT_BY_ROUTER = 0x80000;
export const TRANSPORT_TCP = 1;
export const TRANSPORT_UDP = 2;
export const TRANSPORT_ICMP = 3;
export const TRANSPORT_ICMPV6 = 4;
export const TRANSPORT_SCTP = 7;
export const TRANSPORT_DCCP = 14;
export const APPLICATION_FTP = 12;
