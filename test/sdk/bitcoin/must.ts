import type { Decoded } from '../../../sdk/errors.ts'

/** The value of something that decoded. */
export function must<value>(decoded: Decoded<value>): value {
  if (!decoded.ok) throw new Error(`Refused: ${decoded.reason}.`)
  return decoded.value
}
