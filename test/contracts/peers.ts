import type { Peers } from '../../sdk/ports.ts'
import { type ChannelId, channelId, type Hex, toHex } from '../../sdk/units.ts'
import { type Contract, type Rule, refuses, same } from './contract.ts'

/** A payee, and the box it names, as a payer reaches them. */
export interface PeersPlace {
  readonly peers: Peers
  readonly address: string
  /** Encoded, as the payee gives them. */
  readonly terms: Uint8Array
  /** What the payee was told of, in order. */
  readonly announced: readonly ChannelId[]
  /** What came to the box: `side channel token`. */
  readonly posts: readonly string[]
  /** Requests of any kind. */
  readonly asked: () => number
  /** Cuts all lines, or joins them. */
  readonly cut: (isCut: boolean) => void
}

const id = channelId(`0x${'ab'.repeat(32)}` as Hex)
const token = new Uint8Array(32).fill(0xee)
const message = { sequence: 1, epoch: 1, bytes: Uint8Array.of(7) }

/** The rules of the `Peers` port. Each gets a place of its own. */
export function peersContract(name: string, open: () => Promise<PeersPlace>): Contract {
  const rule = (title: string, run: (place: PeersPlace) => Promise<void>): Rule => ({
    title,
    check: async () => run(await open()),
  })
  return {
    name,
    rules: [
      rule('[PE1] a payee tells its terms, byte for byte', async ({ peers, address, terms }) => {
        same(await peers(address).terms(), terms, 'terms')
        same(await peers(`${address}/`).terms(), terms, 'terms behind a slash')
      }),
      rule('[PE2] a payee is told of a channel, as often as one likes', async ({ peers, address, announced }) => {
        const peer = peers(address)
        await peer.announce(id)
        await peer.announce(id)
        same(announced, [id, id], 'announced')
      }),
      rule("[PE3] a link leads to the box that the payee names, with the payer's token", async (place) => {
        await place.peers(place.address).link(id, token).send(message)
        same(place.posts, [`payer ${id} ${toHex(token).slice(2)}`], 'posts')
      }),
      rule('[PE4] nobody is asked before something is wanted', async ({ peers, address, asked }) => {
        peers(address).link(id, token)
        same(asked(), 0, 'requests')
      }),
      rule('[PE5] what a cut line failed, the same call does later', async ({ peers, address, terms, cut, posts }) => {
        const peer = peers(address)
        const link = peer.link(id, token)
        cut(true)
        await refuses(peer.terms(), 'relay/unreachable', 'terms')
        await refuses(peer.announce(id), 'relay/unreachable', 'announce')
        await refuses(link.send(message), 'relay/unreachable', 'send')
        await refuses(first(link.receive(0, AbortSignal.timeout(1_000))), 'relay/unreachable', 'receive')
        cut(false)
        same(await peer.terms(), terms, 'terms')
        await peer.announce(id)
        await link.send(message)
        same(posts.length, 1, 'posts')
      }),
    ],
  }
}

function first<value>(values: AsyncIterable<value>): Promise<unknown> {
  return values[Symbol.asyncIterator]().next()
}
