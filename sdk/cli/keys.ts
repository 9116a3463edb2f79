import { homedir } from 'node:os'
import { join } from 'node:path'
import { openVault, type Store, type Vault } from 'lanekit'
import { systemRandom, webCipher } from 'lanekit/adapters'
import { file } from 'lanekit/adapters/file'
import { type Answer, type Asked, usage } from './command.ts'
import type { Terminal } from './terminal.ts'

export const noPassword = usage('nobody can be asked for the password here: set LANEKIT_PASSWORD')

/** Opens the vault for as long as the work takes. */
export async function withVault(
  asked: Asked,
  terminal: Terminal,
  work: (vault: Vault, opened: Store, password: string) => Promise<Answer>,
): Promise<Answer> {
  const password = terminal.env.LANEKIT_PASSWORD ?? (await terminal.secret('Password: '))
  if (password === undefined) return noPassword
  return withStore(asked, terminal, async (opened) => {
    const ports = { store: opened, cipher: webCipher(), random: systemRandom }
    const vault = await terminal.during('Opening the vault', () => openVault({ ...ports, password }))
    try {
      return await work(vault, opened, password)
    } finally {
      vault.lock()
    }
  })
}

/** Opens the folder of the vault; one program at a time can. */
export async function withStore(
  asked: Asked,
  { env }: Terminal,
  work: (opened: Store) => Promise<Answer>,
): Promise<Answer> {
  const opened = file(asked.text('store') ?? env.LANEKIT_STORE ?? join(homedir(), '.lanekit'))
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}
