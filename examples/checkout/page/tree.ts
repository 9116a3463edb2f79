/** What an attribute may be: a handler is told of its event, `null` and `false` leave the attribute out. */
export type Attribute = string | number | boolean | null | ((event: Event) => void)

/** A piece of a page as plain data, so that one view can be written as text and painted into a document. */
export interface Piece {
  readonly tag: string
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly children: readonly (Piece | string)[]
}

/** What may stand inside a piece: nothing and `false` are left out, lists are laid flat. */
export type Inside = Piece | string | number | false | null | readonly Inside[]

/** A piece of the page. `key` in the attributes tells siblings apart when they move. */
export function h(tag: string, attributes: Readonly<Record<string, Attribute>> = {}, ...inside: Inside[]): Piece {
  return { tag, attributes, children: flat(inside) }
}

/** The piece as HTML, without its handlers. */
export function toHtml(piece: Piece | string): string {
  if (typeof piece === 'string') return escaped(piece)
  const { tag, attributes, children } = piece
  const written = Object.entries(attributes).flatMap(([name, value]) => {
    const text = attributeText(name, value)
    return text === null ? [] : [` ${name}="${escaped(text)}"`]
  })
  const open = `<${tag}${written.join('')}>`
  return childless.has(tag) ? open : `${open}${children.map(toHtml).join('')}</${tag}>`
}

/** How an attribute is written, or `null` when it is not. */
export function attributeText(name: string, value: Attribute): string | null {
  if (name === 'key' || typeof value === 'function' || value === null || value === false) return null
  return value === true ? '' : String(value)
}

const childless: ReadonlySet<string> = new Set(['br', 'hr', 'img', 'input', 'link', 'meta'])
const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (found) => escapes[found] ?? found)
}

function flat(inside: readonly Inside[]): (Piece | string)[] {
  return inside.flatMap((one): (Piece | string)[] => {
    if (one === null || one === false) return []
    if (typeof one === 'string' || typeof one === 'number') return [String(one)]
    return 'tag' in one ? [one] : flat(one)
  })
}
