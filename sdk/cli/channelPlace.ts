import { type ChannelId, channelId, type Sats, sats } from 'lanekit'
import { httpBoxes, httpPeers } from 'lanekit/adapters'
import { type BitcoinWallet, type Channel, createBitcoinWallet, type PaymentRequest } from 'lanekit/wallet/bitcoin'
import { type BitcoinWalletPlace, bitcoinWalletPlace } from './bitcoin.ts'
import { type Answer, type Asked, type Facts, refuse, usage } from './command.ts'
import { withVault } from './keys.ts'
import { waitSecondsDefault } from './table/options.ts'
import type { Terminal } from './terminal.ts'

const secondsMax = 86_400
const pollMs = 2_000

type Usage = ReturnType<typeof usage>

/** The `--wait` of a command in milliseconds. */
export function waitMsOf(asked: Asked): number | Usage {
  const wait = asked.text('wait') ?? String(waitSecondsDefault)
  if (!/^\d{1,5}$/.test(wait) || Number(wait) > secondsMax) return usage(`--wait wants seconds, 0 to ${secondsMax}`)
  return 1_000 * Number(wait)
}

/** A word as a channel's id. */
export function channelWord(word: string | undefined): ChannelId | Usage {
  if (!/^0x[0-9a-fA-F]{64}$/.test(word ?? '')) return usage(`'${word ?? ''}' is not a channel id (0x and 64 digits)`)
  return channelId(word as `0x${string}`)
}

/** A word as a sum. `what` stands in what is said of it. */
export function satsWord(word: string | undefined, what: string): Sats | Usage {
  return /^[1-9]\d{0,15}$/.test(word ?? '') ? sats(BigInt(word ?? 0)) : usage(`${what} wants whole satoshi`)
}

/** Opens the wallet of the store with its channels of both kinds, for the length of some work. */
export async function withChannels(
  asked: Asked,
  terminal: Terminal,
  work: (wallet: BitcoinWallet) => Promise<Answer>,
): Promise<Answer> {
  const place: BitcoinWalletPlace | Answer = bitcoinWalletPlace(asked, terminal)
  if ('end' in place) return place
  return withVault(asked, terminal, async (vault, store) => {
    const keys = await vault.bitcoin(place.network)
    const ways = { peers: httpPeers(), boxes: httpBoxes() }
    const wallet = await createBitcoinWallet({ ...place, ...ways, keys, store, pollMs })
    try {
      return await work(wallet)
    } finally {
      wallet.close()
    }
  })
}

/** The same for one channel that the wallet has, after a look at the chain. */
export function withChannel(
  asked: Asked,
  terminal: Terminal,
  {
    id,
    what,
    work,
  }: { readonly id: ChannelId; readonly what: string; readonly work: (wallet: BitcoinWallet) => Promise<Answer> },
): Promise<Answer> {
  return withChannels(asked, terminal, async (wallet) => {
    if (!wallet.channels().some((channel) => channel.id === id))
      return refuse('channel/unknown', 'the wallet has no such channel')
    return terminal.during(what, async () => {
      await wallet.refresh()
      return work(wallet)
    })
  })
}

/** The channel once it is as it is waited for, or as it is when the time is over. */
export async function awaitChannel(
  wallet: BitcoinWallet,
  id: ChannelId,
  { isThere, waitMs }: { readonly isThere: (channel: Channel) => boolean; readonly waitMs: number },
): Promise<Channel> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), waitMs)
  try {
    for await (const channel of wallet.changes(patience.signal))
      if (channel.id === id && isThere(channel)) return channel
    return wallet.channels().find((channel) => channel.id === id) as Channel
  } finally {
    clearTimeout(timer)
  }
}

const lookMs = 250

/** What has come of a request, once enough has. */
export async function awaitReceived(
  wallet: BitcoinWallet,
  {
    request,
    name,
    waitMs,
  }: { readonly request: PaymentRequest | string; readonly name: string; readonly waitMs: number },
): Promise<Answer> {
  const end = Date.now() + waitMs
  for (;;) {
    const received = await wallet.received(request)
    if (received?.isEnough) {
      const { amount, number } = received
      const lines = [`${sat(amount)} received as number ${number}, under ${name}`]
      return { end: 'ok', facts: { payment: name, amount, number }, lines }
    }
    if (Date.now() >= end) {
      const reason = received ? `only ${sat(received.amount)} came` : 'nothing has come yet'
      return refuse('channel/not-received', reason, [`Ask again by --payment ${name}.`])
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

export function factsOf(channel: Channel): Facts {
  return { ...channel }
}

/** A channel for people: what it is, what its phase means, how far it is, and what happens to who leaves now. */
export function linesOf(channel: Channel, terminal: Terminal): readonly string[] {
  const { bold, bad } = terminal
  const { id, kind, phase, words, progress, awayAdvice, trouble, isElsewhere } = channel
  const who =
    kind === 'one-way'
      ? channel.peer
      : `both ways, ${channel.own === 'opener' ? 'opened here' : 'opened by the other side'}`
  const lines = [`${id}  ${bold(phase)}  ${who}`, `  ${kind === 'one-way' ? oneWaySums(channel) : twoWaySums(channel)}`]
  if (kind === 'one-way' && channel.ending) {
    const { txid, confirmations, toPayee, toPayer } = channel.ending
    lines.push(`  ended by ${txid}, ${confirmations} deep: ${sat(toPayee)} to the payee, ${sat(toPayer)} back`)
  }
  lines.push(`  ${words}`)
  if (progress) lines.push(`  ${bar(progress.have, progress.need)} ${progress.have} of ${progress.need} blocks`)
  lines.push(`  If you leave now: ${awayAdvice}`)
  if (kind === 'one-way' && channel.fault) lines.push(`  ${bad(`declined: ${channel.fault}`)}`)
  if (isElsewhere) lines.push(`  ${bad('Another wallet has taken it over. Close that one, and call again.')}`)
  if (trouble) lines.push(`  ${bad(trouble)}`)
  return lines
}

function oneWaySums({
  capacity,
  paid,
  remaining,
  expiry,
  closesAt,
  height,
}: Extract<Channel, { kind: 'one-way' }>): string {
  const chain = height === null ? '' : `; the chain is at ${height}`
  return `${sat(capacity)}, ${sat(paid)} paid, ${sat(remaining)} left; closes at ${closesAt}, comes back at ${expiry}${chain}`
}

function twoWaySums({
  capacity,
  balance,
  remaining,
  reserve,
  updates,
  height,
}: Extract<Channel, { kind: 'two-way' }>): string {
  const chain = height === null ? '' : `; the chain is at ${height}`
  return `${sat(capacity)}, ${sat(balance / 1_000n)} yours, ${sat(remaining)} to pay with; ${sat(reserve)} kept for fees, ${updates} updates${chain}`
}

const barWidth = 12

function bar(have: number, need: number): string {
  const full = Math.min(barWidth, Math.round((barWidth * have) / Math.max(1, need)))
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`
}

export function sat(sum: bigint): string {
  return `${sum.toLocaleString('en-US')} sat`
}
