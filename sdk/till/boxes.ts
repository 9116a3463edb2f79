import { decodePayee, onewayFormat } from '../channel/index.ts'
import { createMailbox, type Mailbox } from '../client/index.ts'
import { hmacSha256 } from '../crypto/engine.ts'
import { invariant, SdkError } from '../errors.ts'
import type { ChannelLink, Clock, Store } from '../ports.ts'
import { type ChannelId, toHex } from '../units.ts'
import { currentEpoch, raiseEpoch } from './epoch.ts'
import type { TillLink, TillSigner } from './ports.ts'
import { idOfKey, keys } from './records.ts'

/** How the boxes of a till are reached. */
export interface BoxesOptions {
  /** The till's. */
  readonly store: Store
  /** The till's. */
  readonly signer: TillSigner
  readonly clock: Clock
  /** Key of the till's terms. */
  readonly payeeKey: Uint8Array
  /** The payee's link to a channel's box: `httpBox` with `side: 'payee'`. */
  readonly connect: (channel: ChannelId, token: Uint8Array) => ChannelLink
}

/** A till's ends of all its channels' boxes. */
export interface TillBoxes {
  /** Of this till: the boxes refuse whatever is below it once it has written to them. [TP6] */
  readonly epoch: number
  /** False once another till has come up on the store. */
  readonly isCurrent: () => Promise<boolean>
  /** The same end for the same channel, as its messages are numbered. */
  readonly mailbox: (channel: ChannelId) => Mailbox
  readonly link: (channel: ChannelId) => ChannelLink
  /** Lets go of the ends of a channel that is not read any more. */
  readonly forget: (channel: ChannelId) => void
  /** HMAC-SHA-256 under a key of this till alone, the same at every start. */
  readonly seal: (bytes: Uint8Array) => Uint8Array
}

/**
 * Takes the boxes of a store over, and opens a till's ends of them as they are asked for.
 *
 * The token of a channel comes from the till's key, so nothing is stored for it, and a till on a lost store still speaks
 * for its side: HMAC-SHA-256 of the channel's id under the ECDH of the key with itself. A payer knows the point `dG`, and
 * for its own keys `e` the points `deG`; the point `d²G` under this secret would be the answer to a square Diffie-Hellman
 * problem, which is as hard as finding `deG` without `e`. [TP9]
 *
 * Throws what the store and the signer do.
 */
export async function openBoxes(options: BoxesOptions): Promise<TillBoxes> {
  const { store, signer, clock, payeeKey, connect } = options
  const secrets = await openSecrets(options)
  const epoch = await raiseEpoch(store, clock)
  const ends = new Map<ChannelId, { readonly link: ChannelLink; readonly mailbox: Mailbox }>()
  const endOf = (channel: ChannelId) => {
    const known = ends.get(channel)
    if (known) return known
    const link = connect(channel, hmacSha256(secrets.of(channel), labelled(`box ${channel}`)))
    const end = { link, mailbox: createMailbox({ link, epoch, clock }) }
    ends.set(channel, end)
    return end
  }
  const sealKey = hmacSha256(await selfSecret(signer, payeeKey), labelled('seal'))
  return {
    epoch,
    isCurrent: async () => (await currentEpoch(store)) === epoch,
    mailbox: (channel) => endOf(channel).mailbox,
    link: (channel) => endOf(channel).link,
    forget: (channel) => {
      ends.delete(channel)
    },
    seal: (bytes) => hmacSha256(sealKey, bytes),
  }
}

/** The till's way to its payers, through their boxes. */
export function mailboxLink({ mailbox, link }: Pick<TillBoxes, 'mailbox' | 'link'>): TillLink {
  return {
    send: (channel, message) => mailbox(channel).post(message),
    deposit: async ({ channelId, number, broadcastHeight, transaction }) => {
      try {
        await link(channelId).deposit({ number, closeAtHeight: broadcastHeight, transaction })
      } catch (error) {
        // What the box holds pays more, or the same: a number names one amount, and signers need not be deterministic.
        if (!isRefusal(error, 'stale-deposit') && !isRefusal(error, 'conflicting-deposit')) throw error
      }
    },
  }
}

/** True for what a box says to a till that another one has taken over from. */
export function isTakenOver(error: unknown): boolean {
  return isRefusal(error, 'stale-epoch')
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof SdkError && error.code === 'relay/refused' && error.notes[0] === code
}

/** The secret under a channel's token: of the key in its terms where the till has several, else of the present one. */
async function openSecrets({ store, signer, payeeKey }: BoxesOptions) {
  const present = await selfSecret(signer, payeeKey)
  const held = await signer.publicKeys()
  if (held.length < 2) return { of: () => present }
  const byKey = new Map<string, Uint8Array>()
  for (const key of held) byKey.set(toHex(key), await selfSecret(signer, key))
  const byChannel = new Map<ChannelId, Uint8Array>()
  for (const key of await store.keys(keys.channels)) {
    const record = await store.get(key)
    // A damaged record is its desk's trouble, not that of every other channel.
    const channel = record && decodePayee(record.bytes)
    const secret = channel?.ok ? byKey.get(toHex(channel.value.opening.terms.payeeKey)) : undefined
    if (secret) byChannel.set(idOfKey(key), secret)
  }
  return { of: (channel: ChannelId) => byChannel.get(channel) ?? present }
}

async function selfSecret(signer: TillSigner, key: Uint8Array): Promise<Uint8Array> {
  const secret = await signer.sharedSecret({ payeeKey: key, payerKey: key })
  invariant(secret.length === 32, 'a shared secret has 32 bytes')
  return secret
}

function labelled(what: string): Uint8Array {
  return new TextEncoder().encode(`lanekit ${onewayFormat} till ${what}`)
}
