import type { Lie } from './lies.ts'

const codes = ['eth_getCode']
/** In characters: two a byte. Where a clone's arguments hold the super root, and what it is made of. */
const [typeAt, superRootAt, headSize, outputSize] = [2 * 0x54, 2 * 0x58, 2 * 9, 2 * 64]
/** In a game of this type, its parent stands before the super root. */
const [childType, parentSize] = ['0000000a', 2 * 4]
/** More chains than a super root can have, in an answer small enough to send. */
const hugeCount = 300

/** A super root as hexadecimal text: version and time, and the output of each chain. */
interface SuperRootText {
  readonly head: string
  readonly outputs: readonly string[]
}

/** Changes the super root that a game's code ends with, and the number of bytes behind it. Code of no such game stays as it is. */
function onSuperRoot(change: (told: SuperRootText) => SuperRootText) {
  return (result: unknown) => {
    if (typeof result !== 'string') return result
    const start = result.length - 2 * Number.parseInt(result.slice(-4), 16)
    const isChild = result.slice(start + typeAt, start + superRootAt) === childType
    const at = start + superRootAt + (isChild ? parentSize : 0)
    const head = result.slice(at, at + headSize)
    if (!(start > 2) || !head.startsWith('01')) return result
    const rest = result.slice(at + headSize, -4)
    // The game's own arguments are shorter than two outputs: what is left of the last one stays behind it.
    const outputs = Array.from({ length: Math.max(1, Math.floor(rest.length / outputSize) - 1) }, (_, index) =>
      rest.slice(index * outputSize, (index + 1) * outputSize),
    )
    const behind = rest.slice(outputs.length * outputSize)
    const told = change({ head, outputs })
    const text = `${result.slice(start, at)}${told.head}${told.outputs.join('')}${behind}`
    const size = (text.length / 2 + 2).toString(16).padStart(4, '0')
    return `${result.slice(0, start)}${text}${size}`
  }
}

const onOutputs = (change: (outputs: readonly string[]) => readonly string[]) =>
  onSuperRoot(({ head, outputs }) => ({ head, outputs: change(outputs) }))

const increased = (text: string) => (BigInt(`0x${text}`) + 1n).toString(16).padStart(text.length, '0')

/**
 * Lies of an L1's node about the super root in a dispute game of the OP stack: it stands in the code of the game. The hash of the
 * code is in the state, so a client that looks at it finds out whatever else it reads.
 */
export const superRootLies: readonly Lie[] = [
  {
    name: 'other-output-root',
    claim: 'the chain came to another state',
    about: codes,
    tell: onOutputs((outputs) => outputs.map((output) => `${output.slice(0, 64)}${'5a'.repeat(32)}`)),
  },
  {
    name: 'output-of-another-chain',
    claim: 'the output root of one chain is that of the next',
    about: codes,
    tell: onOutputs((outputs) => outputs.map((output) => `${increased(output.slice(0, 64))}${output.slice(64)}`)),
  },
  {
    name: 'another-second',
    claim: 'the super root of the second after',
    about: codes,
    tell: onSuperRoot(({ head, outputs }) => ({ head: `01${increased(head.slice(2))}`, outputs })),
  },
  {
    name: 'other-super-root-version',
    claim: 'a super root of a version to come',
    about: codes,
    tell: onSuperRoot(({ head, outputs }) => ({ head: `02${head.slice(2)}`, outputs })),
  },
  {
    name: 'chain-left-out',
    claim: 'the super root is of fewer chains',
    about: codes,
    tell: onOutputs((outputs) => outputs.slice(1)),
  },
  { name: 'chain-twice', claim: 'a chain twice', about: codes, tell: onOutputs((outputs) => [...outputs, ...outputs]) },
  {
    name: 'chains-out-of-order',
    claim: 'the chains in another order',
    about: codes,
    tell: onOutputs((outputs) => [...outputs.slice(1), ...outputs.slice(0, 1), ...outputs.slice(0, 1)]),
  },
  {
    name: 'truncated-super-root',
    claim: 'the super root ends early',
    about: codes,
    tell: onOutputs((outputs) => [...outputs.slice(0, -1), (outputs.at(-1) ?? '').slice(0, 64)]),
  },
  {
    name: 'huge-super-root',
    claim: 'a super root of three hundred chains',
    about: codes,
    tell: onOutputs((outputs) => new Array(hugeCount).fill(outputs[0])),
  },
]
