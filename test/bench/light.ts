import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyMerkleProof } from '@ethereumjs/mpt'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { useFastEngine } from '../../edge/executor/parallel/fastEngine.ts'
import { nobleEngine, useEngine } from '../../sdk/crypto/index.ts'
import { buildTrie, secureKey, verifyTrieProof } from '../../sdk/trie/index.ts'
import {
  advance,
  decodeBootstrap,
  decodeUpdate,
  type LightMessage,
  lightMessageFromJson,
  mainnet,
  startLightChain,
  timeOf,
} from '../../sdk/verify/ethereum/index.ts'
import { held } from '../conformance/bitcoin.ts'
import { vectorPath } from '../vectors.ts'
import { lodestarPeer } from './lodestar.ts'
import type { Figure } from './run.ts'
import { cpuMs, raced } from './turns.ts'

const rounds = 8
const late = timeOf(mainnet, 2 ** 32)
const folder = 'light/eth/lc-mainnet-capella'

/**
 * Messages of mainnet with 512 members, read and judged by noble: from their JSON or SSZ to the head that they prove.
 * And accounts proven in a trie of 8 levels.
 */
export async function* lightFigures(): AsyncIterable<Figure> {
  const bootstrap = held(decodeBootstrap(mainnet, messageOf('bootstrap', dataOf(read('bootstrap.json')))))
  const begun = held(startLightChain(mainnet, bootstrap.header.root, bootstrap))
  const list = (read('updates.json') as unknown[]).map((one) => messageOf('update', dataOf(one)))
  const updates = list.map((bytes) => held(decodeUpdate(mainnet, 'update', bytes)))
  // The bootstrap lies in the period of the first update, a few hours after it.
  const chain = { ...begun, finalized: { ...begun.finalized, slot: begun.finalized.slot - 8_192 / 2 } }
  const follow = () => held(advance(chain, updates, late))
  const last = follow()
  const told = dataOf(read('finality.json'))
  const finalityBytes = messageOf('finality-update', told)
  // What a node says of the head in the same slot: the same block and signature, without what is final.
  const optimisticBytes = messageOf('optimistic-update', told)
  const finalityRead = () => held(decodeUpdate(mainnet, 'finality-update', finalityBytes))
  const optimisticRead = () => held(decodeUpdate(mainnet, 'optimistic-update', optimisticBytes))
  const finality = () => held(advance(last, [finalityRead()], late))
  const one = signedAlone(1)
  yield await beside('finality update, warm', finality, one)
  yield await beside(
    'finality and optimistic update, warm',
    () => held(advance(last, [finalityRead(), optimisticRead()], late)),
    one,
  )
  // The committee of its period was told by the update before the last.
  const update = dataOf((read('updates.json') as unknown[]).at(-2)) as { readonly next_sync_committee: unknown }
  const lodestar = await lodestarPeer(finalityBytes, update.next_sync_committee)
  if (lodestar) yield await beside('finality update, warm, beside a peer', finality, lodestar)
  yield await beside(`${list.length} periods, one product of pairings`, follow, signedAlone(list.length))
  yield figure(
    `${list.length} periods, read and judged`,
    await best(() => {
      const read = list.map((bytes) => held(decodeUpdate(mainnet, 'update', bytes)))
      return held(advance(chain, read, late))
    }),
  )
  yield* accountFigures('')
  // The pairing stays noble's: what changes is SHA-256 of the containers, and keccak256 of the proofs.
  useFastEngine()
  try {
    yield await beside(`finality update, warm${fast}`, finality, one)
    yield* accountFigures(fast)
  } finally {
    useEngine(nobleEngine)
  }
}

const fast = ', with WebAssembly hashes'

/** Keys that share ever more nibbles with the one that is proven, 15 of them a level: its way goes through 8 nodes. */
async function* accountFigures(engine: string): AsyncIterable<Figure> {
  const account = new Uint8Array(104).fill(3)
  const name = Uint8Array.of(1)
  const key = secureKey(name)
  const others = Array.from({ length: 7 * 15 }, (_, at) => {
    const depth = Math.floor(at / 15)
    const other = key.slice()
    const flip = 1 + (at % 15)
    other[depth >> 1] = (other[depth >> 1] as number) ^ (depth % 2 ? flip : flip << 4)
    return other
  })
  const trie = buildTrie([...others, key].map((one) => [one, account] as const))
  const proof = trie.prove(key)
  const times = 200
  const peers = {
    'its hashes alone, noble': () => {
      for (let at = 0; at < times; at++) for (const node of proof) keccak_256(node)
    },
    '@ethereumjs/mpt': async () => {
      const options = { useKeyHashing: false, root: trie.root }
      for (let at = 0; at < times; at++) await verifyMerkleProof(key, [...proof], options)
    },
  }
  for (const [peer, floor] of Object.entries(peers)) {
    const ours = () => {
      for (let at = 0; at < times; at++) held(verifyTrieProof({ root: trie.root, key, proof }))
    }
    const [ms, floorMs] = await raced({ ours, floor, rounds })
    const size = proof.reduce((sum, node) => sum + node.length, 0)
    const [value, peerValue] = [(1_000 * times) / ms, (1_000 * times) / floorMs]
    yield {
      name: `account proof of ${proof.length} nodes, ${size} bytes${engine}`,
      value,
      unit: 'proofs/s',
      peer,
      peerValue,
      ratio: value / peerValue,
    }
  }
}

interface Peer {
  readonly name: string
  readonly judge: () => unknown
}

/** The least that the library alone takes for signatures of as many messages, with its own check of several: nothing else is looked at. */
function signedAlone(count: number): Peer {
  const { G1, longSignatures } = bls12_381
  const signed = Array.from({ length: count }, (_, at) => {
    const [secret, bytes] = [BigInt(at + 2), new Uint8Array(32).fill(at)]
    const signature = longSignatures.hash(bytes).multiply(secret).toBytes()
    return { publicKey: G1.Point.BASE.multiply(secret), bytes, signature }
  })
  const judge = () => {
    const signature = longSignatures.aggregateSignatures(signed.map((one) => one.signature))
    const items = signed.map(({ publicKey, bytes }) => ({ publicKey, message: longSignatures.hash(bytes) }))
    if (!longSignatures.verifyBatch(signature, items)) throw new Error('the library does not know its own signatures')
  }
  return { name: count === 1 ? 'its signature alone, noble' : `${count} signatures alone, noble`, judge }
}

async function beside(name: string, ours: () => unknown, peer: Peer): Promise<Figure> {
  const [value, peerValue] = await raced({ ours, floor: peer.judge, rounds })
  return { name, value, unit: 'ms', peer: peer.name, peerValue, ratio: value / peerValue }
}

function figure(name: string, value: number): Figure {
  return { name, value, unit: 'ms', peer: null, peerValue: null, ratio: null }
}

/** The best round, in milliseconds of the processor. */
async function best(call: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) least = Math.min(least, await cpuMs(call))
  return least
}

function messageOf(kind: LightMessage, json: unknown): Uint8Array {
  return held(lightMessageFromJson(mainnet, kind, json))
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(vectorPath(folder), name), 'utf8'))
}

function dataOf(json: unknown): unknown {
  return (json as { readonly data: unknown }).data
}
