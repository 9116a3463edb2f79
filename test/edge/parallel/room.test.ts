import { describe, expect, it } from 'vitest'
import {
  committedAt,
  controlWords,
  createBoard,
  firstRecord,
  nothingCommitted,
} from '../../../edge/executor/parallel/board.ts'
import { createBoardReader } from '../../../edge/executor/parallel/boardReader.ts'
import { createBoardWriter } from '../../../edge/executor/parallel/boardWriter.ts'
import { address, type Hex, toHex } from '../../../sdk/units.ts'
import { emptyCodeHash } from '../../../sdk/vm/index.ts'
import { openMarket } from '../../sdk/vm/market.ts'
import { storeOf } from './chain.ts'

const { state } = openMarket(3)
const store = storeOf(state)
const nobody = address(`0x${'00'.repeat(20)}`)

/** The state as a worker reads it from a board with so much room, and what it may believe of it. */
function readWith(bytes: number) {
  const control = new Int32Array(controlWords)
  const board = createBoard(4 * firstRecord + bytes)
  const writer = createBoardWriter({ boards: [board], control, store })
  writer.publishAll(0)
  const reader = createBoardReader([board], 'osaka')
  const since = control[committedAt] as number
  reader.begin(since, 0, nobody)
  const codeOf = (hash?: Hex) => (hash === emptyCodeHash ? '0x' : hash && toHex(reader.state.code(hash)))
  const codes = [...store.accounts.keys()].map((one) => codeOf(reader.state.account(one)?.codeHash))
  const believed = [...store.accounts.keys()].filter((one) =>
    store.isAsSeen({ kind: 'code', address: one }, { since, stretch: 0 }),
  )
  return { since, isWhole: writer.isWhole(), codes, believed }
}

describe('the copy of the state that workers read', () => {
  it('is all of it, or nothing that anybody believes, however much room there is', () => {
    const all = [...store.accounts.values()].map(({ codeHash }) => toHex(state.code(codeHash)))
    const seen = new Set<boolean>()
    for (let bytes = 0; bytes <= 128 * 1024; bytes += 1_024) {
      const { since, isWhole, codes, believed } = readWith(bytes)
      seen.add(isWhole)
      if (isWhole) expect({ since, codes }).toEqual({ since: 0, codes: all })
      else
        expect({ since, codes: new Set(codes), believed }).toEqual({
          since: nothingCommitted,
          codes: new Set([undefined]),
          believed: [],
        })
    }
    expect(seen).toEqual(new Set([false, true]))
  })
})
