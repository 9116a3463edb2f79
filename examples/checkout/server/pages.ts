import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Hono } from 'hono'
import type { Shop } from '../api.ts'
import { cheatView } from '../cheat/view.ts'
import { lanesView } from '../lanes/view.ts'
import { firstTill, merchantView } from '../merchant/view.ts'
import { documentOf, type PageName, pagesOf, paths } from '../page/frame.ts'
import type { Piece } from '../page/tree.ts'
import { firstState } from '../shopper/model.ts'
import { shopperView } from '../shopper/view.ts'

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

/** The pages as they are before any script runs, and what the build made for them. */
export function pageRoutes(folder: string, shop: () => Shop): Hono {
  const names = JSON.parse(readFileSync(join(folder, 'assets.json'), 'utf8')) as Readonly<Record<string, string>>
  const files = new Map(
    readdirSync(folder)
      .filter((file) => file !== 'assets.json')
      .map((file) => [file, readFileSync(join(folder, file))] as const),
  )
  const nothing = () => undefined
  const contents: Readonly<Record<PageName, () => readonly Piece[]>> = {
    shop: () => shopperView({ ...firstState, shop: shop() }, nothing),
    merchant: () => merchantView(firstTill, { settle: nothing, withdraw: nothing }),
    cheat: () => cheatView({ story: null, isStale: false }, nothing),
    lanes: () => lanesView({ windows: null, chosen: null, detail: null, isStale: false }, nothing),
  }
  const app = new Hono()
  const { isDemo, network } = shop()
  for (const page of pagesOf(isDemo))
    app.get(paths[page], (context) => {
      const assets = { script: names[page] ?? '', style: names.style ?? '', icon: names.icon ?? '' }
      context.header('cache-control', 'no-cache')
      return context.html(documentOf({ page, network, isDemo, assets, content: contents[page]() }))
    })
  app.get('/assets/:file', (context) => {
    const file = context.req.param('file')
    const bytes = files.get(file)
    if (!bytes) return context.notFound()
    // The name changes with the content.
    return context.body(Uint8Array.from(bytes).buffer, 200, {
      'content-type': types[file.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
    })
  })
  return app
}
