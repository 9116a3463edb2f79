import { accepted, type Decoded, refused } from '../sdk/errors.ts'
import { webhookUrlCharsMax } from './limits.ts'

/**
 * Judges an address that a merchant wants to be called at: `https`, a name or a public address, no credentials. Never
 * throws. What the name resolves to is for the network to judge when it connects (docs/operations.md): a name server may say
 * another thing by then.
 *
 * @param mayBeLocal - Whether `http` to this machine is fine, too: for local use, by the operator's word alone.
 */
export function decodeWebhookUrl(text: unknown, mayBeLocal: boolean): Decoded<string> {
  if (typeof text !== 'string' || text.length > webhookUrlCharsMax)
    return refused(`the URL has at most ${webhookUrlCharsMax} characters`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) return refused('it is no URL')
  if (url.username !== '' || url.password !== '') return refused('the URL has credentials')
  if (url.hash !== '') return refused('the URL has a fragment')
  // The parser has written every spelling of an address (hexadecimal, octal, one number) as four numbers by now.
  const host = url.hostname.toLowerCase().replace(/\.$/, '')
  if (mayBeLocal && (host === 'localhost' || host === '127.0.0.1' || host === '[::1]'))
    return url.protocol === 'http:' || url.protocol === 'https:' ? accepted(url.href) : refused('the URL is not https')
  if (url.protocol !== 'https:') return refused('the URL is not https')
  const v4 = quadOf(host)
  const isPublic = host.startsWith('[') ? isPublic6(host) : v4 ? isPublic4(v4) : isPublicName(host)
  return isPublic ? accepted(url.href) : refused('the URL is not of a public place')
}

/** Names with a dot, outside of what is kept for networks of one's own (RFC 6761, RFC 6762, RFC 8375, RFC 9476). */
function isPublicName(host: string): boolean {
  if (!/^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/.test(host)) return false
  return !/(^|\.)(localhost|local|internal|intranet|home\.arpa|test|invalid|example|alt|onion|lan)$/.test(host)
}

function quadOf(host: string): readonly number[] | undefined {
  return /^\d+(\.\d+){3}$/.test(host) ? host.split('.').map(Number) : undefined
}

/** RFC 6890: not this host, not private, not shared (CGNAT), not loopback, link-local, documentation, benchmarks, multicast or reserved. */
function isPublic4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false
  if (a === 100 && b >= 64 && b < 128) return false
  if (a === 169 && b === 254) return false
  if (a === 172 && b >= 16 && b < 32) return false
  if (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)) || (b === 88 && c === 99))) return false
  if (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) return false
  return !(a === 203 && b === 0 && c === 113)
}

/** Of 2000::/3 alone, without what carries an IPv4 address inside (6to4, Teredo) or is no place (documentation). */
function isPublic6(host: string): boolean {
  const groups = groupsOf(host.slice(1, -1))
  const [first = 0, second = 0] = groups ?? []
  // Mapped, compatible, NAT64, unique local and link-local addresses, loopback and multicast are all outside of it.
  if (!groups || first < 0x2000 || first > 0x3fff) return false
  if (first === 0x2002 || (first === 0x2001 && (second < 0x200 || second === 0xdb8))) return false
  return first !== 0x3fff
}

/** The eight groups of an address as the URL parser writes it: hexadecimal, with at most one `::`. */
function groupsOf(text: string): readonly number[] | undefined {
  const [head = '', tail] = text.split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [first, last] = [read(head), read(tail ?? '')]
  const groups = tail === undefined ? first : [...first, ...Array(8 - first.length - last.length).fill(0), ...last]
  return groups.length === 8 && groups.every((group) => group >= 0 && group <= 0xffff) ? groups : undefined
}
