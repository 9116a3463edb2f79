import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { SdkError } from '../../errors.ts'

const prefix = 'owner'

/**
 * Makes this handle the only owner of `folder`, or throws `store/unavailable` while another one is.
 *
 * Each contender first puts a file of its own there, whose name says who it is, and then looks for others: of any
 * two, at most one can miss the other. A file whose process is gone is removed; its name is never used again. A
 * process on another host cannot be asked, so its file counts until a person deletes it.
 *
 * @returns Gives the folder up.
 */
export async function own(folder: string): Promise<() => Promise<void>> {
  const mine = [prefix, process.pid, startOf(process.pid), randomUUID(), encodeURIComponent(hostname())].join('.')
  const giveUp = () => rm(join(folder, mine), { force: true })
  await writeFile(join(folder, mine), '', { flag: 'wx', mode: 0o600 })
  try {
    for (const name of await readdir(folder)) {
      if (name === mine || !name.startsWith(`${prefix}.`)) continue
      if (isAlive(name)) throw owned()
      await rm(join(folder, name), { force: true })
    }
  } catch (error) {
    await giveUp()
    throw error
  }
  return giveUp
}

function isAlive(name: string): boolean {
  const [, pid, start, , ...host] = name.split('.')
  if (host.join('.') !== encodeURIComponent(hostname())) return true
  return exists(Number(pid)) && startOf(Number(pid)) === start
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** What tells a process from an earlier one of the same number: when it started, where the system says so (Linux). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): the name in parentheses may hold anything; the start is the 22nd field, the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0'
  } catch {
    return '0'
  }
}

function owned(): SdkError {
  return new SdkError('store/unavailable', 'Another program, or another part of this one, owns the folder.', {
    retryable: true,
    notes: [`If none is running, delete the files in it that start with "${prefix}".`],
  })
}
