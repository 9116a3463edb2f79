import type { ChannelLink } from '../ports.ts'
import type { ChannelId } from '../units.ts'
import { type HttpBoxOptions, httpBox } from './httpBox.ts'

/** The boxes of two-way channels over HTTP: see {@link httpBox}. The opener writes as the payer, the accepter as the payee. */
export function httpBoxes(options: Pick<HttpBoxOptions, 'fetch' | 'timeoutMs'> = {}) {
  return ({ box, id, side, token }: BoxPlace): ChannelLink =>
    httpBox({ ...options, url: box, channel: id, side, token })
}

/** A side of a box, and where it is. */
export interface BoxPlace {
  /** URL of the edge. */
  readonly box: string
  readonly id: ChannelId
  readonly side: HttpBoxOptions['side']
  readonly token: Uint8Array
}
