import type { Command } from '../command.ts'

/** Most transactions that can be asked for by their indices at once. */
const indicesMax = 200

const about = ['FILE is an envelope, JSON or binary; - or nothing reads the standard input. No network is asked.']

export const batchCommands: readonly Command[] = [
  {
    name: 'batch plan',
    words: '[FILE]',
    wordsMin: 0,
    wordsMax: 1,
    summary: 'plans a batch into lanes',
    about: [...about, 'What --json prints is a plan file for batch check.'],
    options: { workers: { type: 'string', value: 'N', help: 'also say what N workers would do' } },
    run: async (...call) => (await import('../batch.ts')).planBatch(...call),
  },
  {
    name: 'batch explain',
    words: '[FILE [INDEX...]]',
    wordsMin: 0,
    wordsMax: 1 + indicesMax,
    summary: 'says which transaction waits for which, and why',
    about: [...about, 'INDEX counts transactions from 0; without one, all are explained.'],
    options: {},
    run: async (...call) => (await import('../batch.ts')).explainBatch(...call),
  },
  {
    name: 'batch check',
    words: '[FILE]',
    wordsMin: 0,
    wordsMax: 1,
    summary: 'holds a plan to a batch, whoever made it',
    about: [...about, 'Accepts exactly one plan for a batch: every wait that is needed, and none more.'],
    options: { plan: { type: 'string', value: 'FILE', help: 'the plan, as batch plan --json prints it' } },
    run: async (...call) => (await import('../batch.ts')).checkBatch(...call),
  },
]
