import { createTemplateBook, decodeTemplates, encodeTemplates, type TemplateBook } from '../batch/index.ts'
import { SdkError } from '../errors.ts'
import type { Store } from '../ports.ts'
import type { ChainId } from '../units.ts'

/** Where templates are between one wallet and the next. */
export interface TemplateShelf {
  /** What earlier wallets on the store have learnt; an empty book when that cannot be read: it is a forecast, no fact. */
  readonly book: () => Promise<TemplateBook>
  /** Stores what was learnt since. When another wallet on the store was faster, its templates stand this time. */
  readonly keep: () => Promise<void>
}

/** A shelf that is empty at the start and forgets at the end. */
export function emptyShelf(): TemplateShelf {
  const book = createTemplateBook()
  return { book: async () => book, keep: async () => undefined }
}

/** A shelf on a store, one for each chain. */
export function templateShelf(store: Store, chain: ChainId): TemplateShelf {
  const key = `templates/${chain}`
  const stored = { version: 0, lessons: 0 }
  let opened: Promise<TemplateBook> | undefined

  const open = async () => {
    const record = await store.get(key)
    stored.version = record?.version ?? 0
    const templates = record ? decodeTemplates(record.bytes) : undefined
    return createTemplateBook(templates?.ok ? templates.value : [])
  }
  const book = () => {
    opened ??= open()
    return opened
  }
  return {
    book,
    keep: async () => {
      const { lessons, templates } = await book()
      const now = lessons()
      if (now === stored.lessons) return
      stored.lessons = now
      try {
        await store.commit([{ key, expected: stored.version, bytes: encodeTemplates(templates()) }])
        stored.version += 1
      } catch (error) {
        if (!(error instanceof SdkError && error.code === 'store/conflict')) throw error
        stored.version = (await store.get(key))?.version ?? 0
      }
    },
  }
}
