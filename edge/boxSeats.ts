import { sha256 } from '../sdk/crypto/index.ts'
import { toHex } from '../sdk/units.ts'
import {
  doneFrame,
  type Frame,
  frameCharsMax,
  messageFault,
  messageFrame,
  readFrame,
  refusedFrame,
  type SocketSeat,
} from './boxSocket.ts'
import type { Access, BoxRefusal, InboxAnswer } from './channelBox.ts'
import type { Side } from './channelBoxRows.ts'
import { boxSocketsMax } from './limits.ts'
import type { BoxApi } from './objects.ts'
import { readOutpoint } from './outpoint.ts'

/** What the seats need of their object. */
export interface SeatsWorld {
  readonly ctx: Pick<DurableObjectState, 'acceptWebSocket' | 'getWebSockets'>
  readonly box: Pick<BoxApi, 'post' | 'acknowledge' | 'standing' | 'leave'>
  /** Messages to a side after a sequence, without waiting. */
  readonly inbox: (side: Side, after: number) => InboxAnswer
  /** True when deposits are taken here. */
  readonly hasNetwork: () => boolean
}

/**
 * The sockets of one box, each the seat of one side. All that is known of a seat hangs on its socket, so that the object
 * may sleep; what is pushed is read from the rows, so that nothing is lost with a socket.
 */
export interface Seats {
  readonly accept: (side: Side) => Response
  readonly heard: (socket: WebSocket, message: string | ArrayBuffer) => Promise<void>
  /** Gives a side's readers what has come for them. */
  readonly push: (side: Side) => void
}

export function openSeats(world: SeatsWorld): Seats {
  const { ctx, box, inbox } = world
  const pushTo = (socket: WebSocket) => {
    const seat = seatOf(socket)
    if (seat.cursor === null) return
    for (let cursor = seat.cursor; ; ) {
      const answer = inbox(seat.side, cursor)
      const last = answer.ok ? answer.messages.at(-1) : undefined
      if (!answer.ok || !last) return
      for (const message of answer.messages) socket.send(messageFrame(message))
      cursor = last.sequence
      socket.serializeAttachment({ ...seat, cursor } satisfies SocketSeat)
    }
  }
  return {
    accept: (side) => {
      const sockets = ctx.getWebSockets()
      if (sockets.length >= boxSocketsMax) {
        // A stranger who never showed a token does not keep a side out.
        const idle = sockets.find((socket) => seatOf(socket).claim === null) ?? sockets[0]
        idle?.close(1013, 'another one came')
      }
      const { 0: client, 1: server } = new WebSocketPair()
      ctx.acceptWebSocket(server)
      server.serializeAttachment({ side, claim: null, cursor: null } satisfies SocketSeat)
      return new Response(null, { status: 101, webSocket: client })
    },
    heard: async (socket, message) => {
      const read = typeof message === 'string' && message.length <= frameCharsMax ? readFrame(message) : undefined
      if (!read) return socket.close(1009, 'frames are text of a bounded size')
      if (!read.ok) return socket.send(refusedFrame(null, 'malformed-message', `${read.reason}.`))
      const frame = read.value
      const { side, claim } = seatOf(socket)
      if (frame.act === 'open') {
        const opened = toHex(sha256(frame.token))
        const answer = await box.standing({ side, claim: opened })
        if (answer.ok) socket.serializeAttachment({ side, claim: opened, cursor: null } satisfies SocketSeat)
        socket.send(
          answer.ok ? doneFrame(frame.id, answer.standing) : refusedFrame(frame.id, answer.code, answer.detail),
        )
        return
      }
      if (claim === null)
        return socket.send(refusedFrame(frame.id, 'unauthorized', 'Open the socket with a token first.'))
      socket.send(await act(world, socket, frame, { side, claim }))
      if (frame.act === 'receive') pushTo(socket)
    },
    push: (side) => {
      for (const socket of ctx.getWebSockets()) if (seatOf(socket).side === side) pushTo(socket)
    },
  }
}

function seatOf(socket: WebSocket): SocketSeat {
  return socket.deserializeAttachment() as SocketSeat
}

/** Does what an opened seat asks, and says what came of it. */
async function act(
  { box, inbox, hasNetwork }: SeatsWorld,
  socket: WebSocket,
  frame: Exclude<Frame, { act: 'open' }>,
  access: Access,
): Promise<string> {
  const answered = (answer: { readonly ok: true } | BoxRefusal, fields: object = {}) =>
    answer.ok ? doneFrame(frame.id, fields) : refusedFrame(frame.id, answer.code, answer.detail)
  switch (frame.act) {
    case 'send': {
      const fault = messageFault(frame)
      if (fault) return refusedFrame(frame.id, fault.code, fault.detail)
      const { sequence, epoch, bytes } = frame
      return answered(await box.post(access, { sequence, epoch, bytes }), { sequence })
    }
    case 'acknowledge':
      if (frame.epoch < 1) return refusedFrame(frame.id, 'malformed-message', 'Epochs count from 1.')
      return answered(await box.acknowledge(access, frame.through, frame.epoch), { acknowledged: frame.through })
    case 'standing': {
      const answer = await box.standing(access)
      return answered(answer, answer.ok ? answer.standing : {})
    }
    case 'receive': {
      const answer = inbox(access.side, frame.after)
      if (answer.ok) socket.serializeAttachment({ ...seatOf(socket), cursor: frame.after } satisfies SocketSeat)
      return answered(answer)
    }
    case 'pause':
      socket.serializeAttachment({ ...seatOf(socket), cursor: null } satisfies SocketSeat)
      return doneFrame(frame.id)
    case 'deposit':
      return answered(await leave({ box, hasNetwork }, frame, access), { number: frame.number })
  }
}

async function leave(
  { box, hasNetwork }: Pick<SeatsWorld, 'box' | 'hasNetwork'>,
  frame: Extract<Frame, { act: 'deposit' }>,
  access: Access,
): ReturnType<BoxApi['leave']> {
  const no = (code: BoxRefusal['code'], detail: string): BoxRefusal => ({ ok: false, code, detail })
  if (access.side !== 'payee') return no('unknown-route', 'Only the payee leaves a deposit.')
  if (!hasNetwork()) return no('unknown-network', 'No closing can be left here.')
  const { number, closeAtHeight, transaction } = frame
  const input = readOutpoint(transaction)
  if (number < 1 || closeAtHeight >= 500_000_000) return no('malformed-deposit', 'Its number or its height is none.')
  if (!input.ok) return no('malformed-deposit', `The transaction cannot be read: ${input.reason}.`)
  return box.leave(access, { number, closeAtHeight, transaction, input: input.value })
}
