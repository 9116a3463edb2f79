import {
  batchBytesMax,
  checkPlan,
  decodeBatch,
  decodeBatchJson,
  explain,
  type Footprint,
  footprint,
  hotPlaces,
  hotSentence,
  type Plan,
  plan,
  type ReceivedBatch,
  schedule,
  sentence,
  waitsOf,
} from 'lanekit/batch'
import { decodeTransaction, type Signed } from 'lanekit/evm'
import { type Answer, type Asked, isSdkError, type Run, refuse, usage } from './command.ts'
import { readPlan } from './planFile.ts'
import type { Terminal } from './terminal.ts'

/** A plan file may be as long as an envelope is, several times over. */
const planBytesMax = 8 * batchBytesMax
const workersShown = [1, 2, 4, 8, 16]
/** Most waits that are told to people at once; `--json` tells all. */
const linesMax = 200

export const planBatch: Run = async (asked, terminal) => {
  const workers = asked.text('workers')
  if (workers !== undefined && !isCount(workers)) return usage(`'${workers}' is not a number of workers`)
  const read = readEnvelope(asked, terminal)
  if ('end' in read) return read
  return told(read, terminal, workers === undefined ? workersShown : [Number(workers)])
}

export const explainBatch: Run = async (asked, terminal) => {
  const read = readEnvelope(asked, terminal)
  if ('end' in read) return read
  const wanted = asked.words.slice(1)
  const wrong = wanted.find((word) => !/^\d{1,9}$/.test(word) || Number(word) >= read.planned.count)
  if (wrong !== undefined) return usage(`the batch has no transaction '${wrong}'`)
  const indices = wanted.length > 0 ? wanted.map(Number) : read.footprints.map((_, index) => index)
  const explained = indices.map((index) => explain(read.planned, read.footprints, index))
  const lines = explained.flatMap(({ index, lane, reasons }) =>
    reasons.length > 0
      ? reasons.map((reason) => `lane ${lane}: ${sentence(reason)}`)
      : [`lane ${lane}: ${index} waits for nothing`],
  )
  // Where all are asked for, the whole is told too: at which places the batch holds itself up.
  const hot = wanted.length > 0 ? [] : hotPlaces(read.footprints)
  const hotLines = hot.map((one) => `hot: ${hotSentence(one)}`)
  return { end: 'ok', facts: { id: read.batch.id, explained, hot }, lines: [...shortened(lines), ...hotLines] }
}

export const checkBatch: Run = async (asked, terminal) => {
  const path = asked.text('plan')
  if (path === undefined) return usage("'batch check' wants --plan FILE")
  if (path === '-' && (asked.words[0] ?? '-') === '-') return usage('only one of the two can be the standard input')
  const read = readEnvelope(asked, terminal)
  if ('end' in read) return read
  const bytes = terminal.read(path, planBytesMax)
  if ('fault' in bytes) return usage(bytes.fault)
  const theirs = readPlan(new TextDecoder().decode(bytes))
  if (!theirs.ok) return refuse('plan/malformed', theirs.reason)
  if (theirs.value.id !== null && theirs.value.id !== read.batch.id)
    return refuse('plan/other-batch', `the plan is of batch ${theirs.value.id}, not ${read.batch.id}`)
  const checked = checkPlan(theirs.value.plan, read.footprints)
  if (!checked.ok) return refuse('plan/wrong', checked.reason)
  const { count, lanes } = read.planned
  const lines = [`${terminal.good('holds')}: ${plural(count, 'transaction')} in ${plural(lanes.length, 'lane')}`]
  return { end: 'ok', facts: { id: read.batch.id, transactions: count, lanes: lanes.length }, lines }
}

/** A batch whose transactions are decoded, and its one plan. */
interface Read {
  readonly batch: ReceivedBatch
  readonly signed: readonly Signed[]
  readonly footprints: readonly Footprint[]
  readonly planned: Plan
}

function readEnvelope({ words: [path = '-'] }: Asked, terminal: Terminal): Read | Answer {
  const bytes = terminal.read(path, batchBytesMax)
  if ('fault' in bytes) return usage(bytes.fault)
  if (bytes.length === 0) return usage('there is no envelope: nothing was read')
  // A binary envelope begins with its version, which no JSON does.
  const decoded = bytes[0] === 1 ? decodeBatch(bytes) : decodeBatchJson(new TextDecoder().decode(bytes))
  if (!decoded.ok) return refuse(`batch/${decoded.code}`, decoded.reason)
  const signed: Signed[] = []
  const footprints: Footprint[] = []
  for (const [index, { raw, declaration }] of decoded.value.transactions.entries()) {
    const transaction = decodeTransaction(raw)
    if (!transaction.ok) return refuse('batch/malformed-transaction', `transaction ${index}: ${transaction.reason}`)
    if (transaction.value.prepared.chainId !== decoded.value.chainId)
      return refuse('batch/other-chain', `transaction ${index} is of chain ${transaction.value.prepared.chainId}`)
    signed.push(transaction.value)
    footprints.push(footprint(transaction.value, declaration))
  }
  return { batch: decoded.value, signed, footprints, planned: plan(footprints) }
}

function told({ batch, signed, footprints, planned }: Read, { bold }: Terminal, workers: readonly number[]): Answer {
  const { count, lanes, laneOf, gas, totalGas, criticalPathGas } = planned
  let schedules: { readonly workers: number; readonly makespanGas: number; readonly idealSpeedup: number }[]
  try {
    schedules = workers.map((number) => {
      const { makespanGas, idealSpeedup } = schedule(planned, number)
      return { workers: number, makespanGas, idealSpeedup }
    })
  } catch (error) {
    if (isSdkError(error) && error.code === 'units/out-of-range') return usage(error.message)
    throw error
  }
  const transactions = signed.map(({ hash, prepared }, index) => ({
    hash,
    sender: prepared.from,
    nonce: prepared.nonce,
    source: footprints[index]?.source,
    lane: laneOf[index],
    gas: gas[index],
    waitsFor: waitsOf(planned, index),
  }))
  const waits = transactions.reduce((sum, { waitsFor }) => sum + waitsFor.length, 0)
  const laneLines = lanes.map((members, lane) => {
    const sum = members.reduce((all, index) => all + (gas[index] as number), 0)
    return `lane ${lane}: ${plural(members.length, 'transaction')}, ${number(sum)} gas: ${list(members)}`
  })
  const gains = schedules.filter(({ makespanGas }, at) => makespanGas !== schedules[at - 1]?.makespanGas)
  const { id, chainId, fork } = batch
  return {
    end: 'ok',
    facts: { id, chainId, fork, count, lanes, totalGas, criticalPathGas, schedules, transactions },
    lines: [
      bold(`batch ${id}`),
      `chain ${chainId}, fork ${fork}: ${plural(count, 'transaction')}, ${plural(lanes.length, 'lane')}, ${plural(waits, 'wait')}`,
      `${number(totalGas)} gas in all, ${number(criticalPathGas)} on the critical path`,
      ...gains.map(
        ({ workers: some, makespanGas, idealSpeedup }) =>
          `${plural(some, 'worker')}: ${number(makespanGas)} gas, ${idealSpeedup.toFixed(2)} times as fast as one`,
      ),
      ...shortened(laneLines),
    ],
  }
}

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= linesMax) return lines
  return [...lines.slice(0, linesMax), `... and ${lines.length - linesMax} more; --json has them all`]
}

function list(members: readonly number[]): string {
  return members.length <= 12 ? members.join(' ') : `${members.slice(0, 12).join(' ')} ...`
}

function isCount(text: string): boolean {
  return /^[1-9]\d{0,8}$/.test(text)
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function plural(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`
}
