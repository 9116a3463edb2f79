import type { Shop } from '../api.ts'
import { texts } from '../texts.ts'
import { h, type Piece, toHtml } from './tree.ts'

export type PageName = 'shop' | 'merchant' | 'lanes' | 'cheat'

/** Where each page lives. */
export const paths: Readonly<Record<PageName, string>> = {
  shop: '/',
  merchant: '/merchant',
  lanes: '/lanes',
  cheat: '/cheat',
}

/** The pages there are: the cheat is played on a test chain of this machine's own only. */
export function pagesOf(isDemo: boolean): readonly PageName[] {
  const all = Object.keys(paths) as PageName[]
  return isDemo ? all : all.filter((page) => page !== 'cheat')
}

/** What a page is made from. The script and the style are named by the build. */
export interface Frame {
  readonly page: PageName
  readonly network: Shop['network']
  readonly isDemo: boolean
  readonly assets: { readonly script: string; readonly style: string; readonly icon: string }
  /** What is there before any script runs. */
  readonly content: readonly Piece[]
}

/** A whole document. It holds no script and no style of its own, so the strictest policy fits it. */
export function documentOf({ page, network, isDemo, assets, content }: Frame): string {
  const head = h(
    'head',
    {},
    h('meta', { charset: 'utf-8' }),
    h('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    h('meta', { name: 'color-scheme', content: 'light dark' }),
    h('title', {}, texts.titles[page]),
    h('link', { rel: 'icon', href: assets.icon, type: 'image/svg+xml' }),
    h('link', { rel: 'stylesheet', href: assets.style }),
    h('script', { type: 'module', src: assets.script }),
  )
  return `<!doctype html>${toHtml(h('html', { lang: texts.language }, head, bodyOf({ page, network, isDemo, content })))}`
}

function bodyOf({ page, network, isDemo, content }: Omit<Frame, 'assets'>): Piece {
  return h(
    'body',
    { class: `page-${page}` },
    h('a', { class: 'skip', href: '#content' }, texts.skip),
    h(
      'header',
      { class: 'masthead' },
      h('a', { class: 'name', href: paths.shop }, texts.shopName),
      h(
        'nav',
        { 'aria-label': texts.navigation },
        h(
          'ul',
          {},
          pagesOf(isDemo).map((name) =>
            h(
              'li',
              {},
              h('a', { href: paths[name], 'aria-current': name === page ? 'page' : null }, texts.pages[name]),
            ),
          ),
        ),
      ),
      h('p', { class: 'chain' }, texts.chainNote(network)),
    ),
    h('main', { id: 'content', tabindex: -1 }, content),
    h('noscript', {}, h('p', { class: 'notice' }, texts.noScript)),
    h('footer', {}, h('p', {}, texts.footer)),
  )
}
