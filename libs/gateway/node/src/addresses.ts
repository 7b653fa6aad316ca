import { BlockList, isIP } from 'node:net';

/** What is one caller for limits: an IPv4 address, or the /64 of an IPv6 one, which is what one household gets. */
export function callerKey(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  return isIP(address) === 6 ? `${network64(address)}::/64` : address;
}

function network64(address: string): string {
  const [front = '', back] = address.replace(/%.*$/, '').toLowerCase().split('::');
  const groups = front === '' ? [] : front.split(':');
  if (back !== undefined) {
    const tail = back === '' ? [] : back.split(':');
    // A dotted quad at the end stands for two groups.
    const width = tail.length + (tail.at(-1)?.includes('.') ? 1 : 0);
    while (groups.length + width < 8) groups.push('0');
    groups.push(...tail);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

interface Range {
  readonly network: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An address, or a range such as 10.0.0.0/8; undefined when it is neither. */
export function parseRange(text: string): Range | undefined {
  const [, network = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(network);
  const width = version === 6 ? 128 : 32;
  const prefix = bits === undefined ? width : Number(bits);
  if (version === 0 || prefix > width) return undefined;
  return { network, prefix, family: version === 6 ? 'ipv6' : 'ipv4' };
}

/** The proxies whose X-Forwarded-For is believed. */
export class TrustedProxies {
  private readonly ranges = new BlockList();
  private readonly some: boolean;

  /** @param ranges those that parseRange takes */
  constructor(ranges: readonly string[]) {
    for (const { network, prefix, family } of ranges.map(parseRange).filter((range) => range !== undefined))
      this.ranges.addSubnet(network, prefix, family);
    this.some = ranges.length > 0;
  }

  includes(address: string): boolean {
    if (!this.some) return false;
    const family = isIP(address);
    return family !== 0 && this.ranges.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  /**
   * The address that a trusted proxy speaks for: the last of the list that is not a trusted proxy itself. What
   * stands before it anybody may have written.
   * @param peer the proxy's own address, which is the answer when the list names nobody
   */
  clientOf(forwardedFor: string, peer: string): string {
    const hops = forwardedFor.split(',').map(withoutPort).reverse();
    for (const hop of hops) {
      if (isIP(hop) === 0) return peer;
      if (!this.includes(hop)) return hop;
    }
    return peer;
  }
}

function withoutPort(hop: string): string {
  const match = /^\[(.*)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop.trim());
  return match?.[1] ?? match?.[2] ?? hop.trim();
}
