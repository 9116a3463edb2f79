import { describe, expect, it } from 'vitest'
import { loadPrecompiles } from '../../../sdk/crypto/precompiles.ts'
import { fromHex, type Hex, toHex } from '../../../sdk/units.ts'

const word = (value: bigint): string => value.toString(16).padStart(64, '0')
const bytes = (...words: readonly string[]): Uint8Array => fromHex(`0x${words.join('')}`)
const one = `0x${word(1n)}`
const zero = `0x${word(0n)}`

async function run(number: number, input: Uint8Array): Promise<Hex | undefined> {
  const contract = (await loadPrecompiles([number]))[number]
  const output = contract?.(input)
  return output && toHex(output)
}

describe('contracts over large libraries', () => {
  it('loads only the families that are asked for', async () => {
    expect(Object.keys(await loadPrecompiles([7]))).toEqual(['6', '7', '8'])
    expect(Object.keys(await loadPrecompiles([256]))).toEqual(['256'])
    expect(Object.keys(await loadPrecompiles([10, 8]))).toEqual([
      '6',
      '7',
      '8',
      '10',
      '11',
      '12',
      '13',
      '14',
      '15',
      '16',
      '17',
    ])
    expect(Object.keys(await loadPrecompiles([]))).toEqual([])
  })

  it('bn254: twice the generator by sum and by product (EIP-196)', async () => {
    const generator = [word(1n), word(2n)]
    const twice = await run(6, bytes(...generator, ...generator))
    expect(twice).toBe(await run(7, bytes(...generator, word(2n))))
    // Any number multiplies; the group's order gives infinity.
    const order =
      21_888_242_871_839_275_222_246_405_745_257_275_088_548_364_400_416_034_343_698_204_186_575_808_495_617n
    expect(await run(7, bytes(...generator, word(order)))).toBe(`0x${word(0n)}${word(0n)}`)
    expect(await run(7, bytes(...generator, word(order + 2n)))).toBe(twice)
    expect(await run(6, bytes(word(1n), word(1n)))).toBeUndefined()
  })

  it('bn254: pairings cancel out, and the empty product is one (EIP-197)', async () => {
    const g2 = [
      '198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2',
      '1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed',
      '090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b',
      '12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa',
    ]
    const field =
      21_888_242_871_839_275_222_246_405_745_257_275_088_696_311_157_297_823_662_689_037_894_645_226_208_583n
    const [point, negative] = [
      [word(1n), word(2n)],
      [word(1n), word(field - 2n)],
    ]
    expect(await run(8, bytes(...point, ...g2, ...negative, ...g2))).toBe(one)
    expect(await run(8, bytes(...point, ...g2))).toBe(zero)
    expect(await run(8, new Uint8Array(0))).toBe(one)
    expect(await run(8, new Uint8Array(191))).toBeUndefined()
  })

  it('KZG: a proof of a point on a polynomial, and the same with another value (EIP-4844)', async () => {
    // The first vector of the standard's reference tests.
    const proof = fromHex(
      '0x01e798154708fe7789429634053cbf9f99b619f9f084048927333fce637f549b564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d3630624d25032e67a7e6a4910df5834b8fe70e6bcfeeac0352434196bdf4b2485d5a18f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7873033e038326e87ed3e1276fd140253fa08e9fc25fb2d9a98527fc22a2c9612fbeafdad446cbc7bcdbdcd780af2c16a',
    )
    const order = '73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001'
    expect(await run(10, proof)).toBe(`0x${word(4_096n)}${order}`)
    proof[95] = 0
    expect(await run(10, proof)).toBeUndefined()
  })

  it('BLS12-381: sums, products and maps agree, and what is off the curve fails (EIP-2537)', async () => {
    const element = bytes('00'.repeat(63), '07')
    const point = fromHex((await run(16, element)) ?? '0x')
    const twice = await run(11, Uint8Array.from([...point, ...point]))
    expect(twice).toBe(await run(12, Uint8Array.from([...point, ...bytes(word(2n))])))
    const g2 = fromHex((await run(17, Uint8Array.from([...element, ...element]))) ?? '0x')
    expect(await run(13, Uint8Array.from([...g2, ...g2]))).toBe(
      await run(14, Uint8Array.from([...g2, ...bytes(word(2n))])),
    )
    // e(2P, Q) = e(P, 2Q), told by e(2P, Q) * e(-P, 2Q) = 1: minus P is P times the order less one.
    const order = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n
    const minus = fromHex((await run(12, Uint8Array.from([...point, ...bytes(word(order - 1n))]))) ?? '0x')
    const twiceG2 = fromHex((await run(13, Uint8Array.from([...g2, ...g2]))) ?? '0x')
    expect(await run(15, Uint8Array.from([...fromHex(twice ?? '0x'), ...g2, ...minus, ...twiceG2]))).toBe(one)
    point[127] = (point[127] ?? 0) ^ 1
    expect(await run(11, Uint8Array.from([...point, ...point]))).toBeUndefined()
  })

  it('P-256: a signature with a high s, and the same by another key (EIP-7951)', async () => {
    const input = fromHex(
      '0x4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4da73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d604aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff37618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e',
    )
    expect(await run(256, input)).toBe(one)
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = BigInt(toHex(input.subarray(64, 96)))
    input.set(bytes(word(order - s)), 64)
    expect(await run(256, input)).toBe(one)
    input[159] = 0
    expect(await run(256, input)).toBe('0x')
    expect(await run(256, input.subarray(1))).toBe('0x')
  })
})
