import { accepted, type Decoded, refused } from '../errors.ts'
import { type Address, address, fromHex, type Hex, isHex } from '../units.ts'
import { messageHash, messagePayload } from './message.ts'
import { recoverAccount } from './sender.ts'

/** What an account asks of one relay, on one chain, for a short time: to tell it of its transactions, and to stop them. */
export interface SenderGrant {
  /** Host and port of the relay, as its address has them: `edge.example` or `127.0.0.1:8787`. */
  readonly host: string
  readonly chainId: number
  readonly account: Address
  /** When it ends, in seconds since 1970. */
  readonly until: number
}

/**
 * The text that the account signs as a personal message (ERC-191), for a screen to show whole. It names the relay, so that
 * one relay cannot show it to another.
 */
export function senderTokenText({ host, chainId, account, until }: SenderGrant): string {
  return [
    'Tell me of my transactions, and stop them when I say so.',
    '',
    `Relay: ${host}`,
    `Chain: ${chainId}`,
    `Account: ${account}`,
    `Until: ${until} seconds since 1970`,
  ].join('\n')
}

/** The token that a request carries as `Authorization: Bearer <token>`: account, end and signature, with dots between. */
export function encodeSenderToken({ account, until }: Pick<SenderGrant, 'account' | 'until'>, signature: Hex): string {
  return `${account}.${until}.${signature}`
}

/**
 * Reads a token that was shown to this relay for this chain, and recovers who signed it. Never throws.
 *
 * Whether it has ended, or ends too late, is for the caller to say. Accounts that are contracts have no such token.
 */
export function decodeSenderToken(
  token: string,
  { host, chainId }: Pick<SenderGrant, 'host' | 'chainId'>,
): Decoded<SenderGrant> {
  const [account = '', end = '', signature = '', ...rest] = token.split('.')
  const isShaped = rest.length === 0 && isHex(account, 20) && /^[1-9][0-9]{0,11}$/.test(end) && isHex(signature, 65)
  if (!isShaped) return refused('the token is not an account, a time and a signature')
  const bytes = Uint8Array.from(fromHex(signature))
  const v = bytes[64] as number
  bytes[64] = v >= 27 ? v - 27 : v
  const grant: SenderGrant = { host, chainId, account: address(account), until: Number(end) }
  const digest = messageHash(messagePayload(senderTokenText(grant)))
  if (recoverAccount(digest, bytes) !== grant.account) return refused('the token was not signed by its account')
  return accepted(grant)
}
