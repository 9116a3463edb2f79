import fc from 'fast-check'

const [surrogatesAt, surrogatesCount, codePointMax] = [0xd800, 0x800, 0x10ffff]

const codePoint = fc
  .nat(codePointMax - surrogatesCount)
  .map((number) => (number < surrogatesAt ? number : number + surrogatesCount))

/**
 * Text of any code points but halves of pairs, and words that are special to JavaScript. As `fc.string({ unit: 'binary' })`, which
 * makes a table of all million of them each time that it is called, in a second.
 */
export function anyText(constraints: { readonly maxLength?: number } = {}): fc.Arbitrary<string> {
  const anyPoints = fc.array(codePoint, constraints).map((points) => String.fromCodePoint(...points))
  return fc.oneof(anyPoints, fc.string(constraints))
}
