import { fromHex, type Hex } from '../../sdk/units.ts'

/** The bytes of a signed closing, as far as the box reads them: one input, two outputs, one witness item. */
export function closingOf(salt: number): Uint8Array<ArrayBuffer> {
  const byte = (salt & 0xff).toString(16).padStart(2, '0')
  const output = `${'e803000000000000'}16${'0014'}${'ab'.repeat(20)}`
  const input = `${'aa'.repeat(31)}bb${'01000000'}00${'fdffffff'}`
  return fromHex(`0x02000000${'0001'}01${input}02${output}${output}01${'03'}${byte}0102${'00000000'}` as Hex)
}

/** What every {@link closingOf} spends. */
export const closingInput = { txid: `bb${'aa'.repeat(31)}`, index: 1 }
