import { currentEngine, useEngine } from './engine.ts'

/** Puts {@link wasmKeccak} into the engine in use, where it loads. */
export function useWasmKeccak(): void {
  const keccak256 = wasmKeccak()
  if (keccak256) useEngine({ ...currentEngine(), keccak256 })
}

/**
 * Keccak-256 as WebAssembly, which has the 64-bit words that JavaScript lacks. For threads that hash all day, like an
 * executor's; noble is its oracle, and stays where WebAssembly may not be compiled.
 *
 * The module is written here, instruction by instruction (WebAssembly Core Specification 1.0, section 5; FIPS 202,
 * section 3.2), so nothing has to be loaded.
 *
 * @returns Nothing where WebAssembly may not be compiled.
 */
export function wasmKeccak(): ((bytes: Uint8Array) => Uint8Array) | undefined {
  const machine = instantiate()
  if (!machine) return undefined
  const { memory, absorb } = machine
  const state = memory.subarray(0, stateBytes)
  const input = memory.subarray(inputAt)
  const inputMax = Math.floor(input.length / rate) * rate
  return (bytes) => {
    state.fill(0)
    let at = 0
    for (; bytes.length - at >= inputMax; at += inputMax) {
      input.set(bytes.subarray(at, at + inputMax))
      absorb(inputAt, inputAt + inputMax)
    }
    const left = bytes.length - at
    const padded = left - (left % rate) + rate
    input.set(at === 0 ? bytes : bytes.subarray(at))
    input.fill(0, left, padded)
    input[left] = 1 // Keccak's padding, from before FIPS 202 put two more bits before it.
    input[padded - 1] = (input[padded - 1] as number) | 0x80
    absorb(inputAt, inputAt + padded)
    return memory.slice(0, 32)
  }
}

/** Bytes that one permutation takes in. */
const rate = 136
const lanes = 25
const stateBytes = 8 * lanes
const constantsAt = 208
const inputAt = 512

interface Machine {
  readonly memory: Uint8Array
  /** Takes in whole blocks that stand in memory. */
  readonly absorb: (from: number, to: number) => void
}

function instantiate(): Machine | undefined {
  let instance: WebAssembly.Instance
  try {
    instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()))
  } catch {
    return undefined // Where code may not be made at run time, this throws.
  }
  const { memory, absorb } = instance.exports as { memory: WebAssembly.Memory; absorb: Machine['absorb'] }
  const bytes = new Uint8Array(memory.buffer)
  new BigUint64Array(memory.buffer, constantsAt, roundConstants.length).set(roundConstants)
  return { memory: bytes, absorb }
}

/** FIPS 202, section 3.2.5. */
const roundConstants = [
  0x0000000000000001n,
  0x0000000000008082n,
  0x800000000000808an,
  0x8000000080008000n,
  0x000000000000808bn,
  0x0000000080000001n,
  0x8000000080008081n,
  0x8000000000008009n,
  0x000000000000008an,
  0x0000000000000088n,
  0x0000000080008009n,
  0x000000008000000an,
  0x000000008000808bn,
  0x800000000000008bn,
  0x8000000000008089n,
  0x8000000000008003n,
  0x8000000000008002n,
  0x8000000000000080n,
  0x000000000000800an,
  0x800000008000000an,
  0x8000000080008081n,
  0x8000000000008080n,
  0x0000000080000001n,
  0x8000000080008008n,
]

const op = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  branchIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  load64: 0x29,
  store64: 0x37,
  const32: 0x41,
  const64: 0x42,
  less32: 0x49,
  add32: 0x6a,
  and64: 0x83,
  xor64: 0x85,
  rotl64: 0x89,
} as const
const [i32, i64, nothing] = [0x7f, 0x7e, 0x40]

/** Locals: where the next block stands, where they end, which constant is next; then lanes, parities, two more. */
const [from, to, constant] = [0, 1, 2]
const laneAt = 3
const parityAt = laneAt + lanes
const [one, other] = [parityAt + 5, parityAt + 6]

function moduleBytes(): Uint8Array<ArrayBuffer> {
  const type = [0x60, ...vector([[i32], [i32]]), ...vector([])]
  const code = [
    ...vector([
      [1, i32],
      [lanes + 7, i64],
    ]),
    ...absorbCode(),
    op.end,
  ]
  const name = (text: string) => vector([...text].map((letter) => [letter.charCodeAt(0)]))
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([type])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, 1]])),
    ...section(
      7,
      vector([
        [...name('memory'), 2, 0],
        [...name('absorb'), 0, 0],
      ]),
    ),
    ...section(10, vector([[...unsigned(code.length), ...code]])),
  ])
}

function absorbCode(): number[] {
  const { localGet, localSet, localTee, load64, store64, const32, xor64, add32, less32, branchIf, loop, end } = op
  const load = (lane: number) => [const32, 0, load64, 3, ...unsigned(8 * lane), localSet, laneAt + lane]
  const store = (lane: number) => [const32, 0, localGet, laneAt + lane, store64, 3, ...unsigned(8 * lane)]
  const take = (lane: number) => [
    ...[localGet, laneAt + lane, localGet, from, load64, 0, ...unsigned(8 * lane)],
    ...[xor64, localSet, laneAt + lane],
  ]
  const all = Array.from({ length: lanes }, (_, lane) => lane)
  const constantsEnd = constantsAt + 8 * roundConstants.length
  return [
    ...all.flatMap(load),
    ...[loop, nothing],
    ...all.slice(0, rate / 8).flatMap(take),
    ...[const32, ...signed(constantsAt), localSet, constant],
    ...[loop, nothing],
    ...roundCode(),
    ...[localGet, constant, const32, 8, add32, localTee, constant],
    ...[const32, ...signed(constantsEnd), less32, branchIf, 0, end],
    ...[localGet, from, const32, ...signed(rate), add32, localTee, from, localGet, to, less32, branchIf, 0, end],
    ...all.flatMap(store),
  ]
}

/** One round: theta; rho and pi in one walk along the cycle they make; chi; iota. */
function roundCode(): number[] {
  const { localGet, localSet, const64, and64, xor64, rotl64, load64 } = op
  const lane = (x: number, y: number) => laneAt + x + 5 * y
  const rotated = (bits: number) => [const64, ...signed(bits), rotl64]
  const parities = fives.flatMap((x) => [
    ...[localGet, lane(x, 0)],
    ...[1, 2, 3, 4].flatMap((y) => [localGet, lane(x, y), xor64]),
    ...[localSet, parityAt + x],
  ])
  const theta = fives.flatMap((x) => [
    ...[localGet, parityAt + ((x + 4) % 5), localGet, parityAt + ((x + 1) % 5), ...rotated(1), xor64, localSet, one],
    ...fives.flatMap((y) => [localGet, lane(x, y), localGet, one, xor64, localSet, lane(x, y)]),
  ])
  const walk: number[] = [localGet, lane(1, 0), localSet, one]
  for (let [x, y, step] = [1, 0, 1]; step <= 24; step++) {
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
    const bits = ((step * (step + 1)) / 2) % 64
    walk.push(localGet, lane(x, y), localSet, other)
    walk.push(localGet, one, ...rotated(bits), localSet, lane(x, y))
    walk.push(localGet, other, localSet, one)
  }
  const flipped = [const64, 0x7f, xor64] // All bits: -1.
  const chi = fives.flatMap((y) => [
    ...[localGet, lane(0, y), localSet, one, localGet, lane(1, y), localSet, other],
    ...fives.flatMap((x) => {
      const next = x === 4 ? one : lane(x + 1, y)
      const second = x === 4 ? other : x === 3 ? one : lane(x + 2, y)
      return [localGet, next, ...flipped, localGet, second, and64, localGet, lane(x, y), xor64, localSet, lane(x, y)]
    }),
  ])
  const iota = [localGet, lane(0, 0), localGet, constant, load64, 3, 0, xor64, localSet, lane(0, 0)]
  return [...parities, ...theta, ...walk, ...chi, ...iota]
}

const fives = [0, 1, 2, 3, 4]

function section(id: number, contents: readonly number[]): number[] {
  return [id, ...unsigned(contents.length), ...contents]
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

/** LEB128 (section 5.2.2). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
