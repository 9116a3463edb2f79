import { type Context, Hono } from 'hono'
import { encodeTerms, onewayFormat } from '../channel/index.ts'
import { SdkError } from '../errors.ts'
import { channelId, isHex, toHex } from '../units.ts'
import { answerProblem } from './problems.ts'
import type { TillProgram } from './runTill.ts'
import type { Till } from './till.ts'

export interface TillRoutesOptions {
  readonly till: Pick<Till, 'terms'>
  readonly program: Pick<TillProgram, 'announce'>
  /** Where the edge with the channel boxes lives, without the `/v1`. */
  readonly box: string
}

/**
 * A payee's face over HTTP (docs/till.md): its terms, and where a payer says that it is there. To be mounted where the
 * payee's address points; whom the answers are shown to (CORS) is the host's business, and so is how often one asks.
 */
export function tillRoutes({ till, program, box }: TillRoutesOptions): Hono {
  return new Hono()
    .get('/till', (context) => {
      context.header('cache-control', 'no-store')
      return context.json({ format: onewayFormat, terms: toHex(encodeTerms(till.terms)), box })
    })
    .all('/till', allowOnly('GET'))
    .post('/till/channels/:channel', (context) => {
      const id = context.req.param('channel')
      if (!isHex(id, 32)) return answerProblem(context, 'unknown-channel', 'A channel is named by 0x and 32 bytes.')
      program.announce(channelId(id))
      return context.body(null, 204)
    })
    .all('/till/channels/:channel', allowOnly('POST'))
    .onError((error, context) => {
      if (error instanceof SdkError && error.code === 'till/busy')
        return answerProblem(context, 'busy', 'Too many channels are announced. Ask again.')
      // A mistake of ours: a stranger learns that it happened, and no more.
      return answerProblem(context, 'internal', 'The request could not be answered.')
    })
}

function allowOnly(method: string): (context: Context) => Response {
  return (context) => answerProblem(context, 'method-not-allowed', `This path takes ${method}.`, { allow: method })
}
