import type { RelayEvent } from '../sdk/ports.ts'
import type { BatchId } from '../sdk/units.ts'
import { statusSocketsMax } from './limits.ts'

/** Where a listener stands in the log, kept with its socket while the object sleeps. */
interface Ear {
  readonly batch: BatchId
  readonly after: number
}

/** The sockets that are told of batches: what they missed since their cursor, then live, then the end. */
export interface Audience {
  readonly accept: (batch: BatchId, after: number) => Response
  readonly isEmpty: () => boolean
  /** Tells whoever listens to one of these batches what is new. */
  readonly push: (batches: ReadonlySet<BatchId>) => void
}

type Read = (batch: BatchId, after: number) => { readonly events: readonly RelayEvent[]; readonly isOver: boolean }

export function openAudience(ctx: Pick<DurableObjectState, 'acceptWebSocket' | 'getWebSockets'>, read: Read): Audience {
  const tell = (socket: WebSocket) => {
    let { batch, after } = socket.deserializeAttachment() as Ear
    for (;;) {
      const { events, isOver } = read(batch, after)
      for (const event of events) {
        socket.send(JSON.stringify(event))
        after = event.sequence
      }
      socket.serializeAttachment({ batch, after } satisfies Ear)
      if (isOver) {
        socket.send('{"end":true}')
        socket.close(1000, 'all have ended')
        return
      }
      if (events.length === 0) return
    }
  }
  return {
    accept: (batch, after) => {
      const sockets = ctx.getWebSockets()
      if (sockets.length >= statusSocketsMax) sockets[0]?.close(1013, 'too many listen')
      const { 0: client, 1: server } = new WebSocketPair()
      ctx.acceptWebSocket(server, [batch])
      server.serializeAttachment({ batch, after } satisfies Ear)
      tell(server)
      return new Response(null, { status: 101, webSocket: client })
    },
    isEmpty: () => ctx.getWebSockets().length === 0,
    push: (batches) => {
      for (const batch of batches) for (const socket of ctx.getWebSockets(batch)) tell(socket)
    },
  }
}
