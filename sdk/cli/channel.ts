import { type ChannelId, channelId, feerate } from 'lanekit'
import { httpBoxes, httpPeers } from 'lanekit/adapters'
import {
  type BitcoinWallet,
  type Channel,
  createBitcoinWallet,
  type OneWayChannel,
  type TwoWayChannel,
} from 'lanekit/wallet/bitcoin'
import { type BitcoinWalletPlace, bitcoinWalletOptions, bitcoinWalletPlace } from './bitcoin.ts'
import { type Answer, type Asked, type Command, type Facts, refuse, usage } from './command.ts'
import { passwordHelp, storeOption, withVault } from './keys.ts'
import type { Terminal } from './terminal.ts'

const about = [
  passwordHelp,
  'The channels are taken over: another wallet that has them open can sign nothing more, and has to be opened again.',
]

export const listChannels: Command = {
  name: 'channel list',
  words: '',
  wordsMin: 0,
  wordsMax: 0,
  summary: "tells the wallet's payment channels, as the chain shows them now",
  about,
  options: { store: storeOption, ...bitcoinWalletOptions },
  run: (asked, terminal) =>
    withBitcoin(asked, terminal, async (wallet) => {
      await terminal.during('Looking at the chain', () => wallet.refresh())
      const channels = wallet.channels()
      const lines =
        channels.length === 0 ? ['There are no channels.'] : channels.flatMap((one) => linesOf(one, terminal))
      return { end: 'ok', facts: { network: wallet.network, channels: channels.map(factsOf) }, lines }
    }),
}

/** How long closing waits for the payee, where nothing is said. */
const secondsDefault = 60
const secondsMax = 86_400
const satsPerVbyteMax = 10_000

export const closeChannel: Command = {
  name: 'channel close',
  words: 'ID',
  wordsMin: 1,
  wordsMax: 1,
  summary: 'asks the payee to close a channel now',
  about: [
    ...about,
    'Waits until the chain shows the closing. A payee that does not answer cannot keep the coins: from the expiry on they',
    'come back without it, and any wallet on this store sees to that.',
  ],
  options: {
    store: storeOption,
    feerate: { type: 'string', value: 'N', help: 'of the closing, in sat per vbyte; of the day when left out' },
    wait: {
      type: 'string',
      value: 'SECONDS',
      help: `how long to wait for the closing, ${secondsDefault} when left out`,
    },
    ...bitcoinWalletOptions,
  },
  run: async (asked, terminal) => {
    const [word = ''] = asked.words
    if (!/^0x[0-9a-fA-F]{64}$/.test(word)) return usage(`'${word}' is not a channel id (0x and 64 digits)`)
    const rate = asked.text('feerate')
    if (rate !== undefined && !(Number(rate) > 0 && Number(rate) <= satsPerVbyteMax))
      return usage(`--feerate wants a number up to ${satsPerVbyteMax}`)
    const wait = asked.text('wait') ?? String(secondsDefault)
    if (!/^\d{1,5}$/.test(wait) || Number(wait) > secondsMax) return usage(`--wait wants seconds, 0 to ${secondsMax}`)
    const options = rate === undefined ? {} : { feerate: feerate(Math.round(1_000 * Number(rate))) }
    return withBitcoin(asked, terminal, async (wallet) => {
      const id = channelId(word)
      if (!wallet.channels().some((channel) => channel.id === id))
        return refuse('channel/unknown', 'the wallet has no such channel')
      await terminal.during('Asking the payee', async () => {
        await wallet.refresh()
        await wallet.closeChannel(id, options)
      })
      const channel = await terminal.during('Waiting for the closing', () => ended(wallet, id, 1_000 * Number(wait)))
      return {
        end: 'ok',
        facts: { channel: factsOf(channel) },
        lines: [
          ...linesOf(channel, terminal),
          ...(isEnded(channel)
            ? []
            : ['No closing is seen yet. What was asked is stored, and goes on with the next wallet.']),
        ],
      }
    })
  },
}

/** The channel once the chain shows its ending, or as it is when the time is over. */
async function ended(wallet: BitcoinWallet, id: ChannelId, waitMs: number): Promise<Channel> {
  const now = () => wallet.channels().find((channel) => channel.id === id) as Channel
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), waitMs)
  try {
    for await (const channel of wallet.changes(patience.signal))
      if (channel.id === id && isEnded(channel)) return channel
    return now()
  } finally {
    clearTimeout(timer)
  }
}

function isEnded(channel: Channel): boolean {
  return channel.kind === 'one-way' ? channel.ending !== null : channel.phase === 'closed'
}

async function withBitcoin(
  asked: Asked,
  terminal: Terminal,
  work: (wallet: BitcoinWallet) => Promise<Answer>,
): Promise<Answer> {
  const place: BitcoinWalletPlace | Answer = bitcoinWalletPlace(asked, terminal)
  if ('end' in place) return place
  return withVault(asked, terminal, async (vault, store) => {
    const keys = await vault.bitcoin(place.network)
    const ways = { peers: httpPeers(), boxes: httpBoxes() }
    const wallet = await createBitcoinWallet({ ...place, ...ways, keys, store, pollMs: 2_000 })
    try {
      return await work(wallet)
    } finally {
      wallet.close()
    }
  })
}

function factsOf(channel: Channel): Facts {
  return { ...channel }
}

function linesOf(channel: Channel, { bold, bad }: Terminal): readonly string[] {
  const { id, phase, words, awayAdvice, trouble } = channel
  const whose = channel.kind === 'one-way' ? channel.peer : `pays both ways, ${channel.own}`
  const facts = channel.kind === 'one-way' ? oneWayFacts(channel) : twoWayFacts(channel)
  const lines = [`${id}  ${bold(phase)}  ${whose}`, ...facts, `  ${words}`, `  If you leave now: ${awayAdvice}`]
  if (channel.kind === 'one-way' && channel.fault) lines.push(`  ${bad(`declined: ${channel.fault}`)}`)
  if (trouble) lines.push(`  ${bad(trouble)}`)
  return lines
}

function oneWayFacts(channel: OneWayChannel): readonly string[] {
  const { capacity, paid, remaining, expiry, closesAt, height, ending } = channel
  const facts =
    `  ${sat(capacity)}, ${sat(paid)} paid, ${sat(remaining)} left; closes at ${closesAt}, comes back at ${expiry}` +
    (height === null ? '' : `; the chain is at ${height}`)
  if (!ending) return [facts]
  const { txid, confirmations, toPayee, toPayer } = ending
  return [facts, `  ended by ${txid}, ${confirmations} deep: ${sat(toPayee)} to the payee, ${sat(toPayer)} back`]
}

function twoWayFacts({ capacity, balance, remaining, reserve, height }: TwoWayChannel): readonly string[] {
  const facts = `  ${sat(capacity)}, ${sat(balance / 1_000n)} yours, ${sat(remaining)} to pay with, ${sat(reserve)} kept for fees`
  return [facts + (height === null ? '' : `; the chain is at ${height}`)]
}

function sat(sum: bigint): string {
  return `${sum.toLocaleString('en-US')} sat`
}
